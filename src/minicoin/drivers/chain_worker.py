"""One thread that runs the chain engine: stores, activates, verifies, reads; what is urgent first (lanes.py).

Rescans and reads of the whole coin set are cut into slices between which other work runs. A store that cannot go on
(full disk, damaged file) is reported once as WorkFailed and ends the worker's taking of blocks; nothing acknowledged is
lost by it.
"""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import assert_never

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
from minicoin.drivers.lanes import Lane, Lanes
from minicoin.drivers.store.errors import StoreError

ChainWork = StoreBlock | Activate | ReadBlock | VerifyTransaction | Watch | Rescan | SaveHeaders
Done = Callable[[object, Exception | None], None]

_RESCAN_SLICE = 200
_FAILURES = (StoreError, ChainDamaged, OSError)


class WorkerEnded(Exception):
    """The worker does not answer any more: the node stops, or a bug ended it."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A read from outside (RPC): runs between two jobs, its result goes to `done`."""

    function: Callable[[ChainEngine], object]
    done: Done


@dataclass(frozen=True, slots=True)
class _LongRead:
    """A read under way that is done in slices; what it returns goes to `done`."""

    slices: Generator[None, None, object]
    done: Done


_Job = ChainWork | _Call | _LongRead


class ChainWorker:
    """Results go to `post`, from the worker's thread."""

    def __init__(self, engine: ChainEngine, post: Callable[[Event], None]) -> None:
        self._engine = engine
        self._post = post
        self._lanes: Lanes[_Job] = Lanes()
        self._is_stopping = False
        self._is_over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)
        self._thread.start()

    def put(self, job: ChainWork) -> None:
        """Queue one effect."""
        self._put(_lane_of(job), job)

    def call(self, function: Callable[[ChainEngine], object], done: Done) -> None:
        """Run a read on the engine; `done(result, error)` is called from the worker's thread. A function that is a
        generator is run a slice at a time, whenever nothing more urgent waits; it must bear that the chain moves."""
        self._put(Lane.OPERATOR, _Call(function, done))

    def begin_stop(self) -> None:
        """Finish what changes the chain and what the operator asked, leave the rest, flush, end."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()

    def stop(self) -> None:
        """The same, and wait for the end."""
        self.begin_stop()
        self._thread.join()

    def _put(self, lane: Lane, job: _Job) -> None:
        with self._changed:
            if not self._is_over:
                self._lanes.put(lane, job)
                self._changed.notify()
                return
        _refuse(job)

    def _take(self) -> _Job | None:
        """The next job; None at the end."""
        with self._changed:
            while not self._is_stopping and not len(self._lanes):
                self._changed.wait()
            left = [*self._lanes.drain(Lane.PEERS), *self._lanes.drain(Lane.LONG)] if self._is_stopping else []
            job = self._lanes.take() if len(self._lanes) else None
        for each in left:
            _refuse(each)
        return job

    def _run(self) -> None:
        while (job := self._take()) is not None:
            try:
                self._execute(job)
            except _FAILURES as error:
                self._post(WorkFailed(type(job).__name__, str(error)))
            except Exception as error:
                # A bug: the node must hear of it before the thread dies, or it would wait for ever.
                self._post(WorkFailed(type(job).__name__, f"bug: {error!r}"))
                self._finish()
                raise
        try:
            self._engine.close()
        except _FAILURES as error:
            # The flush failed (full disk): what was acknowledged is in the block files and rolls forward at start.
            self._post(WorkFailed("close", str(error)))
        self._finish()

    def _finish(self) -> None:
        with self._changed:
            self._is_over = True
            left = [job for lane in Lane for job in self._lanes.drain(lane)]
        for job in left:
            _refuse(job)

    def _execute(self, job: _Job) -> None:
        match job:
            case _Call():
                self._answer(job)
            case _LongRead():
                self._read_on(job)
            case StoreBlock():
                self._store(job)
            case Activate(fork, path):
                update, invalid = self._engine.activate(fork, path)
                self._post(ChainMoved(update, invalid))
            case ReadBlock(conn, block_hash, stripped):
                self._post(BlockRead(conn, block_hash, self._engine.read_block(block_hash, stripped=stripped)))
            case VerifyTransaction(transaction, parents):
                started = time.perf_counter_ns()
                verdict = self._engine.verify_transaction(transaction, parents)
                self._post(TransactionVerified(verdict, (time.perf_counter_ns() - started) // 1_000))
            case Watch(scripts):
                self._engine.watch(scripts)
            case SaveHeaders(headers):
                self._engine.add_headers(headers)
            case Rescan():
                self._rescan(job)

    def _answer(self, call: _Call) -> None:
        try:
            result = call.function(self._engine)
        except Exception as error:  # noqa: BLE001 - travels to whoever asked for this read
            call.done(None, error)
            return
        if isinstance(result, Generator):
            self._put(Lane.LONG, _LongRead(result, call.done))
        else:
            call.done(result, None)

    def _read_on(self, read: _LongRead) -> None:
        try:
            next(read.slices)
        except StopIteration as end:
            read.done(end.value, None)
        except Exception as error:  # noqa: BLE001 - travels to whoever asked for this read
            read.done(None, error)
        else:
            # One at a time: each holds a moment of the store open.
            with self._changed:
                self._lanes.put_back(Lane.LONG, read)

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
        if not is_done and not self._is_stopping:
            self._put(Lane.CONSENSUS, Rescan(job.scripts, end))


def _lane_of(job: ChainWork) -> Lane:
    match job:
        case StoreBlock() | Activate() | SaveHeaders() | Watch() | Rescan():
            return Lane.CONSENSUS
        case VerifyTransaction():
            return Lane.OPERATOR if job.is_own else Lane.PEERS
        case ReadBlock():
            return Lane.PEERS
        case _:
            assert_never(job)


def _refuse(job: _Job) -> None:
    """Who asks from outside must not wait for a thread that is gone."""
    if isinstance(job, _LongRead):
        job.slices.close()
    if isinstance(job, _Call | _LongRead):
        job.done(None, WorkerEnded("the chain worker has ended"))
