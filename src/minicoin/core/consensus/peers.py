"""Which connections lead to signers, which member each proved to be, and how much work a peer may make.

Two that have greeted each other have met: only then do votes pass between them. A peer is a signer's once its greeting
holds; until then, and for good where it sends none, it is one like others, and what it sends as a signer is its fault.
A node proves a second key while its member's is rolled. A member may have two nodes for a while, as when one is
replaced; who proves our own key is told by its caller, since two nodes with one key end as a liar.

Votes pass between signers whose configurations name the same recoveries: what one of another epoch signs is for another
domain, and nobody's fault.
"""

from collections.abc import Callable
from dataclasses import dataclass

from minicoin.core.consensus.messages import MemberGreeting
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    CONSENSUS_PEERS_MAX,
    CONSENSUS_QUESTIONS_PER_PEER_BURST,
    CONSENSUS_QUESTIONS_PER_PEER_PER_SECOND,
    CONSENSUS_VOTES_PER_PEER_BURST,
    CONSENSUS_VOTES_PER_PEER_PER_SECOND,
    SIGNING_KEYS_MAX,
)
from minicoin.core.rates import Buckets, Rate
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.units import ConnId, Micros

_VOTES = Rate(CONSENSUS_VOTES_PER_PEER_BURST, CONSENSUS_VOTES_PER_PEER_PER_SECOND)
_QUESTIONS = Rate(CONSENSUS_QUESTIONS_PER_PEER_BURST, CONSENSUS_QUESTIONS_PER_PEER_PER_SECOND)

MaySign = Callable[[bytes], bool]
"""Asked of a peer id."""


@dataclass(frozen=True, slots=True)
class SignerPeer:
    """A connection whose other end signs for a member."""

    conn: ConnId
    peer_id: bytes
    members: tuple[bytes, ...]
    """A member's node proves two keys while the member's key is rolled."""
    epoch: bytes = NO_RECOVERY
    """The hash of the last recovery that it names."""

    def member_in(self, members: MemberList) -> bytes | None:
        """The one that stands in a list."""
        return next((key for key in self.members if key in members), None)


class SignerPeers:
    """In the order in which they proved it."""

    def __init__(
        self,
        network_id: bytes,
        own_peer_id: bytes,
        may_sign: MaySign = lambda _peer_id: True,
        epoch: bytes = NO_RECOVERY,
    ) -> None:
        """`may_sign` says whether the node of a peer id may speak for a member at all, as it is admitted; `epoch` is
        our own."""
        self.epoch = epoch
        self._network_id = network_id
        self._may_sign = may_sign
        self._own_peer_id = own_peer_id
        self._peers: dict[ConnId, SignerPeer] = {}
        self._greeted: dict[ConnId, None] = {}
        """Those that our greeting went to."""
        self._votes: Buckets[ConnId] = Buckets(_VOTES, CONSENSUS_PEERS_MAX)
        self._questions: Buckets[ConnId] = Buckets(_QUESTIONS, CONSENSUS_PEERS_MAX)

    def __len__(self) -> int:
        return len(self._peers)

    def take_greeting(self, conn: ConnId, peer_id: bytes, greeting: MemberGreeting) -> SignerPeer | None:
        """Whom the peer proved to sign for; None where it said so before, or there is no room. Raises PeerFault."""
        known = self._peers.get(conn)
        before = () if known is None else known.members
        if greeting.member in before or len(before) >= SIGNING_KEYS_MAX:
            return None
        if known is None and len(self._peers) >= CONSENSUS_PEERS_MAX:
            return None
        if not greeting.holds(self._network_id, peer_id, self._own_peer_id):
            raise PeerFault("its greeting is not signed by the member that it names", score=100)
        if not self._may_sign(peer_id):
            # A second lock: who has a member's key is not a member's node by that.
            raise PeerFault("it signs for a member, and is not admitted as a signer", score=0)
        peer = self._peers[conn] = SignerPeer(conn, peer_id, (*before, greeting.member), greeting.epoch)
        return peer

    def elsewhere(self, member: bytes, peer_id: bytes) -> bytes:
        """The peer id of another node than this one that proved the same member; empty for none."""
        found = [peer.peer_id for peer in self._peers.values() if member in peer.members and peer.peer_id != peer_id]
        return found[0] if found else b""

    def proven(self, members: MemberList) -> list[SignerPeer]:
        """The connections to these members, whether we have greeted or not."""
        return [peer for peer in self._peers.values() if peer.member_in(members)]

    def note_greeted(self, conn: ConnId) -> SignerPeer | None:
        """Our greeting goes to this peer; who it is, where that is known."""
        self._greeted[conn] = None
        return self._peers.get(conn)

    def has_met(self, conn: ConnId) -> bool:
        """Whether both have greeted, and name the same recoveries."""
        peer = self._peers.get(conn)
        return peer is not None and conn in self._greeted and peer.epoch == self.epoch

    def forget(self, conn: ConnId) -> SignerPeer | None:
        """The connection ended."""
        self._greeted.pop(conn, None)
        self._votes.forget(conn)
        self._questions.forget(conn)
        return self._peers.pop(conn, None)

    def require(self, conn: ConnId) -> SignerPeer:
        """Who sends what only signers send. Raises PeerFault."""
        peer = self._peers.get(conn)
        if peer is None:
            raise PeerFault("it sends what signers send each other, and did not prove to be one", score=100)
        return peer

    def may_vote(self, conn: ConnId, now: Micros) -> bool:
        """Whether one more vote of this peer is looked at."""
        return self._votes.charge(conn, now)

    def may_ask(self, conn: ConnId, now: Micros) -> bool:
        """Whether one more question of this peer is answered."""
        return self._questions.charge(conn, now)

    def met(self, members: MemberList) -> list[SignerPeer]:
        """The connections to these members, where both have greeted."""
        return [peer for peer in self._peers.values() if self.has_met(peer.conn) and peer.member_in(members)]
