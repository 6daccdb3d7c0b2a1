"""Follows the best header over all ready peers: what every node does, with blocks or without.

Owns the table of peers, and whether the node is still catching up. headers.py decides whom to ask for headers and which
are kept, lagging.py whom to leave. Blocks are no matter of this front; where a node has them, BlockSync (sync.py)
stands in front of this one and shares its table.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Close, Effect, SaveHeaders, Send
from minicoin.core.limits import HANDSHAKE_TIMEOUT_US, HEADERS_TIMEOUT_US, TIP_AGE_MAX_US
from minicoin.core.netsync.announce import announce_blocks, may_push
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.digest import SyncSnapshot, write_digest
from minicoin.core.netsync.headers import HeaderSync
from minicoin.core.netsync.lagging import LaggingPeers
from minicoin.core.netsync.peers import SyncPeer, SyncPeerView
from minicoin.core.netsync.serve import answer_getheaders
from minicoin.core.part import Handler, Part, PeerView, Route, route
from minicoin.core.policy.anchor import Anchor
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import AUTOMATIC, SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import GetHeaders, Headers, InvType, SendHeaders
from minicoin.core.wire.messages_extension import ExtensionMessage

_MUTE: Final = "it does not offer sheaders, by which headers come with their certificates on this network"


class HeaderFollower(Part):
    """Headers of all ready peers."""

    def __init__(
        self,
        tree: HeaderTree,
        rng: Rng,
        tip_age_max_us: int = TIP_AGE_MAX_US,
        offer_timeout_us: int = HANDSHAKE_TIMEOUT_US,
        anchor: Anchor | None = None,
    ) -> None:
        self.alarm = Alarm()
        self._offer_timeout_us = offer_timeout_us
        self._mute: dict[ConnId, Micros] = {}
        """Where members sign the blocks: ready peers that did not offer certified headers yet, and until when they
        may."""
        self._tip_age_max_us = tip_age_max_us
        self._anchor_height = 0 if anchor is None else anchor.height
        self._tree = tree
        self._peers: dict[ConnId, SyncPeer] = {}
        self.headers: Final = HeaderSync(tree, self._peers, self.alarm, rng, anchor)
        """Asks and takes; BlockSync asks it too, about what blocks bring."""
        self._lagging = LaggingPeers(tree, self._peers, self.headers, self.alarm)
        self._left_initial = False

    # --- peers ---

    @property
    def table(self) -> Mapping[ConnId, SyncPeer]:
        """The peers by connection, as they come and go: for whoever fetches blocks from them."""
        return self._peers

    def peer(self, conn: ConnId) -> SyncPeer | None:
        return self._peers.get(conn)

    def peers(self) -> list[SyncPeer]:
        return list(self._peers.values())

    def view(self, conn: ConnId) -> SyncPeerView | None:
        """The peer from outside; None before its handshake ended."""
        peer = self._peers.get(conn)
        return None if peer is None else peer.view(self._tree)

    def on_ready(self, peer: PeerView, now: Micros) -> list[Effect]:
        """A handshake ended. A seed is asked for addresses and left alone with the rest."""
        if peer.kind is SlotKind.SEED:
            return []
        if self._tree.signers is None:
            return self._begin(peer, now)
        until = self._mute[peer.conn] = Micros(now + self._offer_timeout_us)
        self.alarm.by(until)
        return []

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> list[Effect]:
        """Where members sign the blocks, a peer that takes no certificates with its headers is of no use, nor we to
        it."""
        if self._mute.pop(peer.conn, None) is None:
            return []
        return self._begin(peer, now) if CertifiedHeaders in speaks else [Close(peer.conn, _MUTE)]

    def _begin(self, peer: PeerView, now: Micros) -> list[Effect]:
        known = self._peers[peer.conn] = SyncPeer(
            peer.conn,
            peer.is_inbound,
            peer.services,
            is_automatic=peer.kind in AUTOMATIC,
            is_full_relay=peer.kind is SlotKind.FULL_RELAY,
            is_trusted=bool(peer.permissions & Permission.NOBAN),
            # Said before verack, it counts all the same; who takes certified headers prefers them.
            prefers_headers=peer.prefers_headers or self._tree.signers is not None,
        )
        effects = self.headers.ask(now)
        self._lagging.consider(known, now)
        return effects

    def on_closed(self, conn: ConnId, now: Micros) -> list[Effect]:
        """The headers it owed are asked of others."""
        self._mute.pop(conn, None)
        if self._peers.pop(conn, None) is None:
            return []
        self.headers.leave_guide(conn)
        return self.headers.ask(now)

    # --- catching up ---

    def is_initial(self, now: Micros) -> bool:
        """Whether we are still catching up (initial block download). Once left, never entered again.

        Remembers the answer, so it belongs into an event; what only looks takes snapshot().
        """
        self._left_initial = self._left_initial or self._is_current(now)
        return not self._left_initial

    @property
    def contradiction(self) -> str:
        """How the chain that a peer showed contradicts the anchor that still lies ahead; empty where none did."""
        return self.headers.guide.contradiction

    def snapshot(self, now: Micros) -> SyncSnapshot:
        """Changes nothing: a question from outside must not move the node, nor be missed by a replay."""
        is_initial = not (self._left_initial or self._is_current(now))
        return SyncSnapshot(in_flight=0, wanted=0, orphans=0, storing=0, is_initial=is_initial)

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        return write_digest(self._tree, self._peers.values(), self.snapshot(now), is_brief=is_brief)

    def _is_current(self, now: Micros) -> bool:
        # The tip decides, as in Bitcoin Core: headers that nobody backs with blocks must not keep us from joining in.
        tip = self._tree.tip
        is_fresh = tip.header.time * SECOND_US >= now - self._tip_age_max_us
        # What is known to lie ahead: where members sign the anchor says it, for work does not.
        is_far_enough = tip.chainwork >= self._tree.network.minimum_chainwork and tip.height >= self._anchor_height
        return is_fresh and is_far_enough

    # --- messages ---

    def routes(self) -> tuple[Route, ...]:
        return (
            *self.header_routes(self.take_headers, self.take_certified),
            route(GetHeaders, self.take_getheaders),
        )

    def header_routes(self, plain: Handler[Headers], certified: Handler[CertifiedHeaders]) -> tuple[Route, ...]:
        """How headers come on this network: where members sign the blocks nobody takes any without its certificate."""
        if self._tree.signers is None:
            return route(Headers, plain), route(SendHeaders, self.take_sendheaders)
        return (route(CertifiedHeaders, certified),)

    def take_certified(self, peer: PeerView, message: CertifiedHeaders, now: Micros) -> list[Effect]:
        """Headers where members sign the blocks. Raises PeerFault for what does not hold."""
        known = self._peers.get(peer.conn)
        if known is None:
            return []
        effects = self.headers.take_certified(known, message, now)
        self._lagging.protect(known)
        self._lagging.consider(known, now)
        return effects

    def take_headers(self, peer: PeerView, message: Headers, now: Micros) -> list[Effect]:
        return self.on_headers(peer.conn, message.headers, now)

    def take_getheaders(self, peer: PeerView, message: GetHeaders, now: Micros) -> Iterable[Effect]:
        """A peer asks for headers; one that the operator trusts has them whatever ours are worth."""
        known = self._peers.get(peer.conn)
        if known is None:
            return ()
        is_trusted = bool(peer.permissions & Permission.DOWNLOAD)
        answer = answer_getheaders(self._tree, known, message, is_trusted=is_trusted)
        return () if answer is None else (Send(peer.conn, answer),)

    def take_sendheaders(self, peer: PeerView, message: SendHeaders, now: Micros) -> Iterable[Effect]:
        """From now on blocks are announced to the peer by their headers (BIP130)."""
        known = self._peers.get(peer.conn)
        if known is not None:
            known.prefers_headers = True
        return ()

    def on_headers(self, conn: ConnId, headers: tuple[BlockHeader, ...], now: Micros) -> list[Effect]:
        """Raises PeerFault for headers that break the rules or do not follow each other."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        effects = self.headers.take(peer, headers, now)
        self._lagging.protect(peer)
        self._lagging.consider(peer, now)
        return effects

    def on_inv(self, conn: ConnId, blocks: list[BlockHash], now: Micros) -> list[Effect]:
        """Block hashes of one inv message: what leads to an unknown one is asked for."""
        peer = self._peers.get(conn)
        if peer is None:
            return []
        unknown = self.note_announced(peer, blocks)
        if not unknown:
            return []
        self.headers.note_unknown(peer, unknown[-1])
        return self.headers.ask_about(peer, unknown[-1], now)

    def note_announced(self, peer: SyncPeer, blocks: Iterable[BlockHash]) -> list[BlockHash]:
        """The peer has these blocks; those of them whose headers are not known here."""
        unknown: list[BlockHash] = []
        for block in blocks:
            node = self._tree.get(block)
            if node is None:
                unknown.append(block)
            elif not self.headers.guide.is_needed:
                peer.learn(node)
        return unknown

    def submit(self, header: BlockHeader, now: Micros) -> list[Effect]:
        """A header from our operator. Raises BlockRejected."""
        is_known = self._tree.get(header.hash) is not None
        self._tree.add(header, now)
        return [] if is_known else [SaveHeaders((header,), self._tree.certificates((header,)))]

    def announce(self, connected: Sequence[HeaderNode], conns: Collection[ConnId]) -> list[Effect]:
        """Tell these peers of blocks that joined the best chain, lowest first."""
        return announce_blocks(self._tree, (peer for conn, peer in self._peers.items() if conn in conns), connected)

    def push(self, conn: ConnId, tip: HeaderNode) -> InvType | None:
        """Where this block of the best chain is of use to the peer (may_push): the form in which it is sent unasked.
        From now on it has it."""
        peer = self._peers.get(conn)
        # Where members sign the blocks, a block is worth nothing in front of its certificate, which is not pushed.
        if peer is None or self._tree.signers is not None or not may_push(peer, tip):
            return None
        peer.last_common = tip
        return InvType.WITNESS_BLOCK if peer.serves_witness else InvType.BLOCK

    def on_chain_moved(self, now: Micros) -> None:
        """The tip moved: somebody may be behind now."""
        self._lagging.consider_all(now)

    # --- time ---

    def on_deadline(self, now: Micros) -> list[Effect]:
        """Ask others where no headers came, leave peers that do not follow."""
        effects = self.headers.ask(now) if self.headers.take_late(now) else []
        return [*effects, *self.leave_mute(now), *self.leave_lagging(now)]

    def leave_mute(self, now: Micros) -> list[Effect]:
        """Leave those whose time to offer certified headers is over."""
        late = [conn for conn, until in self._mute.items() if until <= now]
        return [Close(conn, _MUTE) for conn in late]

    def leave_lagging(self, now: Micros) -> list[Effect]:
        """Ask those where they stand that are behind, leave those that do not say."""
        return self._lagging.check(now)

    def next_deadline(self) -> Micros | None:
        """The earliest time-out."""
        peers = self._peers.values()
        times = [Micros(at + HEADERS_TIMEOUT_US) for peer in peers if (at := peer.headers_asked_at) is not None]
        times += self._mute.values()
        return min([*times, *self._lagging.deadlines()], default=None)
