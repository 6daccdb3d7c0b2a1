"""Runs the jobs of a sweep in processes of this machine, with joblib.

A process that dies (killed, out of memory) breaks joblib's whole pool, and nobody knows whose fault it was. So those
that were running are tried again one at a time, and only the one that breaks the pool alone has failed.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from minicoin.sim.sweep.plan import Job, JobId
from minicoin.sim.sweep.work import JobOutcome, Work

DIED = "its process died: killed, out of memory, or a crash outside Python"


@dataclass(frozen=True, slots=True)
class LocalRunner:
    """At most `processes` jobs at a time."""

    processes: int

    def __call__(self, jobs: Sequence[Job], work: Work) -> Iterator[JobOutcome]:
        """Outcomes as they come; a broken pool is replaced."""
        waiting = {job.id: job for job in jobs}
        while waiting:
            pool = _Pool(self.processes, work)
            for outcome in pool.run(list(waiting.values())):
                del waiting[outcome.id]
                yield outcome
            for suspect in pool.suspects():
                del waiting[suspect.id]
                yield from _alone(suspect, work)


@dataclass(slots=True)
class _Pool:
    """One pool from its start until all is done or it breaks."""

    processes: int
    work: Work
    _taken: dict[JobId, Job] = field(default_factory=dict)
    _is_broken: bool = False

    def run(self, jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        """Outcomes until the end or the break."""
        # A pool of one would be this process itself, which a crash must not take along; so joblib gets no more
        # jobs at a time than there may be, whatever its number of processes.
        with joblib.parallel_config(backend="loky", n_jobs=max(2, self.processes)):
            parallel = joblib.Parallel(
                return_as="generator_unordered", batch_size=1, pre_dispatch=self.processes, verbose=0
            )
            try:
                with warnings.catch_warnings():
                    # joblib replaces a process that has grown large, between two jobs, and warns of it.
                    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
                    for outcome in parallel(self._calls(jobs)):
                        del self._taken[outcome.id]
                        yield outcome
            except BrokenProcessPool:
                self._is_broken = True

    def suspects(self) -> list[Job]:
        """Jobs that were given to the pool and did not come back; none where it did not break."""
        return list(self._taken.values()) if self._is_broken else []

    def _calls(self, jobs: Sequence[Job]) -> Iterator[object]:
        for job in jobs:
            self._taken[job.id] = job
            yield joblib.delayed(self.work)(job)


def _alone(job: Job, work: Work) -> Iterator[JobOutcome]:
    pool = _Pool(1, work)
    yield from pool.run([job])
    if pool.suspects():
        yield JobOutcome(job.id, None, DIED)
