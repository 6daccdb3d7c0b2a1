"""A tiny scenario, and a runner that is this process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.sweep.plan import Job, JobId
from minicoin.sim.sweep.work import JobOutcome, RunnerError, Work

TINY = """
name = "tiny"
question = "Does a sweep run?"
seeds = [7, 8]
nodes.count = 3
network.spacing_s = 10.0
topology.outbound = 2
mining.blocks = 2
"""

UNCONNECTED = "warmup.connect_s=0.001"
"""A setting with which no run gets through its set-up."""


def tiny() -> Scenario:
    """Three nodes, two blocks."""
    return Scenario.from_toml(TINY)


@dataclass
class Here:
    """Runs jobs one after another in this process; stops working after `stop_after` of them."""

    stop_after: int | None = None
    seen: list[JobId] = field(default_factory=list)

    def __call__(self, jobs: Sequence[Job], work: Work) -> Iterator[JobOutcome]:
        for job in jobs:
            if len(self.seen) == self.stop_after:
                raise RunnerError("pulled the plug")
            self.seen.append(job.id)
            yield work(job)
