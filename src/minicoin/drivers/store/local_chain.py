"""A chain without a network: header tree, engine and store of one data directory, driven step by step by the caller.

The command line's import, export and checks, the benchmarks and many tests use it; the node runs the same tree and
engine on its loop and its worker.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from minicoin.core.chain.engine import ChainEngine, invalid_block
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.store import ChainStore
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.limits import ACTIVATE_BLOCKS_MAX
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockRejected, ChainUpdate, InvalidBlock
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.core.units import Micros
from minicoin.drivers.kernel import KernelVerifier
from minicoin.drivers.store.disk import DiskChainStore


def wall_clock() -> Micros:
    """Now, in microseconds since the epoch."""
    return Micros(time.time_ns() // 1000)


class LocalChain:
    """Opens `directory` (or takes a store, for tests) and brings the chain to the best stored block."""

    def __init__(
        self,
        network: Network,
        directory: Path | ChainStore,
        *,
        verifier: ScriptVerifier | None = None,
        script_threads: int = 1,
        assume_valid: BlockHash | None = None,
        now: Callable[[], Micros] = wall_clock,
    ) -> None:
        self.network: Final = network
        self.now = now
        self.messages: list[str] = []
        """What opening had to repair."""
        self.store: ChainStore = DiskChainStore(directory, network) if isinstance(directory, Path) else directory
        if isinstance(self.store, DiskChainStore):
            self.messages += self.store.messages
        verifier = verifier or KernelVerifier(script_threads)
        try:
            self.engine = ChainEngine(network, self.store, verifier, assume_valid=assume_valid)
            self.tree = HeaderTree(network)
            self.tree.load(self.engine.headers(), self.engine.certificates())
            for block in self.engine.stored():
                if block in self.tree:
                    self.tree.mark_stored(block)
            self.tree.set_tip(self.engine.tip)
            if self.tree.signers is not None:
                self.tree.signers.carried.load(self.engine.changes(), self.engine.height)
            self.advance()
        except BaseException:
            verifier.close()
            self.store.close()
            raise

    @property
    def tip(self) -> BlockHash:
        """Where the chain stands."""
        return self.engine.tip

    @property
    def height(self) -> int:
        """The tip's height."""
        return self.engine.height

    def store_block(self, raw: RawBlock, kept: KeptCertificate | None = None) -> None:
        """Check and store a block without connecting it; `kept` is what makes it final, where members sign. Raises
        BlockRejected."""
        if kept is not None:
            self.tree.certify(kept.certificate, kept.members)
        node = self.tree.add(raw.header, self.now())
        certificates = self.tree.certificates((raw.header,))
        self.engine.add_headers((raw.header,), certificates)
        try:
            self.engine.store_block(raw, node.height)
        except BlockRejected as refusal:
            if refusal.is_permanent:
                self.tree.mark_invalid(raw.hash)
            raise
        self.tree.mark_stored(raw.hash)

    def advance(self) -> list[InvalidBlock]:
        """Bring the engine to the best chain; the blocks it refused on the way."""
        refused: list[InvalidBlock] = []
        while (best := self.tree.best_candidate()) is not self.tree.tip:
            fork, path = self.tree.path(self.tree.tip, best)
            step = tuple(node.hash for node in path[:ACTIVATE_BLOCKS_MAX])
            _, invalid = self.activate(fork.hash, step)
            if invalid is not None:
                refused.append(invalid)
        return refused

    def activate(self, fork: BlockHash, path: tuple[BlockHash, ...]) -> tuple[ChainUpdate, InvalidBlock | None]:
        """Move the engine, and the tree with it."""
        update, invalid = self.engine.activate(fork, path)
        self.tree.follow(update)
        if invalid is not None:
            self.tree.mark_invalid(invalid.hash)
        return update, invalid

    def accept(self, raw: RawBlock, kept: KeptCertificate | None = None) -> InvalidBlock | None:
        """Store one block and go to the best chain; what is wrong with the block, if anything is."""
        try:
            self.store_block(raw, kept)
        except BlockRejected as refusal:
            return invalid_block(raw.hash, refusal)
        return next((invalid for invalid in self.advance() if invalid.hash == raw.hash), None)

    def close(self) -> None:
        """Flush and release the directory."""
        self.engine.close()
