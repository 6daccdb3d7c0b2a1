"""A whole sweep: what the journal has is skipped, the rest runs, and everything ends in one table.

Owns which rows the table has: one a job in the order of the plan, those that failed with their error and no figures.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from minicoin.sim.result.compare import SET
from minicoin.sim.sweep.code import code_version
from minicoin.sim.sweep.journal import open_journal
from minicoin.sim.sweep.plan import JobId, Plan, Point, Scalar
from minicoin.sim.sweep.work import JobRunner, MakeVerifier, make_work


@dataclass(slots=True)
class SweepCampaign:
    """How far a sweep is, and at its end what it came to."""

    plan: Plan
    total: int
    skipped: int = 0
    """Jobs that an earlier sweep had run."""
    unreadable: int = 0
    """Lines of the journal that were damaged; their jobs ran again."""
    ran: int = 0
    """Jobs of this time, failed ones included."""
    errors: dict[JobId, str] = field(default_factory=dict)
    rows: Mapping[JobId, Mapping[str, Scalar]] = field(default_factory=dict)
    wall_s: float = 0.0

    @property
    def done(self) -> int:
        """Jobs that are over."""
        return self.skipped + self.ran

    @property
    def violated(self) -> int:
        """Runs in which a checker found something."""
        return sum(bool(self.rows[job.id].get("violations")) for job in self.plan.jobs() if job.id in self.rows)


def sweep(
    plan: Plan,
    directory: Path,
    runner: JobRunner,
    make_verifier: MakeVerifier,
    on_progress: Callable[[SweepCampaign], None] = lambda campaign: None,
) -> SweepCampaign:
    """Run what `directory` does not have yet. Raises RunnerError and MisuseError; what was finished stays there."""
    began = time.monotonic()
    jobs = plan.jobs()
    with open_journal(directory, code_version()) as journal:
        missing = [job for job in jobs if job.id not in journal.rows]
        campaign = SweepCampaign(plan, len(jobs), len(jobs) - len(missing), journal.unreadable, rows=journal.rows)
        on_progress(campaign)
        for outcome in runner(missing, make_work(make_verifier)) if missing else ():
            journal.add(outcome)
            campaign.ran += 1
            if outcome.error is not None:
                campaign.errors[outcome.id] = outcome.error
            campaign.wall_s = time.monotonic() - began
            on_progress(campaign)
    return campaign


def table_rows(campaign: SweepCampaign) -> list[dict[str, Scalar]]:
    """Every job as a row: head, parameters, error, figures."""
    rows: list[dict[str, Scalar]] = []
    for point in campaign.plan.points:
        for seed in campaign.plan.seeds:
            job = JobId(point.scenario_hash, seed)
            found = campaign.rows.get(job)
            rows.append(_row(point, seed, found or {}, campaign.errors.get(job)))
    return rows


def _row(point: Point, seed: int, found: Mapping[str, Scalar], error: str | None) -> dict[str, Scalar]:
    scenario = point.scenario
    row: dict[str, Scalar] = {
        "scenario": scenario.name,
        "engine": scenario.engine,
        "seed": seed,
        "digest": found.get("digest"),
        "scenario_hash": point.scenario_hash,
        "error": error,
    }
    row |= {SET + key: value for key, value in point.parameters.items()}
    return row | {name: value for name, value in found.items() if name not in row}
