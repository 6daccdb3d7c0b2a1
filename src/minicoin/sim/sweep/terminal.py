"""A sweep on the terminal: one line a point with medians over its seeds, and what failed."""

import math
from collections.abc import Sequence
from statistics import median, median_high

from rich.console import Console
from rich.table import Table
from rich.text import Text

from minicoin.sim.result.words import NOTHING, format_bytes, format_count, format_reached, format_share, plural, shorten
from minicoin.sim.sweep.campaign import SweepCampaign
from minicoin.sim.sweep.plan import JobId, Point

_POINTS_SHOWN = 60
_VALUE_LENGTH = 30


def print_sweep(campaign: SweepCampaign, console: Console) -> None:
    """The table; figures that no run has are left out."""
    plan = campaign.plan
    names = [parameter.key for parameter in plan.parameters]
    table = Table(*names, "runs", "p50", "p90", "p99", "stale", "median node", "violations", box=None, pad_edge=False)
    for point in plan.points[:_POINTS_SHOWN]:
        table.add_row(*_cells(point, campaign))
    console.print(Text(f"{plan.name}: medians over the seeds", style="bold"))
    console.print(table)
    if len(plan.points) > _POINTS_SHOWN:
        console.print(f"... and {plural(len(plan.points) - _POINTS_SHOWN, 'point')} more, in the table", markup=False)
    console.print(Text(_headline(campaign), style="bold red" if campaign.errors else ""))


def _headline(campaign: SweepCampaign) -> str:
    words = f"{plural(campaign.total, 'job')}: {format_count(campaign.ran)} run in {campaign.wall_s:.1f} s"
    words += f", {format_count(campaign.skipped)} skipped (finished before)"
    if campaign.errors:
        words += f"; {format_count(len(campaign.errors))} failed"
    if campaign.violated:
        words += f"; violations in {plural(campaign.violated, 'run')}"
    if campaign.unreadable:
        words += f"; {plural(campaign.unreadable, 'line')} of the journal could not be read"
    return words


def _cells(point: Point, campaign: SweepCampaign) -> Sequence[str | Text]:
    seeds = campaign.plan.seeds
    found = [JobId(point.scenario_hash, seed) for seed in seeds]
    rows = [campaign.rows[job] for job in found if job in campaign.rows]

    def middle(name: str) -> float | None:
        values = [value for row in rows if isinstance(value := row.get(name), int | float)]
        return median(values) if values else None

    def reached(percentile: str) -> str:
        name = f"blocks.per_item.{percentile}_us"
        # A run that never reached it comes after all that did.
        values = [math.inf if row[name] is None else row[name] for row in rows if name in row]
        times = [value for value in values if isinstance(value, int | float)]
        return format_reached(None if math.isinf(median_high(times)) else median(times)) if times else NOTHING

    violations = sum(value for row in rows if isinstance(value := row.get("violations"), int))
    bytes_carried = middle("traffic.median_node_bytes")
    runs = format_count(len(rows)) if len(rows) == len(seeds) else f"{len(rows)} of {len(seeds)}"
    return [
        *(shorten(str(value), _VALUE_LENGTH) for value in point.parameters.values()),
        Text(runs, style="" if len(rows) == len(seeds) else "bold red"),
        reached("p50"),
        reached("p90"),
        reached("p99"),
        format_share(middle("forks.stale_rate")),
        NOTHING if bytes_carried is None else format_bytes(bytes_carried),
        Text(format_count(violations) if rows else NOTHING, style="bold red" if violations else ""),
    ]


def failed_jobs(campaign: SweepCampaign) -> list[tuple[Point, int, str]]:
    """Point, seed and error of each job that failed, in the order of the plan."""
    return [
        (point, seed, campaign.errors[job])
        for point in campaign.plan.points
        for seed in campaign.plan.seeds
        if (job := JobId(point.scenario_hash, seed)) in campaign.errors
    ]
