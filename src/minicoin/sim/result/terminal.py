"""The result of a run in a terminal: headline figures, what carried the bytes, whether every fault fired."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from minicoin.sim.measure.record import RunRecord
from minicoin.sim.result.propagation import Propagation
from minicoin.sim.result.summary import Summary, summarize
from minicoin.sim.result.words import (
    MODEL_LABEL,
    format_bytes,
    format_count,
    format_reached,
    format_share,
    format_us,
    plural,
)

_TYPES_SHOWN = 8
_HOTTEST_SHOWN = 3
_VIOLATIONS_SHOWN = 5


def print_summary(record: RunRecord, console: Console, summary: Summary | None = None) -> None:
    """Everything that fits a screen; the report has the rest."""
    figures = summary or summarize(record)
    console.print(Text(f"{record.scenario}, seed {record.seed}", style="bold"))
    if record.question:
        console.print(Text(record.question, style="italic"))
    if record.engine == "model":
        console.print(Text(MODEL_LABEL, style="bold yellow"))
        for assumption in record.assumptions:
            console.print(Text(f"  {assumption}", style="yellow"))
    if record.interrupted:
        console.print(Text(f"PARTIAL: {record.interrupted}; the rest was not run", style="bold red"))
    console.print(_headline(record, figures))
    for table in (_propagation(figures), _traffic(figures), _faults(figures)):
        if table.row_count:
            console.print()
            console.print(table)
    for found in record.violations[:_VIOLATIONS_SHOWN]:
        text = f"violation at {format_us(found.at_us)}, {found.checker}: {found.text}"
        console.print(Text(text, style="bold red"))
    for note in record.notes:
        console.print(Text(f"note: {note}", style="dim"))
    # There to be copied: never folded.
    console.print(Text(f"digest {record.digest}", style="dim"), soft_wrap=True)
    if record.replay:
        console.print(Text(f"again: {record.replay}", style="dim"), soft_wrap=True)


def _headline(record: RunRecord, summary: Summary) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    forks = summary.forks
    expected = "" if forks.expected_stale_rate is None else f", {format_share(forks.expected_stale_rate)} from delays"
    table.add_row("nodes", format_count(summary.nodes))
    table.add_row("virtual time", format_us(summary.virtual_us))
    table.add_row(
        "blocks",
        f"{format_count(forks.blocks)}, {forks.stale} stale ({format_share(forks.stale_rate)}{expected}), "
        f"{plural(forks.forks, 'fork')}",
    )
    table.add_row("best blocks reached", f"{format_share(summary.best_blocks.coverage)} of the nodes")
    traffic = summary.traffic
    if not traffic.is_empty:
        # A model may count bytes only.
        messages = f" in {plural(traffic.sent_messages, 'message')}" if traffic.sent_messages else ""
        table.add_row(
            "traffic",
            f"{format_bytes(traffic.sent_bytes)}{messages}; a median node carried "
            f"{format_bytes(traffic.median_node_bytes)}, the busiest {format_bytes(traffic.busiest_node_bytes)}",
        )
    hottest = ", ".join(
        f"{row.name} ({format_bytes(row.sent_bytes + row.received_bytes)})" for row in summary.hottest[:_HOTTEST_SHOWN]
    )
    if hottest:
        table.add_row("hottest nodes", hottest)
    speed = f", {format_count(round(summary.events / record.run_wall_s))} a second" if record.run_wall_s > 0 else ""
    table.add_row("events", f"{format_count(summary.events)}{speed}; set-up {format_count(summary.setup_events)}")
    table.add_row("took", f"{record.run_wall_s:.1f} s, set-up {record.setup_wall_s:.1f} s")
    style = "bold red" if summary.violations else "green"
    table.add_row("violations", Text(format_count(summary.violations), style=style))
    return table


def _propagation(summary: Summary) -> Table:
    table = Table("arrival", "p50", "p90", "p99", "slowest", "reached", box=None, pad_edge=False, header_style="bold")
    _add_propagation(table, "block", summary.blocks)
    _add_propagation(table, "transaction", summary.transactions)
    _add_propagation(table, "record", summary.records)
    return table


def _add_propagation(table: Table, name: str, found: Propagation) -> None:
    rows = ((f"{name}, median over {name}s", found.per_item), (f"{name}, all pairs pooled", found.pooled))
    for title, percentiles in rows:
        if percentiles is not None:
            times = (percentiles.p50_us, percentiles.p90_us, percentiles.p99_us)
            slowest = format_us(found.slowest_us)
            table.add_row(title, *map(format_reached, times), slowest, format_share(found.coverage))


def _traffic(summary: Summary) -> Table:
    table = Table("message", "sent", "bytes", box=None, pad_edge=False, header_style="bold")
    for row in summary.types[:_TYPES_SHOWN]:
        table.add_row(row.type, format_count(row.sent_messages), format_bytes(row.sent_bytes))
    return table


def _faults(summary: Summary) -> Table:
    table = Table("fault", "injected", "fired", box=None, pad_edge=False, header_style="bold")
    for row in summary.faults:
        fired = Text(format_count(row.fired)) if row.fired else Text("never", style="bold red")
        table.add_row(row.kind, format_count(row.faults), fired)
    return table
