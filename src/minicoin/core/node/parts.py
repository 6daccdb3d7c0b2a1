"""The parts one node is made of, and what its flows share: the effects of the event at hand, and who waits for what."""

from dataclasses import dataclass, field

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.admission.state import AdmissionState
from minicoin.core.answers import Answer, Reason, Refused
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.configuration.form import ConfigurationState
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.discovery.bootstrap import Bootstrap
from minicoin.core.discovery.gossip import Gossip
from minicoin.core.effects import Effect, Reply, Send
from minicoin.core.evidence.state import EvidenceState
from minicoin.core.mempool.pool import Mempool
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.notices import Unanchored
from minicoin.core.params.network import Network
from minicoin.core.part import PeerView
from minicoin.core.peer.session import Session
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.transaction import Txid
from minicoin.core.records.statements import MemberLists
from minicoin.core.records.store import RecordStore
from minicoin.core.relay.transactions import TxRelay
from minicoin.core.rng import Rng
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.units import ConnId, RequestId
from minicoin.core.wire.messages import Message
from minicoin.core.wire.messages_extension import ExtensionMessage


@dataclass(slots=True, kw_only=True)
class CommonParts:
    """What every node has, whatever its role. Owned by node; flows read and change them, in the written order only."""

    network: Network
    policy: NodePolicy
    rng: Rng
    tree: HeaderTree
    headers: HeaderFollower
    book: AddressBook
    connections: ConnectionManager
    bootstrap: Bootstrap
    gossip: Gossip
    records: RecordStore | None
    """None where nodes have no messages of their own."""
    origin: HeaderNode
    """The best header that an earlier run left behind: the genesis block's of a fresh node."""
    members_at: MemberLists
    """Who signs, by height; nobody where blocks need no signatures."""
    own_keys: OwnKeys
    """Whom this node signs for; on most nodes nobody."""
    admission: AdmissionState | None = None
    """Who may connect; None where anybody may."""
    evidence: EvidenceState | None = None
    """Against members; None where nobody signs."""
    configuration: ConfigurationState | None = None
    """What members set; None where nobody signs the blocks."""
    sessions: dict[ConnId, Session] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    has_extensions: bool = False
    """This node speaks messages beyond Bitcoin's."""
    _views: tuple[PeerView, ...] | None = None

    def emit(self, *effects: Effect) -> None:
        """Queue effects of the event at hand. What is beyond Bitcoin's messages goes to whoever offered it."""
        if self.has_extensions:
            self.effects += [effect for effect in effects if not isinstance(effect, Send) or self._may_send(effect)]
        else:
            self.effects += effects

    def drain(self) -> list[Effect]:
        """All that was queued, in order, for whoever performs it."""
        effects, self.effects = self.effects, []
        return effects

    def _may_send(self, effect: Send) -> bool:
        session = self.sessions.get(effect.conn)
        return session is None or self.may_pass(session, effect.message)

    def may_pass(self, session: Session, message: Message) -> bool:
        """Either way: what is beyond Bitcoin's messages goes where both sides have offered it."""
        if not self.has_extensions or not isinstance(message, ExtensionMessage):
            return True
        return session.speaks is not None and type(message) in session.speaks

    def peer_views(self) -> tuple[PeerView, ...]:
        """The ready peers as the overlay sees them."""
        if self._views is None:
            self._views = tuple(session.view for session in self.sessions.values() if session.view is not None)
        return self._views

    def on_peers_changed(self) -> None:
        """A peer became ready or left."""
        self._views = None

    def is_at_work_for(self, conn: ConnId, *, is_settled: bool) -> bool:
        """Whether what this peer sent is with a worker, or in line for it; `is_settled` where the engine stands where
        it should. Without blocks there is no worker."""
        return False

    def emit_unanchored(self) -> None:
        """Say so at the start, where the history that peers will show cannot be told from another one."""
        if self.tree.signers is not None and self.policy.anchor is None and self.origin is self.tree.genesis:
            self.emit(Unanchored(self.origin.hash))

    def reply(self, request: RequestId | None, answer: Answer) -> None:
        """Answer a command, if one waits."""
        if request is not None:
            self.effects.append(Reply(request, answer))

    def refuse(self, request: RequestId | None, reason: Reason, text: str) -> None:
        """Answer a command with why it is not carried out, if one waits."""
        if request is not None:
            self.effects.append(Reply(request, Refused(reason, text)))


@dataclass(slots=True, kw_only=True)
class Parts(CommonParts):
    """And what a node has that keeps blocks. Its `sync` stands in front of `headers`."""

    sync: BlockSync
    mempool: Mempool
    relay: TxRelay
    withheld: dict[Txid, None] = field(default_factory=dict)
    """What stands in the mempool and nobody may hear of yet; only the flow of transactions changes it."""

    def is_at_work_for(self, conn: ConnId, *, is_settled: bool) -> bool:
        """Its blocks and its transactions."""
        return self.mempool.is_verifying_from(conn) or self.sync.is_at_work_for(conn, is_settled=is_settled)
