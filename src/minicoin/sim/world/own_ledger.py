"""A node's own chain engine on its own store, so that crashes, torn writes and full disks mean something."""

from collections.abc import Callable, Iterable

from minicoin.core.chain.engine import ChainEngine, invalid_block
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.effects import Activate, ReadBlock, StoreBlock, VerifyTransaction
from minicoin.core.events import BlockRead, BlockRefused, BlockStored, ChainMoved, TransactionVerified, WorkFailed
from minicoin.core.node.assemble import NodeState
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHeader, RawBlock
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.rng import Rng
from minicoin.sim.world.faulty_store import FaultyStore, StoreFailed
from minicoin.sim.world.ledger import LedgerEffect, LedgerEvent


class OwnLedger:
    """The chain worker of one node, as drivers/chain_worker answers: a write that fails is WorkFailed."""

    def __init__(self, network: Network, verifier: ScriptVerifier, chain: Iterable[tuple[int, RawBlock]] = ()) -> None:
        """`chain`: blocks after their heights that the node has from the start, lowest first."""
        self.store = FaultyStore()
        self.on_torn: Callable[[], None] | None = None
        """Called once the store has torn a write: the machine is about to go down."""
        self._network = network
        self._verifier = verifier
        self._engine = ChainEngine(network, self.store, verifier)
        for height, raw in chain:
            parent = self._engine.tip
            self._engine.store_block(raw, height)
            self._engine.activate(parent, (raw.hash,))
        self._engine.flush()

    @property
    def engine(self) -> ChainEngine:
        """As it stands, for whoever looks from outside."""
        return self._engine

    def perform(self, effect: LedgerEffect) -> LedgerEvent:
        torn = self.store.torn
        try:
            return self._perform(effect)
        except StoreFailed as error:
            if self.store.torn > torn and self.on_torn is not None:
                self.on_torn()
            return WorkFailed(type(effect).__name__, str(error))

    def _perform(self, effect: LedgerEffect) -> LedgerEvent:
        engine = self._engine
        match effect:
            case StoreBlock(block, height):
                try:
                    engine.store_block(block, height)
                except BlockRejected as refusal:
                    return BlockRefused(block.hash, invalid_block(block.hash, refusal))
                return BlockStored(block.hash, height)
            case Activate(fork, path):
                return ChainMoved(*engine.activate(fork, path))
            case ReadBlock(conn, block, stripped):
                return BlockRead(conn, block, engine.read_block(block, stripped=stripped))
            case VerifyTransaction(transaction, parents):
                return TransactionVerified(engine.verify_transaction(transaction, parents))

    def add_headers(self, headers: tuple[BlockHeader, ...]) -> None:
        self._engine.add_headers(headers)

    def state(self, documents: dict[str, bytes]) -> NodeState:
        engine = self._engine
        return NodeState(tuple(engine.headers()), tuple(engine.stored()), engine.tip, documents)

    def crash(self, rng: Rng) -> None:
        """The power goes: only what the store kept is left, and the next run opens it anew."""
        self.store.crash(rng)
        self._engine = ChainEngine(self._network, self.store, self._verifier)

    def flush(self) -> None:
        """What an orderly stop writes, where there is room."""
        if not self.store.is_full:
            self._engine.flush()

    def close(self) -> None:
        """The machine is gone."""
