"""One thread that runs the chain engine: stores, activates, verifies, reads, in the order asked.

A rescan is cut into slices between which other work runs. A store that cannot go on (full disk, damaged file) is
reported once as WorkFailed and ends the worker's taking of blocks; nothing acknowledged is lost by it.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from minicoin.core.chain.engine import ChainEngine, invalid_block
from minicoin.core.chain.parsed_blocks import ChainDamaged
from minicoin.core.effects import Activate, ReadBlock, Rescan, SaveHeaders, StoreBlock, VerifyTransaction, Watch
from minicoin.core.events import (
    BlockRead,
    BlockRefused,
    BlockStored,
    ChainMoved,
    Event,
    RescanProgress,
    TransactionVerified,
    WorkFailed,
)
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockRejected, WatchedTransaction
from minicoin.drivers.store.errors import StoreError

ChainWork = StoreBlock | Activate | ReadBlock | VerifyTransaction | Watch | Rescan | SaveHeaders

_RESCAN_SLICE = 200
_FAILURES = (StoreError, ChainDamaged, OSError)


class WorkerEnded(Exception):
    """The worker does not answer any more: the node stops, or a bug ended it."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A read from outside (RPC): runs between two jobs, its result goes to `done`."""

    function: Callable[[ChainEngine], object]
    done: Callable[[object, Exception | None], None]


class ChainWorker:
    """Results go to `post`, from the worker's thread."""

    def __init__(self, engine: ChainEngine, post: Callable[[Event], None]) -> None:
        self._engine = engine
        self._post = post
        self._is_over = False
        self._jobs: queue.SimpleQueue[ChainWork | _Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)
        self._thread.start()

    def put(self, job: ChainWork) -> None:
        """Queue one effect."""
        self._jobs.put(job)

    def call(self, function: Callable[[ChainEngine], object], done: Callable[[object, Exception | None], None]) -> None:
        """Run a read on the engine; `done(result, error)` is called from the worker's thread."""
        self._jobs.put(_Call(function, done))
        if self._is_over:
            self._refuse_waiting()

    def stop(self) -> None:
        """Finish what is queued, flush, end."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if isinstance(job, _Call):
                self._answer(job)
                continue
            try:
                self._execute(job)
            except _FAILURES as error:
                self._post(WorkFailed(type(job).__name__, str(error)))
            except Exception as error:
                # A bug: the node must hear of it before the thread dies, or it would wait for ever.
                self._post(WorkFailed(type(job).__name__, f"bug: {error!r}"))
                self._is_over = True
                self._refuse_waiting()
                raise
        try:
            self._engine.close()
        except _FAILURES as error:
            # The flush failed (full disk): what was acknowledged is in the block files and rolls forward at start.
            self._post(WorkFailed("close", str(error)))
        self._is_over = True
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        """Who asks from outside must not wait for a thread that is gone."""
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if isinstance(job, _Call):
                job.done(None, WorkerEnded("the chain worker has ended"))

    def _answer(self, call: _Call) -> None:
        try:
            result = call.function(self._engine)
        except Exception as error:  # noqa: BLE001 - travels to whoever asked for this read
            call.done(None, error)
            return
        call.done(result, None)

    def _execute(self, job: ChainWork) -> None:
        match job:
            case StoreBlock():
                self._store(job)
            case Activate(fork, path):
                update, invalid = self._engine.activate(fork, path)
                self._post(ChainMoved(update, invalid))
            case ReadBlock(conn, block_hash, stripped):
                self._post(BlockRead(conn, block_hash, self._engine.read_block(block_hash, stripped=stripped)))
            case VerifyTransaction(transaction, parents):
                self._post(TransactionVerified(self._engine.verify_transaction(transaction, parents)))
            case Watch(scripts):
                self._engine.watch(scripts)
            case SaveHeaders(headers):
                self._engine.add_headers(headers)
            case Rescan():
                self._rescan(job)

    def _store(self, job: StoreBlock) -> None:
        try:
            self._engine.store_block(job.block, job.height)
        except BlockRejected as refusal:
            self._post(BlockRefused(job.block.hash, invalid_block(job.block.hash, refusal)))
            return
        self._post(BlockStored(job.block.hash, job.height))

    def _rescan(self, job: Rescan) -> None:
        end = min(job.start_height + _RESCAN_SLICE, self._engine.height + 1)
        found: list[tuple[BlockHash, int, WatchedTransaction]] = []
        reached = job.start_height - 1
        for height, block, watched in self._engine.rescan(job.scripts, job.start_height):
            reached = height
            found += [(block, height, transaction) for transaction in watched]
            if height + 1 >= end:
                break
        is_done = end > self._engine.height
        self._post(RescanProgress(reached, tuple(found), is_done))
        if not is_done:
            self._jobs.put(Rescan(job.scripts, end))
