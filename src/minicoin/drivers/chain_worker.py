"""One thread that runs the chain engine: performs the jobs of core/work, what is urgent first (lanes.py).

Rescans and reads of the whole coin set are cut into slices between which other work runs. A store that cannot go on
(full disk, damaged file) is reported once as WorkFailed and ends the worker's taking of blocks; nothing acknowledged is
lost by it.
"""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final, assert_never

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.parsed_blocks import ChainDamaged
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
from minicoin.core.events import Event, TransactionVerified, WorkFailed
from minicoin.core.work import ChainJob, perform, rest_of
from minicoin.drivers.lanes import Lane, Lanes
from minicoin.drivers.store.errors import StoreError

Done = Callable[[object, Exception | None], None]

SLICE_US: Final = 20_000
"""So long a block waits for a rescan or a read of the whole coin set at most."""

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


_Job = ChainJob | _Call | _LongRead


class ChainWorker:
    """Results go to `post`, from the worker's thread."""

    def __init__(
        self, engine: ChainEngine, post: Callable[[Event], None], clock_ns: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._engine = engine
        self._post = post
        self._clock_ns = clock_ns
        self._lanes: Lanes[_Job] = Lanes()
        self._is_stopping = False
        self._is_over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)
        self._thread.start()

    def put(self, job: ChainJob) -> None:
        """Queue one effect."""
        self._put(_lane_of(job), job)

    def call(self, function: Callable[[ChainEngine], object], done: Done) -> None:
        """Run a read on the engine; `done(result, error)` is called from the worker's thread. A function that is a
        generator is run in slices of SLICE_US, whenever nothing more urgent waits; it yields oftener, and
        must bear that the chain moves meanwhile."""
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
            case _:
                self._perform(job)

    def _perform(self, job: ChainJob) -> None:
        started = self._clock_ns()
        until_ns = started + 1_000 * SLICE_US
        answer = perform(self._engine, job, lambda: self._clock_ns() >= until_ns)
        if isinstance(answer, TransactionVerified):
            answer = TransactionVerified(answer.verdict, (self._clock_ns() - started) // 1_000)
        if answer is not None:
            self._post(answer)
        rest = rest_of(job, answer)
        if rest is not None and not self._is_stopping:
            self._put(Lane.CONSENSUS, rest)

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
        until_ns = self._clock_ns() + 1_000 * SLICE_US
        try:
            next(read.slices)
            while self._clock_ns() < until_ns:
                next(read.slices)
        except StopIteration as end:
            read.done(end.value, None)
        except Exception as error:  # noqa: BLE001 - travels to whoever asked for this read
            read.done(None, error)
        else:
            # One at a time: each holds a moment of the store open.
            with self._changed:
                self._lanes.put_back(Lane.LONG, read)


def _lane_of(job: ChainJob) -> Lane:
    match job:
        case StoreBlock() | Activate() | SaveHeaders() | Watch() | Rescan() | VerifyProposal():
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
