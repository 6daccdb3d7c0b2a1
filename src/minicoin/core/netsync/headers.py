"""Asks peers for headers and takes their answers: one peer while we are far behind, every peer once we are not.

The header tree owns validity; what it refuses for good becomes the sender's fault. Headers without enough work are
bounded per peer. Bitcoin Core's headers-first design, BIP130 for announcements by headers.
"""

import itertools
from collections.abc import Mapping

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Effect, SaveHeaders, Send
from minicoin.core.faults import PeerFault
from minicoin.core.limits import HEADERS_PER_MESSAGE_MAX, HEADERS_TIMEOUT_US, LOW_WORK_HEADERS_PER_PEER_MAX
from minicoin.core.netsync.peers import PROTOCOL_VERSION, SyncPeer
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.units import DAY_US, SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import GetHeaders

RECENT_US = DAY_US
"""A tip younger than this is taken for the present one, as Bitcoin Core does."""

_UNCONNECTING_HEADERS_MAX = 10


class HeaderSync:
    """Headers of all peers. `peers` is the table that BlockSync keeps."""

    def __init__(self, tree: HeaderTree, peers: Mapping[ConnId, SyncPeer], alarm: Alarm) -> None:
        self._tree = tree
        self._peers = peers
        self._alarm = alarm
        self._has_unresolved = False

    def take(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        """One headers message. Raises PeerFault for headers that break the rules or do not follow each other."""
        was_asked = peer.headers_asked_at is not None
        peer.headers_asked_at = None
        peer.is_classic = False
        if len(headers) == 1 and not was_asked:
            node = self._tree.get(headers[0].hash)
            if node is not None:
                self._take_known(peer, node)
                return []
        if not headers:
            peer.is_header_synced = True
            return self.ask(now)
        if self._tree.get(headers[0].previous) is None:
            return self._take_unconnecting(peer, headers, now)
        peer.unconnecting_headers = 0
        fresh = self._accept_all(peer, headers, now)
        effects: list[Effect] = [SaveHeaders(fresh)] if fresh else []
        # The last of them may be early by our clock: those in front of it count all the same.
        nodes = (self._tree.get(header.hash) for header in reversed(headers))
        last = next((node for node in nodes if node is not None), None)
        if last is not None:
            peer.learn(last)
        if len(headers) == HEADERS_PER_MESSAGE_MAX and last is not None and last.hash == headers[-1].hash:
            effects.append(self.ask_peer(peer, now, last))
        elif was_asked:
            peer.is_header_synced = True
            effects += self.ask(now)
        self._resolve_announcements()
        return effects

    def accept(self, header: BlockHeader, now: Micros) -> HeaderNode | None:
        """One header into the tree; None where it is early, or builds on a block whose body we found invalid."""
        try:
            return self._tree.add(header, now)
        except BlockRejected as rejected:
            # Whoever relays a header may not have looked into its ancestors' bodies, nor heard our operator's word.
            if not rejected.is_permanent or rejected.reason is BlockReason.INVALID_PARENT:
                return None
            raise PeerFault(f"invalid header: {rejected}", score=100) from rejected

    def check_work(self, header: BlockHeader) -> None:
        """An orphan's place is unknown, but not its work: room is not to be had for nothing. Raises PeerFault."""
        try:
            self._tree.proof.check_header(header)
        except BlockRejected as rejected:
            raise PeerFault(f"invalid header: {rejected}", score=100) from rejected

    # --- asking ---

    def ask(self, now: Micros) -> list[Effect]:
        """Ask whoever should be asked and was not."""
        is_recent = self._tree.best_header.header.time * SECOND_US >= now - RECENT_US
        is_busy = any(peer.headers_asked_at is not None for peer in self._peers.values())
        effects: list[Effect] = []
        willing = [
            peer
            for peer in self._peers.values()
            if not peer.is_header_synced and peer.headers_asked_at is None and peer.serves_blocks
        ]
        # Peers we chose before those that chose us: an attacker cannot place itself among the former.
        for peer in sorted(willing, key=lambda peer: (peer.inbound, peer.conn)):
            if is_busy and not is_recent:
                break
            # From the parent of our best header, so that an answer shows that the peer has it.
            effects.append(self.ask_peer(peer, now, self._tree.best_header.parent))
            is_busy = True
        return effects

    def ask_peer(self, peer: SyncPeer, now: Micros, start: HeaderNode | None = None) -> Send:
        """getheaders from `start` on, by default from our best header."""
        peer.headers_asked_at = now
        self._alarm.by(Micros(now + HEADERS_TIMEOUT_US))
        locator = self._tree.locator(start or self._tree.best_header)
        return Send(peer.conn, GetHeaders(PROTOCOL_VERSION, locator, ZERO_HASH))

    def take_late(self, now: Micros) -> list[SyncPeer]:
        """Peers that let a getheaders go unanswered; they are asked no more until they send headers by themselves."""
        late = [peer for peer in self._peers.values() if _is_late(peer, now)]
        for peer in late:
            peer.headers_asked_at = None
            peer.is_header_synced = True
        return late

    def note_unknown(self, peer: SyncPeer, block: BlockHash) -> None:
        """The peer announced a block whose header we do not have: it is the peer's best once we do."""
        peer.announced_unknown = block
        self._has_unresolved = True

    # --- inside ---

    def _take_known(self, peer: SyncPeer, node: HeaderNode) -> None:
        """The announcement of a block by one more peer: most of what a node hears."""
        peer.unconnecting_headers = 0
        peer.learn(node)
        if node.chainwork >= self._tree.tip.chainwork:
            peer.low_work_headers = 0
        self._resolve_announcements()

    def _take_unconnecting(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        for earlier, later in itertools.pairwise(headers):
            if later.previous != earlier.hash:
                raise PeerFault("headers do not follow each other", score=20)
        peer.unconnecting_headers += 1
        if peer.unconnecting_headers % _UNCONNECTING_HEADERS_MAX == 0:
            raise PeerFault("headers that connect to nothing", score=20)
        self.note_unknown(peer, headers[-1].hash)
        return [self.ask_peer(peer, now)]

    def _accept_all(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> tuple[BlockHeader, ...]:
        fresh: list[BlockHeader] = []
        tip_work = self._tree.tip.chainwork
        previous = headers[0].previous
        for header in headers:
            if header.previous != previous:
                raise PeerFault("headers do not follow each other", score=20)
            previous = header.hash
            if self._tree.get(header.hash) is not None:
                continue
            node = self.accept(header, now)
            if node is None:
                break
            fresh.append(header)
            if node.chainwork < tip_work:
                peer.low_work_headers += 1
        last = self._tree.get(headers[-1].hash)
        if last is not None and last.chainwork >= tip_work:
            peer.low_work_headers = 0
        if peer.low_work_headers > LOW_WORK_HEADERS_PER_PEER_MAX:
            raise PeerFault("too many headers without enough work", score=100)
        return tuple(fresh)

    def _resolve_announcements(self) -> None:
        if not self._has_unresolved:
            return
        self._has_unresolved = False
        for peer in self._peers.values():
            if peer.announced_unknown is None:
                continue
            node = self._tree.get(peer.announced_unknown)
            if node is None:
                self._has_unresolved = True
                continue
            peer.learn(node)
            peer.announced_unknown = None


def _is_late(peer: SyncPeer, now: Micros) -> bool:
    return peer.headers_asked_at is not None and now >= peer.headers_asked_at + HEADERS_TIMEOUT_US
