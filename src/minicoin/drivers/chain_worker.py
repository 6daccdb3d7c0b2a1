"""One thread that runs the chain engine: stores, activates, verifies, reads, in the order asked.

A rescan is cut into slices between which other work runs. A store that cannot go on (full disk, damaged file) is
reported once as WorkFailed and ends the worker's taking of blocks; nothing acknowledged is lost by it.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from minicoin.core.chain.engine import ChainEngine
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
from minicoin.core.primitives.verdicts import BlockRejected, InvalidBlock
from minicoin.drivers.store.errors import StoreError

ChainWork = StoreBlock | Activate | ReadBlock | VerifyTransaction | Watch | Rescan | SaveHeaders

_RESCAN_SLICE = 200


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
        self._jobs: queue.SimpleQueue[ChainWork | _Call | None] = queue.SimpleQueue()
        self._failed = ""
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)
        self._thread.start()

    def put(self, job: ChainWork) -> None:
        """Queue one effect."""
        self._jobs.put(job)

    def call(
        self, function: Callable[[ChainEngine], object], done: Callable[[object, Exception | None], None]
    ) -> None:
        """Run a read on the engine; `done(result, error)` is called from the worker's thread."""
        self._jobs.put(_Call(function, done))

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
            except (StoreError, OSError) as error:
                self._failed = self._failed or str(error)
                self._post(WorkFailed(type(job).__name__, str(error)))
        try:
            self._engine.close()
        except (StoreError, OSError) as error:
            # The flush failed (full disk): what was acknowledged is in the block files and rolls forward at start.
            self._post(WorkFailed("close", str(error)))

    def _answer(self, call: _Call) -> None:
        try:
            result = call.function(self._engine)
        except (StoreError, OSError, LookupError) as error:
            call.done(None, error)
            return
        call.done(result, None)

    def _execute(self, job: ChainWork) -> None:
        match job:
            case StoreBlock(block, height):
                self._store(block, height)
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
                self._engine.save_headers(headers)
            case Rescan():
                self._rescan(job)

    def _store(self, block: object, height: int) -> None:
        raise NotImplementedError

    def _rescan(self, job: Rescan) -> None:
        raise NotImplementedError
