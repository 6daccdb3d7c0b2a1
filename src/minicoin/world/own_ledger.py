"""A node's own chain engine on its own store, so that crashes, torn writes and full disks mean something."""

from collections.abc import Callable, Iterable

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.events import WorkFailed
from minicoin.core.node.assemble import NodeState, state_of
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import RawBlock
from minicoin.core.rng import Rng
from minicoin.core.work import ChainAnswer, ChainJob, perform
from minicoin.world.faulty_store import FaultyStore, StoreFailed


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

    def perform(self, job: ChainJob) -> ChainAnswer | WorkFailed | None:
        torn = self.store.torn
        try:
            return perform(self._engine, job)
        except StoreFailed as error:
            if self.store.torn > torn and self.on_torn is not None:
                self.on_torn()
            return WorkFailed(type(job).__name__, str(error))

    def state(self, documents: dict[str, bytes]) -> NodeState:
        return state_of(self._engine, documents)

    def crash(self, rng: Rng) -> None:
        """The power goes: only what the store kept is left, and the next run opens it anew."""
        self.store.crash(rng)
        self._engine = ChainEngine(self._network, self.store, self._verifier)

    def configure(self, network: Network) -> None:
        """Its operator names recoveries: the next run opens what is stored as this network."""
        self._engine.flush()
        self._network = network
        self._engine = ChainEngine(network, self.store, self._verifier)

    def flush(self) -> None:
        """What an orderly stop writes, where there is room."""
        if not self.store.is_full:
            self._engine.flush()

    def close(self) -> None:
        """The machine is gone."""
