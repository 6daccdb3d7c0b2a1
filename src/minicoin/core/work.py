"""What the jobs of the chain worker come to: one job is performed on an engine and becomes the event that its effect
promises, for the node's worker thread, the simulated world and tests alike.

The order of jobs is the business of who holds them, and so is what the store may throw: it ends here for nobody.
A rescan is performed a slice at a time, so that other work can come in between.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol, assert_never

from minicoin.core.chain.engine import invalid_block
from minicoin.core.chain.proposals import ProposalVerdict
from minicoin.core.effects import (
    Activate,
    ReadBlock,
    Rescan,
    SaveHeaders,
    StoreBlock,
    VerifyProposal,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import (
    BlockRead,
    BlockRefused,
    BlockStored,
    ChainMoved,
    Event,
    ProposalVerified,
    RescanProgress,
    TransactionVerified,
)
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxOut
from minicoin.core.primitives.verdicts import BlockRejected, ChainUpdate, InvalidBlock, TxVerdict, WatchedTransaction
from minicoin.core.signers.certificate import KeptCertificate

ChainJob = StoreBlock | Activate | ReadBlock | VerifyTransaction | VerifyProposal | Watch | Rescan | SaveHeaders
ChainAnswer = (
    BlockStored | BlockRefused | ChainMoved | BlockRead | TransactionVerified | ProposalVerified | RescanProgress
)

RESCAN_SLICE_BLOCKS: Final = 200


class Engine(Protocol):
    """What jobs are performed on: core.chain's engine, or one that shares verdicts with others."""

    @property
    def height(self) -> int:
        """Of the tip."""

    def store_block(self, raw: RawBlock, height: int, certificate: KeptCertificate | None = None) -> None:
        """Raises BlockRejected; then nothing was stored."""

    def activate(self, fork: BlockHash, path: tuple[BlockHash, ...]) -> tuple[ChainUpdate, InvalidBlock | None]:
        """Down to `fork`, then along `path` as far as it is valid."""

    def read_block(self, block: BlockHash, *, stripped: bool = False) -> RawBlock | None:
        """A stored block, or None."""

    def verify_transaction(
        self, transaction: Transaction, parents: tuple[tuple[Outpoint, TxOut], ...] = ()
    ) -> TxVerdict:
        """Whether it could stand in the next block."""

    def verify_proposal(self, raw: RawBlock, height: int) -> ProposalVerdict:
        """Whether a block could be the next one."""

    def watch(self, scripts: frozenset[bytes]) -> None:
        """Replace the scripts whose transactions summaries carry."""

    def rescan(
        self, scripts: frozenset[bytes], start_height: int, count: int | None = None
    ) -> Iterator[tuple[int, BlockHash, tuple[WatchedTransaction, ...]]]:
        """(height, block, watched transactions) of `count` blocks from a height on."""

    def add_headers(self, headers: Iterable[BlockHeader], certificates: Iterable[KeptCertificate] = ()) -> None:
        """Remember headers, parents first; where members sign, with the certificate of each."""


def perform(engine: Engine, job: ChainJob, is_over: Callable[[], bool] = lambda: False) -> ChainAnswer | None:
    """The answer to a job; None where it has none. `is_over` is asked after each block of a rescan and may end a slice
    early: whoever has a clock keeps slices short with it."""
    match job:
        case StoreBlock(block, height, connects, certificate):
            try:
                engine.store_block(block, height, certificate)
            except BlockRejected as refusal:
                return BlockRefused(block.hash, invalid_block(block.hash, refusal))
            if connects:
                return ChainMoved(*engine.activate(block.header.previous, (block.hash,)), block.hash)
            return BlockStored(block.hash, height)
        case Activate(fork, path):
            return ChainMoved(*engine.activate(fork, path))
        case ReadBlock(conn, block_hash, stripped):
            return BlockRead(conn, block_hash, engine.read_block(block_hash, stripped=stripped))
        case VerifyTransaction(transaction, parents):
            return TransactionVerified(engine.verify_transaction(transaction, parents))
        case VerifyProposal(block, height):
            verdict = engine.verify_proposal(block, height)
            return ProposalVerified(block.hash, verdict.refusal, verdict.next_members)
        case Rescan(scripts, start):
            return _rescan(engine, scripts, start, is_over)
        case Watch(scripts):
            engine.watch(scripts)
        case SaveHeaders(headers, certificates):
            engine.add_headers(headers, certificates)
        case _:
            assert_never(job)
    return None


def rest_of(job: ChainJob, answer: Event | None) -> Rescan | None:
    """What is left to do of a job that was answered; None where nothing is."""
    if not isinstance(job, Rescan) or not isinstance(answer, RescanProgress) or answer.done:
        return None
    return Rescan(job.scripts, answer.height + 1)


def _rescan(engine: Engine, scripts: frozenset[bytes], start: int, is_over: Callable[[], bool]) -> RescanProgress:
    # The genesis block pays nobody, and a chain of it alone is read at once.
    reached = max(start, 1) - 1
    found: list[tuple[BlockHash, int, WatchedTransaction]] = []
    for height, block, watched in engine.rescan(scripts, start, RESCAN_SLICE_BLOCKS):
        reached = height
        found += [(block, height, transaction) for transaction in watched]
        if is_over():
            break
    return RescanProgress(reached, tuple(found), reached >= engine.height)
