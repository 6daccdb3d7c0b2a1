"""A peer that looks like an honest node: it relays blocks and transactions, or keeps either to itself."""

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.limits import KNOWN_INVENTORY_PER_PEER_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.rng import Rng
from minicoin.core.units import Micros
from minicoin.core.wire.messages import (
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    Message,
    NotFound,
    Tx,
)
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link


class Relayer(Follower):
    """Honest as far as it hides nothing. What it hides it claims not to have."""

    def __init__(
        self,
        band: Band,
        address: NodeAddress,
        rng: Rng,
        targets: tuple[NodeAddress, ...],
        *,
        hides_blocks: bool,
        hides_transactions: bool,
    ) -> None:
        super().__init__(band, address, rng, targets, fetches=not hides_blocks)
        self._hides_blocks = hides_blocks
        self._hides_transactions = hides_transactions
        self._transactions: dict[bytes, Transaction] = {}

    @property
    def height(self) -> int:
        # What it hides it has seen: an old height would give it away.
        return self.band.chain.heard.height

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        match message:
            case Inv(vectors) if not self._hides_transactions:
                self._ask_transactions(link, vectors)
                super().on_message(link, message, now)
            case Tx(transaction) if not self._hides_transactions:
                self._on_transaction(link, transaction)
            case _:
                super().on_message(link, message, now)

    # --- blocks ---

    def on_shown(self, before: HeaderNode, block: RawBlock, now: Micros) -> None:
        chain = self.band.chain
        if chain.shown is not before:
            _, fresh = chain.tree.path(before, chain.shown)
            self.announce(list(fresh))

    def answer_getheaders(self, link: Link, request: GetHeaders) -> None:
        if self._hides_blocks:
            self.send(link, Headers(()))
        else:
            super().answer_getheaders(link, request)

    def hand_over(self, link: Link, block: BlockHash, now: Micros) -> None:
        if self._hides_blocks:
            self.send(link, NotFound((InventoryVector(InvType.BLOCK, block),)))
        else:
            super().hand_over(link, block, now)

    # --- transactions ---

    def hand_over_transaction(self, link: Link, vector: InventoryVector, now: Micros) -> None:
        known = self._transactions.get(vector.hash)
        self.send(link, NotFound((vector,)) if known is None else Tx(known))

    def _ask_transactions(self, link: Link, vectors: tuple[InventoryVector, ...]) -> None:
        wanted = [
            vector
            for vector in vectors
            if vector.type in (InvType.TX, InvType.WTX) and vector.hash not in self._transactions
        ]
        if wanted:
            self.send(link, GetData(tuple(wanted)))

    def _on_transaction(self, source: Link, transaction: Transaction) -> None:
        if transaction.wtxid in self._transactions:
            return
        self._transactions[transaction.wtxid] = self._transactions[transaction.txid] = transaction
        while len(self._transactions) > KNOWN_INVENTORY_PER_PEER_MAX:
            del self._transactions[next(iter(self._transactions))]
        for link in self.ready_links():
            if link is not source:
                kind, key = (InvType.WTX, transaction.wtxid) if link.uses_wtxid else (InvType.TX, transaction.txid)
                self.send(link, Inv((InventoryVector(kind, key),)))
