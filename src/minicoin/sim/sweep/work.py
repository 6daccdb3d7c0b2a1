"""One job of a sweep, as a worker process runs it: scenario and seed to a row, or to the reason why there is none.

Must be importable by its name, on this machine or on another one, and returns plain values only.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.faults import MisuseError
from minicoin.sim.engine.phases import SetupFailed
from minicoin.sim.result.compare import result_row
from minicoin.sim.result.json import to_json
from minicoin.sim.run import run
from minicoin.sim.sweep.code import code_version
from minicoin.sim.sweep.plan import Job, JobId, Scalar

MakeVerifier = Callable[[], ScriptVerifier]
"""How each process gets its verifier; must be importable by its name."""


Work = Callable[[Job], "JobOutcome"]


class RunnerError(Exception):
    """Whoever runs the jobs cannot go on. What is done is kept."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What came of one job: a row, or an error."""

    id: JobId
    row: Mapping[str, Scalar] | None
    """Columns of result.compare, without the parameters of the sweep."""
    error: str | None = None


class JobRunner(Protocol):
    """Runs jobs somewhere. Outcomes come as they are ready, in any order, one for each job. Raises RunnerError."""

    def __call__(self, jobs: Sequence[Job], work: Work) -> Iterator[JobOutcome]: ...


def make_work(make_verifier: MakeVerifier) -> Work:
    """What runners hand to their workers together with a job."""
    # A partial, not arguments beside the job: Dask would keep a class given as an argument on one worker, and lose
    # every job when it loses that one.
    return partial(run_job, make_verifier, code_version())


def run_job(make_verifier: MakeVerifier, code: str, job: Job) -> JobOutcome:
    """Run it to the end. What breaks is an outcome too, so that it costs no other job."""
    if code != code_version():
        return JobOutcome(job.id, None, f"the worker has minicoin {code_version()}, this sweep is of {code}")
    try:
        with closing(make_verifier()) as verifier:
            record = run(job.scenario, job.seed, verifier)
        return JobOutcome(job.id, result_row(to_json(record), {}))
    except (SetupFailed, MisuseError) as error:
        return JobOutcome(job.id, None, f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - the supervisor of a job: a bug in one must not lose the others
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"line {where.lineno} of {where.filename.rpartition('/')[2]}"
        return JobOutcome(job.id, None, f"{type(error).__name__}: {error} ({place})")
