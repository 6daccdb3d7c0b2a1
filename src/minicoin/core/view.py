"""What of a node may be read between two events: the one way in for queries, checkers and tests.

Looking changes nothing: the types here have no method that does. What changes a node is an event; what leaves it, for
longer than a look, is a frozen value. Each protocol says what a part lets be read; the part says what that means.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from minicoin.core.addrmgr.book import AddressRecord, BookPlace, BookSnapshot
from minicoin.core.admission.state import AdmissionState
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.configuration.chain_settings import SettingsStanding
from minicoin.core.configuration.form import ConfigurationState
from minicoin.core.configuration.settable import SettingInForce
from minicoin.core.connmgr.bans import Ban
from minicoin.core.connmgr.slots import SlotView
from minicoin.core.consensus.status import ConsensusStatus
from minicoin.core.directed.letterbox import ReceivedLetter
from minicoin.core.discovery.gossip import GossipPeerView
from minicoin.core.drafts.changes import ChangeDraft
from minicoin.core.drafts.statement_desk import StatementDraft
from minicoin.core.evidence.state import EvidenceState
from minicoin.core.inventory.inventory_flow import InventoryFlow
from minicoin.core.members.proposing import MemberStanding
from minicoin.core.members.recovery_drafts import RecoveryDraft, RecoveryStanding
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.orphans import Orphan
from minicoin.core.mempool.outcomes import FeerateBucket, MempoolSnapshot
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mempool.pool_flow import PoolFlow
from minicoin.core.mining.template import BlockTemplate, TemplateSize
from minicoin.core.netsync.chain_flow import ChainFlow
from minicoin.core.netsync.digest import SyncSnapshot
from minicoin.core.netsync.peers import SyncPeerView
from minicoin.core.overlay.contract import OverlayState
from minicoin.core.params.network import Network
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.part import PeerView, Router
from minicoin.core.payments.keeper import WalletKeeper
from minicoin.core.peer.session import SessionSnapshot
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut
from minicoin.core.primitives.verdicts import TxRejected, TxVerdict
from minicoin.core.records.held import StoreSnapshot
from minicoin.core.records.record import SignedRecord
from minicoin.core.relay.transactions import RelayPeerView
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.settings import ConfigurationRecord, SettingsChange
from minicoin.core.units import ConnId, Micros
from minicoin.core.wallet.keys import Chain, KeyPath
from minicoin.core.wallet.records import Balance, HistoryEntry, Record, TransactionStatus, WalletCoin
from minicoin.core.wallet.views import AddressEntry, WalletSnapshot
from minicoin.core.wire.messages import Message


class SyncReader(Protocol):
    """Synchronisation (core/netsync)."""

    @property
    def contradiction(self) -> str: ...
    def snapshot(self, now: Micros) -> SyncSnapshot: ...
    def view(self, conn: ConnId) -> SyncPeerView | None: ...


class RelayReader(Protocol):
    """Relay of transactions (core/relay)."""

    def view(self, conn: ConnId) -> RelayPeerView | None: ...
    def relaying_peers(self) -> list[ConnId]: ...
    @property
    def requested_count(self) -> int: ...


class GossipReader(Protocol):
    """Gossip of addresses (core/discovery)."""

    @property
    def own_address(self) -> NodeAddress | None: ...
    def view(self, conn: ConnId) -> GossipPeerView | None: ...


class BookReader(Protocol):
    """The address book (core/addrmgr)."""

    @property
    def size(self) -> int: ...
    def snapshot(self) -> BookSnapshot: ...
    def find(self, address: NodeAddress) -> AddressRecord | None: ...
    def group(self, address: NodeAddress) -> bytes: ...
    def page(self, count: int, skip: int = 0) -> tuple[TimedAddress, ...]: ...
    def places(self, count: int, skip: int = 0) -> tuple[BookPlace, ...]: ...


class BanReader(Protocol):
    """The bans (core/connmgr)."""

    def active(self, now: Micros) -> tuple[Ban, ...]: ...
    def listing(self) -> tuple[Ban, ...]: ...


class ConnectionReader(Protocol):
    """Connections and dials (core/connmgr)."""

    @property
    def is_active(self) -> bool: ...
    @property
    def bans(self) -> BanReader: ...
    def snapshot(self) -> tuple[SlotView, ...]: ...
    def added_nodes(self) -> tuple[NodeAddress, ...]: ...


class PoolReader(Protocol):
    """The mempool (core/mempool)."""

    @property
    def policy(self) -> MempoolPolicy: ...
    @property
    def updates(self) -> int: ...
    @property
    def deltas(self) -> Iterable[tuple[Txid, int]]: ...
    def __len__(self) -> int: ...
    def __contains__(self, txid: Txid) -> bool: ...
    def __iter__(self) -> Iterator[Entry]: ...
    def get(self, txid: Txid) -> Entry | None: ...
    def ancestors(self, entry: Entry) -> list[Entry]: ...
    def descendants(self, entry: Entry) -> list[Entry]: ...
    def orphans(self) -> tuple[Orphan, ...]: ...
    def unbroadcast(self) -> list[Entry]: ...
    def is_unbroadcast(self, txid: Txid) -> bool: ...
    def is_verifying(self, txid: Txid) -> bool: ...
    def by_feerate(self) -> Iterator[Entry]: ...
    def spender(self, outpoint: Outpoint) -> Entry | None: ...
    def output(self, outpoint: Outpoint) -> TxOut | None: ...
    def vsize(self, verdict: TxVerdict) -> int: ...
    def check(self, transaction: Transaction) -> None: ...
    def judge(self, verdict: TxVerdict, now: Micros) -> None: ...
    def judge_together(self, verdicts: Sequence[TxVerdict], now: Micros) -> TxRejected | None: ...
    def min_feerate(self, now: Micros) -> int: ...
    def estimate_feerate(self, target_blocks: int, now: Micros) -> int: ...
    def histogram(self) -> tuple[FeerateBucket, ...]: ...
    def snapshot(self, now: Micros) -> MempoolSnapshot: ...


class MiningReader(Protocol):
    """Mining (core/mining)."""

    @property
    def script_pubkey(self) -> bytes | None: ...
    @property
    def last_size(self) -> TemplateSize | None: ...
    def template(self, script_pubkey: bytes, now: Micros) -> BlockTemplate: ...
    def exact_template(
        self, script_pubkey: bytes, transactions: tuple[Transaction, ...], now: Micros
    ) -> BlockTemplate: ...


class OverlayReader(Protocol):
    """The network model (core/overlay)."""

    def about(self, now: Micros) -> OverlayState: ...


class LettersReader(Protocol):
    """Letters (core/directed)."""

    def listing(self) -> tuple[ReceivedLetter, ...]: ...


class ConsensusReader(Protocol):
    """The rounds (core/consensus)."""

    def status(self) -> ConsensusStatus: ...


class WalletReader(Protocol):
    """The wallet (core/wallet)."""

    @property
    def rescan_height(self) -> int | None: ...
    def snapshot(self) -> WalletSnapshot: ...
    def balance(self) -> Balance: ...
    def addresses(self, chain: Chain = Chain.RECEIVING) -> tuple[AddressEntry, ...]: ...
    def find_key(self, script_pubkey: bytes) -> KeyPath | None: ...
    def public_key(self, path: KeyPath) -> bytes: ...
    def label(self, script_pubkey: bytes) -> str: ...
    def coins(self) -> tuple[WalletCoin, ...]: ...
    def history(self, count: int, skip: int = 0) -> tuple[HistoryEntry, ...]: ...
    def history_of(self, txid: Txid) -> tuple[HistoryEntry, ...]: ...
    def record(self, txid: Txid) -> Record | None: ...
    def unconfirmed(self) -> tuple[Record, ...]: ...
    def status(self, txid: Txid) -> TransactionStatus | None: ...


class RecordReader(Protocol):
    """The records (core/records)."""

    @property
    def changes(self) -> int: ...
    @property
    def own_signer(self) -> bytes: ...
    def __len__(self) -> int: ...
    def of_kind(self, kind: str) -> tuple[SignedRecord, ...]: ...
    def get(self, kind: str, signer: bytes, key: str) -> SignedRecord | None: ...
    def snapshot(self) -> StoreSnapshot: ...


class AdmissionReader(Protocol):
    """Who may connect (core/admission)."""

    @property
    def state(self) -> AdmissionState: ...
    def drafts(self) -> tuple[StatementDraft[AdmissionRecord], ...]: ...
    def consequences(self, draft: AdmissionRecord) -> tuple[str, ...]: ...
    def warnings(self) -> tuple[str, ...]: ...


class EvidenceReader(Protocol):
    """What proves that members lied (core/evidence)."""

    @property
    def state(self) -> EvidenceState: ...
    def warnings(self) -> tuple[str, ...]: ...


class MemberChangesReader(Protocol):
    """Changes of the member list on their way (core/members)."""

    def standing(self) -> MemberStanding: ...
    @property
    def held(self) -> tuple[bytes, ...]: ...
    def own(self, members: MemberList) -> bytes | None: ...
    def open(self) -> tuple[ChangeDraft[MemberChange], ...]: ...


class ChainSettingsReader(Protocol):
    """Changes of what validity depends on, on their way (core/configuration)."""

    def standing(self) -> SettingsStanding: ...
    def open(self) -> tuple[ChangeDraft[SettingsChange], ...]: ...


class ConfigurationReader(Protocol):
    """What members set (core/configuration)."""

    @property
    def state(self) -> ConfigurationState: ...
    @property
    def chain(self) -> ChainSettingsReader | None: ...
    def values(self) -> tuple[SettingInForce, ...]: ...
    def drafts(self) -> tuple[StatementDraft[ConfigurationRecord], ...]: ...
    def warnings(self) -> tuple[str, ...]: ...


class FounderSettingsReader(Protocol):
    """What founders set (core/configuration)."""

    def values(self) -> tuple[SettingInForce, ...]: ...
    def warnings(self) -> tuple[str, ...]: ...


class RecoveryReader(Protocol):
    """Recoveries on their way (core/members). Each raises MisuseError while blocks are still to come."""

    def standing(self) -> RecoveryStanding: ...
    def open(self) -> tuple[RecoveryDraft, ...]: ...
    def combined(self, files: Iterable[RecoveryFile]) -> RecoveryFile: ...


class SessionReader(Protocol):
    """One session (core/peer)."""

    @property
    def inbound(self) -> bool: ...
    def snapshot(self) -> SessionSnapshot: ...


class PeerReader(Protocol):
    """What is said to peers (core/node/peer_flow)."""

    def greeting(self, conn: ConnId, remote: NodeAddress, now: Micros) -> tuple[Message, ...]: ...


class SeenParts(Protocol):
    """The parts as they are looked at."""

    @property
    def network(self) -> Network: ...
    @property
    def policy(self) -> NodePolicy: ...
    @property
    def tree(self) -> HeaderReader: ...
    @property
    def origin(self) -> HeaderNode: ...
    @property
    def mempool(self) -> PoolReader: ...
    @property
    def sync(self) -> SyncReader: ...
    @property
    def relay(self) -> RelayReader: ...
    @property
    def gossip(self) -> GossipReader: ...
    @property
    def book(self) -> BookReader: ...
    @property
    def connections(self) -> ConnectionReader: ...
    @property
    def records(self) -> RecordReader | None: ...
    @property
    def sessions(self) -> Mapping[ConnId, SessionReader]: ...
    def peer_views(self) -> tuple[PeerView, ...]: ...


class SeenFlows(Protocol):
    """What has them work together."""

    @property
    def chain(self) -> ChainFlow: ...
    @property
    def pool(self) -> PoolFlow: ...
    @property
    def peers(self) -> PeerReader: ...
    @property
    def admission(self) -> AdmissionReader | None: ...
    @property
    def evidence(self) -> EvidenceReader | None: ...
    @property
    def inventory(self) -> InventoryFlow: ...
    @property
    def mining(self) -> MiningReader: ...
    @property
    def wallet(self) -> WalletKeeper: ...
    @property
    def router(self) -> Router: ...
    @property
    def overlay(self) -> OverlayReader: ...
    @property
    def directed(self) -> LettersReader | None: ...
    @property
    def consensus(self) -> ConsensusReader | None: ...
    @property
    def member_changes(self) -> MemberChangesReader | None: ...
    @property
    def configuration(self) -> ConfigurationReader | None: ...
    @property
    def founder_settings(self) -> FounderSettingsReader | None: ...
    @property
    def recovering(self) -> RecoveryReader | None: ...


class NodeView:
    """A node that is only looked at."""

    __slots__ = ("_flows", "_shared")

    def __init__(self, shared: SeenParts, flows: SeenFlows) -> None:
        self._shared = shared
        self._flows = flows

    @property
    def network(self) -> Network:
        return self._shared.network

    @property
    def policy(self) -> NodePolicy:
        return self._shared.policy

    @property
    def tree(self) -> HeaderReader:
        return self._shared.tree

    @property
    def origin(self) -> HeaderNode:
        """The best header that an earlier run left behind: the genesis block's of a fresh node."""
        return self._shared.origin

    @property
    def mempool(self) -> PoolReader:
        return self._shared.mempool

    @property
    def has_restored_mempool(self) -> bool:
        """Whether all that an earlier run kept of the mempool was judged, or nothing is to be taken up."""
        return self._flows.pool.is_restored

    @property
    def records(self) -> RecordReader | None:
        """None where nodes have no messages of their own."""
        return self._shared.records

    def peer_views(self) -> tuple[PeerView, ...]:
        """The peers whose handshake is over."""
        return self._shared.peer_views()

    @property
    def admission(self) -> AdmissionReader | None:
        """None where anybody may connect."""
        return self._flows.admission

    @property
    def evidence(self) -> EvidenceReader | None:
        """None where nobody signs the blocks."""
        return self._flows.evidence

    @property
    def member_changes(self) -> MemberChangesReader | None:
        """None where nobody signs the blocks."""
        return self._flows.member_changes

    @property
    def configuration(self) -> ConfigurationReader | None:
        """None where nobody signs the blocks."""
        return self._flows.configuration

    @property
    def founder_settings(self) -> FounderSettingsReader | None:
        """None where no founders sign settings."""
        return self._flows.founder_settings

    @property
    def recovering(self) -> RecoveryReader | None:
        """None where nobody signs the blocks."""
        return self._flows.recovering

    @property
    def sync(self) -> SyncReader:
        return self._shared.sync

    @property
    def relay(self) -> RelayReader:
        return self._shared.relay

    @property
    def gossip(self) -> GossipReader:
        return self._shared.gossip

    @property
    def book(self) -> BookReader:
        return self._shared.book

    @property
    def connections(self) -> ConnectionReader:
        return self._shared.connections

    @property
    def sessions(self) -> Mapping[ConnId, SessionSnapshot]:
        """Every session at this moment, ready or not, oldest first."""
        return {conn: session.snapshot() for conn, session in self._shared.sessions.items()}

    def directions(self) -> Mapping[ConnId, bool]:
        """Every session at this moment, and whether its peer dialled us."""
        return {conn: session.inbound for conn, session in self._shared.sessions.items()}

    def ready_peers(self) -> tuple[PeerView, ...]:
        """Those whose handshake is over, oldest first."""
        return self._shared.peer_views()

    def greeting(self, conn: ConnId, remote: NodeAddress, now: Micros) -> tuple[Message, ...]:
        """What it says in a handshake on this connection with a peer of its own version."""
        return self._flows.peers.greeting(conn, remote, now)

    @property
    def mining(self) -> MiningReader:
        return self._flows.mining

    @property
    def wallet(self) -> WalletReader | None:
        return self._flows.wallet.wallet

    def overlay(self, now: Micros) -> OverlayState:
        """What the network model shows of itself."""
        return self._flows.overlay.about(now)

    def letters(self) -> tuple[ReceivedLetter, ...]:
        """What came for this node, oldest first."""
        return () if self._flows.directed is None else self._flows.directed.listing()

    def consensus(self) -> ConsensusStatus | None:
        """How the rounds go; None where this node signs for no member."""
        return None if self._flows.consensus is None else self._flows.consensus.status()

    @property
    def has_letters(self) -> bool:
        """Whether this node writes letters and passes them on."""
        return self._flows.directed is not None

    def served(self) -> Mapping[ConnId, int]:
        """The peers that were sent something or wait for it, and how many of their requests wait or are being read."""
        return self._flows.inventory.served()

    @property
    def is_settled(self) -> bool:
        """Whether the engine stands where the tree wants it."""
        return self._flows.chain.is_settled

    @property
    def failure(self) -> str:
        """What a worker could not do any more; the node serves on, but its chain stands still. Empty: all is well."""
        return self._flows.chain.failure

    def takers(self) -> Mapping[type, str]:
        """Which method takes which message."""
        return {message: route.taker for message, route in self._flows.router.items()}
