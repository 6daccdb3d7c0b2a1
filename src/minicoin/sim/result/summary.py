"""All figures of a run in one value, and as one JSON object.

Owns which figures there are and their names; each part says in its own module how it is computed. Nothing here depends
on real time, so equal runs have equal figures.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from minicoin.sim.measure.record import Json, RunRecord
from minicoin.sim.result.forks import Earner, Forks, groups, miners, summarize_forks
from minicoin.sim.result.overlay import OverlayFigures, summarize_overlay
from minicoin.sim.result.propagation import (
    Propagation,
    block_spreads,
    record_spreads,
    summarize_spreads,
    transaction_spreads,
)
from minicoin.sim.result.traffic import (
    NodeTraffic,
    TrafficTotals,
    TypeTraffic,
    hottest_nodes,
    summarize_traffic,
    types_by_bytes,
)

HOTTEST_SHOWN = 10
MINERS_SHOWN = 20
FLOAT_DIGITS = 9


@dataclass(frozen=True, slots=True)
class FaultCoverage:
    """All faults of one kind."""

    kind: str
    faults: int
    fired: int
    """0: the scenario asked for it, and it never did anything."""


@dataclass(frozen=True, slots=True)
class SeriesRange:
    """The extremes of a series; None where it has no point."""

    name: str
    unit: str
    points: int
    least: float | None
    most: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run."""

    nodes: int
    attackers: int
    virtual_us: int
    events: int
    setup_events: int
    blocks: Propagation
    best_blocks: Propagation
    """The same over blocks of the best chain only; all nodes should have got those."""
    transactions: Propagation
    records: Propagation
    """Signed values of the load; what the network model publishes by itself does not count."""
    forks: Forks
    miners: list[Earner]
    groups: list[Earner]
    traffic: TrafficTotals
    overlay: OverlayFigures
    types: list[TypeTraffic]
    hottest: list[NodeTraffic]
    faults: list[FaultCoverage]
    series: list[SeriesRange]
    violations: int


def summarize(record: RunRecord) -> Summary:
    """Derive every figure."""
    best = [block for block in record.blocks if block.is_best]
    return Summary(
        nodes=node_count(record),
        attackers=sum(node.is_attacker for node in record.nodes),
        virtual_us=record.virtual_us,
        events=record.event_count,
        setup_events=record.setup_events,
        blocks=summarize_spreads(block_spreads(record)),
        best_blocks=summarize_spreads(block_spreads(record, best)),
        transactions=summarize_spreads(transaction_spreads(record)),
        records=summarize_spreads(record_spreads(record)),
        forks=summarize_forks(record),
        miners=miners(record)[:MINERS_SHOWN],
        groups=groups(record),
        traffic=summarize_traffic(record),
        overlay=summarize_overlay(record),
        types=types_by_bytes(record),
        hottest=hottest_nodes(record, HOTTEST_SHOWN),
        faults=fault_coverage(record),
        series=series_ranges(record),
        violations=len(record.violations),
    )


def node_count(record: RunRecord) -> int:
    """Nodes of the run, also where a large model has not described them one by one."""
    if record.nodes:
        return len(record.nodes)
    return max((len(block.arrivals) for block in record.blocks), default=0)


def fault_coverage(record: RunRecord) -> list[FaultCoverage]:
    """By kind, in the order in which kinds occur first."""
    kinds: dict[str, list[int]] = {}
    for fault in record.faults:
        kinds.setdefault(fault.kind, []).append(fault.fired)
    return [FaultCoverage(kind, len(fired), sum(fired)) for kind, fired in kinds.items()]


def series_ranges(record: RunRecord) -> list[SeriesRange]:
    """Extremes of every series."""
    ranges = []
    for series in record.series:
        values = series.values
        least, most, last = (
            (float(values.min()), float(values.max()), float(values[-1])) if values.size else (None, None, None)
        )
        ranges.append(SeriesRange(series.name, series.unit, int(values.size), least, most, last))
    return ranges


def figures_json(summary: Summary) -> dict[str, Json]:
    """The figures as JSON with a fixed order of keys. Floats keep 9 digits: sums may differ in the last bit between
    processors, and no figure is that exact."""
    return {name: _plain(value) for name, value in asdict(summary).items()}


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{FLOAT_DIGITS}g}")
    if value is None or isinstance(value, int | str):
        return value
    raise AssertionError(f"a figure is {type(value).__name__}")
