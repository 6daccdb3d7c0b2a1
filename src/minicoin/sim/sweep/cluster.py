"""Runs the jobs of a sweep on a Dask cluster, through joblib's Dask backend.

The cluster moves the jobs of a lost worker to others by itself. What it gives up on (a job that killed one worker
after the other) never reaches joblib, which would wait for ever; here it becomes the outcome of that job. The cluster
also gives up jobs that only waited at such a worker, so those are tried again one at a time.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Protocol

import joblib
from distributed import Client
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker
from joblib._dask import DaskDistributedBackend

from minicoin.sim.sweep.code import code_version
from minicoin.sim.sweep.plan import Job, JobId
from minicoin.sim.sweep.work import JobOutcome, RunnerError, Work

CONNECT_S: Final = 10
WORKER_WAIT_S: Final = 30
_ADDRESS: Final = re.compile(r"(tcp|tls)://.+:[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class ClusterRunner:
    """The scheduler's address, as tcp://host:port. Workers may come and go; each needs the same minicoin."""

    address: str

    def __call__(self, jobs: Sequence[Job], work: Work) -> Iterator[JobOutcome]:
        """Outcomes as they come."""
        # Dask logs a traceback for what is said here in one line, or what it mends by itself.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            with _connected(self.address) as client:
                _check_places(client, self.address)
                backend = _Backend(client)
                for outcome in _run(backend, jobs, work):
                    if outcome.id not in backend.suspects:
                        yield outcome
                for suspect in list(backend.suspects.values()):
                    yield from _run(_Backend(client), [suspect], work)
        except (FutureCancelledError, OSError) as error:
            raise RunnerError(f"the cluster at {self.address} went away; what is finished is kept") from error


def _run(backend: "_Backend", jobs: Sequence[Job], work: Work) -> Iterator[JobOutcome]:
    # All jobs go to the scheduler at once, so that workers which come later get some too.
    with joblib.parallel_config(backend=backend):
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        yield from parallel(joblib.delayed(work)(job) for job in jobs)


class _Batch(Protocol):
    """One job as joblib hands it to a backend: function, arguments, named arguments."""

    items: list[tuple[Work, tuple[Job], dict[str, object]]]


class _Backend(DaskDistributedBackend):  # type: ignore[misc]
    """Tells joblib of jobs that the cluster gave up, and keeps it from running any itself."""

    def __init__(self, client: Client) -> None:
        super().__init__(client=client)
        self.suspects: dict[JobId, Job] = {}
        """Jobs whose workers died, perhaps of another job that was there too."""

    def effective_n_jobs(self, n_jobs: int) -> int:
        """joblib's name for it. Where it says 1, joblib runs all jobs in this process, and not on that one worker."""
        found: int = super().effective_n_jobs(n_jobs)
        return max(2, found)

    def submit(self, func: _Batch, callback: Callable[[list[JobOutcome]], None]) -> "Future[list[JobOutcome]]":
        """joblib's name for it; `func` holds one job, since batches are of one."""
        future: Future[list[JobOutcome]] = super().submit(func, callback)
        ((job,),) = [arguments for _, arguments, _ in func.items]

        def tell(done: "Future[list[JobOutcome]]") -> None:
            error = done.exception()
            if error is not None:
                if isinstance(error, KilledWorker):
                    self.suspects[job.id] = job
                reason = " ".join(str(error).split())
                callback([JobOutcome(job.id, None, f"the cluster gave it up: {type(error).__name__}: {reason}")])

        future.add_done_callback(tell)
        return future


def _connected(address: str) -> Client:
    if not _ADDRESS.fullmatch(address):
        raise RunnerError(f"{address!r} is no address of a Dask scheduler; write tcp://HOST:PORT")
    try:
        return Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_S, set_as_default=False, name="minicoin-sweep"
        )
    except (OSError, ValueError) as error:
        raise RunnerError(f"no Dask scheduler at {address}: {error}") from error


def _check_places(client: Client, address: str) -> None:
    """At least one, and all with this code; the scheduler too, since it unpacks every job."""
    try:
        client.wait_for_workers(1, timeout=WORKER_WAIT_S)
    except TimeoutError as error:
        raise RunnerError(f"the scheduler at {address} has had no worker for {WORKER_WAIT_S} s") from error
    expected = code_version()
    places = {f"the worker {worker}": found for worker, found in client.run(code_version, on_error="return").items()}
    try:
        places[f"the scheduler {address}"] = client.run_on_scheduler(code_version)  # type: ignore[no-untyped-call]
    except (ImportError, AttributeError) as error:
        places[f"the scheduler {address}"] = error
    for place, found in places.items():
        if found != expected:
            raise RunnerError(f"{place} has not minicoin {expected}, which this sweep needs: {found}")
