"""A scripted peer that follows the honest chain as a light client does, and serves what its attacker shows.

Subclasses say whether bodies are fetched, what is announced and when a block is handed over.
"""

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.locators import make_locator
from minicoin.core.limits import HEADERS_PER_MESSAGE_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, RawBlock
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import (
    BlockMessage,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    Message,
    NotFound,
    SendHeaders,
)
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.link import Link
from minicoin.sim.attackers.peer import PROTOCOL_VERSION, ScriptedPeer

_BLOCK_TYPES = frozenset({InvType.BLOCK, InvType.WITNESS_BLOCK})
_FETCHED_AT_ONCE = 16
_ASK_AGAIN_US = 10 * SECOND_US


class Follower(ScriptedPeer):
    """One peer of a band that knows the chain."""

    def __init__(
        self, band: Band, address: NodeAddress, rng: Rng, targets: tuple[NodeAddress, ...], *, fetches: bool = False
    ) -> None:
        """`targets`: whom it keeps connections to; `fetches`: it wants the bodies of blocks as well."""
        super().__init__(band.network, address, rng)
        self.band = band
        self._targets = targets
        self._fetches = fetches

    @property
    def height(self) -> int:
        return self.band.chain.shown.height

    # --- for subclasses ---

    def on_heard(self, before: HeaderNode, now: Micros) -> None:
        """The band heard of a better header than `before`: called on each of its peers."""

    def on_shown(self, before: HeaderNode, block: RawBlock, now: Micros) -> None:
        """The band got a body it had asked for, and shows its whole chain where nothing lacks any more; `before` is
        what it showed until now. Called on each of its peers."""

    def hand_over(self, link: Link, block: BlockHash, now: Micros) -> None:
        """Somebody asks for a block."""
        raw = self.band.chain.blocks.get(block)
        if raw is None:
            self.send(link, NotFound((InventoryVector(InvType.BLOCK, block),)))
        else:
            self.send(link, BlockMessage(raw))

    def announce(self, nodes: list[HeaderNode]) -> None:
        """Tell everybody of headers, lowest first; the first must build on what all know."""
        message = Headers(tuple(node.header for node in nodes))
        for link in self.ready_links():
            self.send(link, message)

    # --- what happens ---

    def on_start(self, now: Micros) -> None:
        self.keep(self._targets)
        if self._fetches:
            self.at(now + _ASK_AGAIN_US, self._ask_again)

    def on_ready(self, link: Link, now: Micros) -> None:
        self.send(link, SendHeaders(), self._getheaders())

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        match message:
            case Headers(headers):
                self._on_headers(link, message, now)
                if len(headers) == HEADERS_PER_MESSAGE_MAX:
                    self.send(link, self._getheaders())
            case Inv(vectors):
                self._on_inv(link, vectors)
            case BlockMessage(block):
                self._on_body(link, block, now)
            case GetHeaders():
                self.answer_getheaders(link, message)
            case GetData(vectors):
                for vector in vectors:
                    if vector.type in _BLOCK_TYPES:
                        self.hand_over(link, BlockHash(vector.hash), now)
                    else:
                        self.hand_over_transaction(link, vector, now)
            case _:
                pass

    def answer_getheaders(self, link: Link, request: GetHeaders) -> None:
        """Somebody asks for headers."""
        answer = self.band.chain.answer(link.conn, request)
        if answer is not None:
            self.send(link, answer)

    def hand_over_transaction(self, link: Link, vector: InventoryVector, now: Micros) -> None:
        """Somebody asks for a transaction."""
        self.send(link, NotFound((vector,)))

    # --- inside ---

    def _getheaders(self) -> GetHeaders:
        tree = self.band.chain.tree
        return GetHeaders(PROTOCOL_VERSION, make_locator(tree, self.band.chain.heard), ZERO_HASH)

    def _on_inv(self, link: Link, vectors: tuple[InventoryVector, ...]) -> None:
        tree = self.band.chain.tree
        if any(vector.type in _BLOCK_TYPES and BlockHash(vector.hash) not in tree for vector in vectors):
            self.send(link, self._getheaders())

    def _on_headers(self, link: Link, message: Headers, now: Micros) -> None:
        band = self.band
        before = band.chain.heard
        if not band.chain.take_headers(message.headers, now):
            self.send(link, self._getheaders())
        if band.chain.heard is not before:
            for peer in band.peers:
                if isinstance(peer, Follower):
                    peer.on_heard(before, now)
                    band.wake(peer)
        self._fetch(link, now)

    def _fetch(self, link: Link, now: Micros) -> None:
        if not self._fetches:
            return
        asked = self.band.asked
        wanted = [
            node.hash
            for node in self.band.chain.missing(_FETCHED_AT_ONCE)
            if now - asked.get(node.hash, -_ASK_AGAIN_US) >= _ASK_AGAIN_US
        ]
        if wanted:
            asked.update(dict.fromkeys(wanted, now))
            self.send(link, GetData(tuple(InventoryVector(InvType.WITNESS_BLOCK, block) for block in wanted)))

    def _on_body(self, link: Link, block: RawBlock, now: Micros) -> None:
        band = self.band
        if block.hash not in band.chain.tree or block.hash in band.chain.blocks:
            return
        band.chain.blocks[block.hash] = block
        band.asked.pop(block.hash, None)
        before = band.chain.shown
        if self._fetches and not band.chain.missing(1):
            band.chain.show(band.chain.heard)
        for peer in band.peers:
            if isinstance(peer, Follower):
                peer.on_shown(before, block, now)
                band.wake(peer)
        self._fetch(link, now)

    def _ask_again(self, now: Micros) -> None:
        """Whoever was asked may be gone, or not have it."""
        ready = self.ready_links()
        if ready:
            self._fetch(self.rng.choice(ready), now)
        self.at(now + _ASK_AGAIN_US, self._ask_again)
