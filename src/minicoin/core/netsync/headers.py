"""Asks peers for headers and takes their answers: one peer while we are far behind, every peer once we are not.

The header tree owns validity; what it refuses for good becomes the sender's fault. Which headers are kept at all:

- Those of a chain with the work that the tree asks for (HeaderTree.work_floor), known ones, and what we made ourselves.
- A chain of less work that fills a message is heard twice (presync.py), by at most PRESYNCS_MAX peers at a time; a peer
  we chose takes the place of one that chose us. A shorter one is ignored: its peer has nothing more.
- Beside the best chain and what is stored, STRAY_HEADERS_MAX in all, whoever sent them: what no peer shows goes first,
  then what inbound peers show, the latest comers' first. What a peer we chose shows, and the chain we go for, stay.

Little work is nobody's fault: an honest peer may be behind, or on another side of a partition. Nor are headers that
connect to nothing we know, as long as they have their work: they are a block's announcement.

Where members sign the blocks, headers come with their certificates (certified.py), and nothing is kept but what a
quorum of them signed: there is no work to weigh, no chain to hear twice, and nothing beside the one chain.

Headers reach the disk with their blocks; before that only those of the best chain, and only on a network with a minimum
work, where they cost something. Elsewhere they are few or worthless, and are asked for again after a restart.

Bitcoin Core's headers-first design, BIP130 for announcements by headers.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.locators import make_locator
from minicoin.core.effects import Effect, SaveHeaders, Send
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    HEADERS_PER_ANNOUNCEMENT_MAX,
    HEADERS_PER_MESSAGE_MAX,
    HEADERS_TIMEOUT_US,
    PRESYNCS_MAX,
)
from minicoin.core.netsync.certified import CertifiedHeader, CertifiedHeaders
from minicoin.core.netsync.guide import Guide
from minicoin.core.netsync.peers import PROTOCOL_VERSION, SyncPeer
from minicoin.core.netsync.presync import Presync
from minicoin.core.policy.anchor import Anchor
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.rng import Rng
from minicoin.core.units import DAY_US, SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import GetHeaders

RECENT_US = DAY_US
"""A tip younger than this is taken for the present one, as Bitcoin Core does."""

_SALT_BYTES = 16


class HeaderSync:
    """Headers of all peers. `peers` is the table that HeaderFollower keeps."""

    def __init__(
        self,
        tree: HeaderTree,
        peers: Mapping[ConnId, SyncPeer],
        alarm: Alarm,
        rng: Rng,
        anchor: Anchor | None = None,
    ) -> None:
        self._tree = tree
        self.guide = Guide(tree, anchor)
        """Leads the way to the anchor where there is one."""
        self._peers = peers
        self._needed: Callable[[], Iterable[HeaderNode]] = tuple
        self._alarm = alarm
        self._rng = rng.stream("presync")
        self._has_unresolved = False
        self._asked_early_for: BlockHash | None = None

    def spare(self, needed: Callable[[], Iterable[HeaderNode]]) -> None:
        """Never forget a header that `needed` names, nor those below it."""
        self._needed = needed

    def take(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        """One headers message. Raises PeerFault for headers that break the rules or do not follow each other."""
        was_asked = peer.headers_asked_at is not None
        if len(headers) == 1 and not was_asked:
            node = self._tree.get(headers[0].hash)
            if node is not None:
                peer.is_classic = False
                self._take_known(peer, node)
                return []
        presync = peer.presync
        is_announcement = len(headers) <= HEADERS_PER_ANNOUNCEMENT_MAX
        if presync is not None and headers and is_announcement and not presync.follows(headers[0]):
            # A new block meanwhile: its place is not known before the whole chain is.
            self._check_all(headers)
            self.note_unknown(peer, headers[-1].hash)
            return []
        peer.is_classic = False
        if not headers:
            peer.headers_asked_at = None
            peer.presync = None
            peer.is_header_synced = True
            return self.ask(now)
        if presync is not None:
            self._check_all(headers)
            peer.headers_asked_at = None
            answer = self._continue_presync(peer, presync, headers, now)
            if answer is not None:
                return answer
        if self._tree.get(headers[0].previous) is None:
            return self._take_unconnecting(peer, headers, now)
        peer.headers_asked_at = None
        if not peer.is_trusted and not self._has_enough_work(headers):
            return self._take_low_work(peer, headers, now)
        is_full = len(headers) == HEADERS_PER_MESSAGE_MAX
        return self._take_connecting(peer, headers, now, was_asked=was_asked, is_full=is_full)

    def take_certified(self, peer: SyncPeer, message: CertifiedHeaders, now: Micros) -> list[Effect]:
        """One sheaders message. Raises PeerFault, also for a certificate or a member list that does not hold."""
        headers, was_asked = message.headers, peer.headers_asked_at is not None
        if not headers:
            peer.headers_asked_at = None
            peer.is_header_synced = True
            self.leave_guide(peer.conn)
            return self.ask(now)
        if self._tree.get(headers[0].previous) is None:
            return self._take_unconnecting(peer, headers, now)
        peer.headers_asked_at = None
        if not self.guide.accept(peer.conn):
            # Its turn comes, should the guide lead nowhere.
            self.note_unknown(peer, headers[-1].hash)
            return []
        try:
            effects = self._take_connecting(
                peer, headers, now, was_asked=was_asked, is_full=message.has_more, certified=message.items
            )
        except PeerFault:
            peer.is_header_synced = True
            self.leave_guide(peer.conn)
            raise
        # As long as it is asked for more it leads on.
        if peer.headers_asked_at is not None or not self.leave_guide(peer.conn):
            return effects
        # Its chain ends before the anchor.
        return [*effects, *self.ask(now)]

    def leave_guide(self, conn: ConnId) -> bool:
        """This peer leads no further towards the anchor. Whether it did, and what it showed is forgotten."""
        if not self.guide.leave(conn):
            return False
        for peer in self._peers.values():
            if peer.best_known is not None and peer.best_known.hash not in self._tree:
                peer.best_known = None
        return True

    def accept(self, header: BlockHeader, now: Micros) -> HeaderNode | None:
        """A block's header into the tree; None where it is early, or has too little work, or builds on a block whose
        body we found invalid."""
        if not self._has_enough_work((header,)):
            return None
        node = self._add(header, now)
        if self._tree.has_too_many_strays():
            self._forget_strays()
        return node

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
            if is_busy and (self.guide.is_needed or not is_recent):
                break
            # From the parent of our best header, so that an answer shows that the peer has it.
            peer.was_asked_headers = True
            effects.append(self.ask_peer(peer, now, self._tree.best_header.parent))
            is_busy = True
        return effects

    def ask_about(self, peer: SyncPeer, block: BlockHash, now: Micros) -> list[Effect]:
        """The peer announced a block that we know nothing of by its hash. One whose turn did not come yet is asked once
        for that, and only one such peer for each block (Bitcoin Core's rule): far behind, all that peers announce is
        unknown, and all their headers would come from all of them."""
        if peer.headers_asked_at is not None:
            return []
        if not peer.was_asked_headers:
            if peer.was_asked_early or block == self._asked_early_for:
                return []
            peer.was_asked_early = True
            self._asked_early_for = block
        return [self.ask_peer(peer, now)]

    def ask_peer(self, peer: SyncPeer, now: Micros, start: HeaderNode | None = None) -> Send:
        """getheaders from `start` on, by default our best header; for a chain heard twice, from where that stands."""
        peer.headers_asked_at = now
        self._alarm.by(Micros(now + HEADERS_TIMEOUT_US))
        locator = make_locator(self._tree, start or self._tree.best_header)
        if peer.presync is not None:
            locator = (peer.presync.last, *locator)
        return Send(peer.conn, GetHeaders(PROTOCOL_VERSION, locator, ZERO_HASH))

    def take_late(self, now: Micros) -> list[SyncPeer]:
        """Peers that let a getheaders go unanswered; they are asked no more until they send headers by themselves."""
        late = [peer for peer in self._peers.values() if _is_late(peer, now)]
        for peer in late:
            peer.headers_asked_at = None
            peer.is_header_synced = True
            self.leave_guide(peer.conn)
        return late

    def note_unknown(self, peer: SyncPeer, block: BlockHash) -> None:
        """The peer announced a block whose header we do not have: it is the peer's best once we do."""
        peer.announced_unknown = block
        self._has_unresolved = True

    # --- messages ---

    def _take_known(self, peer: SyncPeer, node: HeaderNode) -> None:
        """The announcement of a block by one more peer: most of what a node hears."""
        peer.learn(node)
        peer.forget_lack(node.hash)
        self._resolve_announcements()

    def _take_unconnecting(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        """No answer of ours, then, but news: what leads there is asked for, one question at a time."""
        self._check_all(headers)
        self.note_unknown(peer, headers[-1].hash)
        return [] if peer.headers_asked_at is not None else [self.ask_peer(peer, now)]

    def _take_low_work(self, peer: SyncPeer, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        self._check_all(headers)
        start = self._tree.get(headers[0].previous)
        assert start is not None
        if len(headers) == HEADERS_PER_MESSAGE_MAX and self._make_room_for_presync(peer):
            salt = self._rng.bytes(_SALT_BYTES)
            peer.presync = Presync(start, self._tree.work_floor(), self._tree.proof, salt, now)
            answer = self._continue_presync(peer, peer.presync, headers, now)
            if answer is not None:
                return answer
        known = self._tree.get(headers[-1].hash)
        if known is not None:
            peer.learn(known)
        # Nothing of it is kept: the peer has no more, or its turn may come with its next announcement.
        peer.is_header_synced = True
        return self.ask(now)

    def _continue_presync(
        self, peer: SyncPeer, presync: Presync, headers: tuple[BlockHeader, ...], now: Micros
    ) -> list[Effect] | None:
        """What a message of a chain heard twice leads to; None where it does not fit, and is looked at by itself."""
        is_full = len(headers) == HEADERS_PER_MESSAGE_MAX
        answer = presync.take(headers, is_full=is_full)
        if not answer.goes_on:
            peer.presync = None
        if not answer.fits:
            return None
        effects = self._keep(peer, answer.ready, now) if answer.ready else []
        if answer.goes_on:
            return [*effects, self.ask_peer(peer, now, presync.start)]
        if answer.ready and is_full:
            return [*effects, self.ask_peer(peer, now, self._tree.get(headers[-1].hash))]
        peer.is_header_synced = True
        return [*effects, *self.ask(now)]

    def _take_connecting(
        self,
        peer: SyncPeer,
        headers: tuple[BlockHeader, ...],
        now: Micros,
        *,
        was_asked: bool,
        is_full: bool,
        certified: tuple[CertifiedHeader, ...] = (),
    ) -> list[Effect]:
        effects = self._keep(peer, headers, now, certified)
        last = self._tree.get(headers[-1].hash)
        if is_full and last is not None:
            effects.append(self.ask_peer(peer, now, last))
        elif was_asked:
            peer.is_header_synced = True
            effects += self.ask(now)
        return effects

    def _keep(
        self,
        peer: SyncPeer,
        headers: tuple[BlockHeader, ...],
        now: Micros,
        certified: tuple[CertifiedHeader, ...] = (),
    ) -> list[Effect]:
        """Headers of a chain with enough work, or of one that members signed, into the tree."""
        _check_continuous(headers)
        for header, item in itertools.zip_longest(headers, certified):
            if header.hash not in self._tree and self._add(header, now, item) is None:
                break
        # The last of them may be early by our clock: those in front of it count all the same.
        nodes = (self._tree.get(header.hash) for header in reversed(headers))
        last = next((node for node in nodes if node is not None), None)
        if last is not None and not self.guide.is_needed:
            peer.learn(last)
        self._resolve_announcements()
        if self._tree.has_too_many_strays():
            self._forget_strays()
        best = self._tree.best_header
        if not 0 < self._tree.network.minimum_chainwork <= best.chainwork:
            return []
        unsaved = self._tree.take_unsaved(best)
        return [SaveHeaders(unsaved, self._tree.certificates(unsaved))] if unsaved else []

    # --- inside ---

    def _add(self, header: BlockHeader, now: Micros, item: CertifiedHeader | None = None) -> HeaderNode | None:
        try:
            if item is not None:
                self._certify(item)
            return self._tree.add(header, now)
        except BlockRejected as rejected:
            if rejected.reason is BlockReason.CERTIFICATE:
                raise PeerFault(f"invalid certificate: {rejected}", score=100) from rejected
            # Whoever relays a header may not have looked into its ancestors' bodies, nor heard our operator's word.
            if not rejected.is_permanent or rejected.reason is BlockReason.INVALID_PARENT:
                return None
            raise PeerFault(f"invalid header: {rejected}", score=100) from rejected

    def _certify(self, item: CertifiedHeader) -> None:
        certificate = item.certificate
        if certificate.block != item.header.hash:
            raise PeerFault("a header with the certificate of another block", score=100)
        if item.next_members is not None and item.next_members.hash != certificate.next_members:
            raise PeerFault("a member list that is not the one its certificate names", score=100)
        self.guide.check(certificate)
        self._tree.certify(certificate, item.next_members, item.recoveries)

    def _has_enough_work(self, headers: tuple[BlockHeader, ...]) -> bool:
        """Whether these headers, the first of which connects to the tree, are of a chain that is worth its room."""
        tree = self._tree
        last = tree.get(headers[-1].hash)
        if last is not None and (tree.is_active(last) or last.is_ancestor_of(tree.best_header)):
            return True
        parent = tree.get(headers[0].previous)
        assert parent is not None
        floor = tree.work_floor()
        return parent.chainwork >= floor or parent.chainwork + sum(map(tree.proof.work, headers)) >= floor

    def _check_all(self, headers: tuple[BlockHeader, ...]) -> None:
        """What headers show without their place. Raises PeerFault."""
        _check_continuous(headers)
        for header in headers:
            self.check_work(header)

    def _make_room_for_presync(self, peer: SyncPeer) -> bool:
        busy = [other for other in self._peers.values() if other.presync is not None]
        if len(busy) < PRESYNCS_MAX:
            return True
        # Who let a question go unanswered holds its place as long as nobody wants it.
        displaced = next((other for other in busy if other.headers_asked_at is None), None)
        if displaced is None and not peer.inbound:
            displaced = next((other for other in busy if other.inbound), None)
        if displaced is None:
            return False
        displaced.presync = None
        return True

    def _forget_strays(self) -> None:
        shown = [peer for peer in self._peers.values() if peer.best_known is not None]
        chosen = [peer.best_known for peer in shown if not peer.inbound and peer.best_known is not None]
        others = [peer.best_known for peer in reversed(shown) if peer.inbound and peer.best_known is not None]
        gone = self._tree.forget_strays([*self._needed(), *chosen], others)
        for peer in shown:
            node = peer.best_known
            while node is not None and node.hash in gone:
                node = node.parent
            peer.best_known = node

    def _resolve_announcements(self) -> None:
        if not self._has_unresolved or self.guide.is_needed:
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


def _check_continuous(headers: tuple[BlockHeader, ...]) -> None:
    for earlier, later in itertools.pairwise(headers):
        if later.previous != earlier.hash:
            raise PeerFault("headers do not follow each other", score=100)


def _is_late(peer: SyncPeer, now: Micros) -> bool:
    return peer.headers_asked_at is not None and now >= peer.headers_asked_at + HEADERS_TIMEOUT_US
