"""The report of one run: a self-contained HTML file with headline figures, plots and tables.

Owns what is on the page and in which order; page owns the HTML, the plots_* modules what is drawn.
"""

import json
from html import escape
from pathlib import Path

from minicoin.sim.measure.record import RunRecord
from minicoin.sim.result.figure import Plot
from minicoin.sim.result.page import (
    Column,
    Section,
    banner_html,
    page_html,
    paragraph,
    section,
    table_html,
)
from minicoin.sim.result.plots_forks import fork_plots
from minicoin.sim.result.plots_propagation import propagation_plots
from minicoin.sim.result.plots_timeline import timeline_plots
from minicoin.sim.result.plots_traffic import traffic_plots
from minicoin.sim.result.report_head import head_html
from minicoin.sim.result.summary import Summary, summarize
from minicoin.sim.result.words import (
    NOTHING,
    format_bytes,
    format_count,
    format_number,
    format_share,
    format_us,
    shorten,
)

_VIOLATIONS_SHOWN = 200
_FAULTS_SHOWN = 200
TARGETS_SHOWN = 40


def report_html(record: RunRecord, summary: Summary | None = None) -> str:
    """The page as text."""
    figures = summary or summarize(record)
    return page_html(f"{record.scenario}, seed {record.seed}", head_html(record, figures), _sections(record, figures))


def write_report(record: RunRecord, file: Path) -> None:
    """The page as a file."""
    file.write_text(report_html(record), encoding="utf-8")


def _sections(record: RunRecord, summary: Summary) -> list[Section]:
    found = [
        section("Propagation", propagation_plots(record, summary), "No block or transaction reached anybody."),
        section("Forks", fork_plots(record), _fork_text(summary), _grid(_earner_tables(summary))),
    ]
    if not summary.traffic.is_empty:
        found.append(section("Traffic", traffic_plots(record, summary), "", _grid(_traffic_tables(summary))))
    plots = timeline_plots(record)
    tables = _fault_tables(record, summary)
    if plots or tables:
        found.append(_over_time(plots, tables))
    return [*found, _scenario(record)]


def _over_time(plots: list[Plot], tables: str) -> Section:
    return section("Over time", plots, "Nothing was recorded over time.", _grid(tables))


def _fork_text(summary: Summary) -> str:
    if not summary.forks.blocks:
        return "No block was found."
    return f"No fork among {format_count(summary.forks.blocks)} blocks."


def _grid(tables: str) -> str:
    return f'<div class="grid" style="margin-top:1rem">{tables}</div>' if tables else ""


def _earner_tables(summary: Summary) -> str:
    columns = [
        Column("name"),
        Column("hash share", True),
        Column("found", True),
        Column("in best chain", True),
        Column("revenue share", True),
    ]
    tables = []
    for title, earners in (("Groups", summary.groups), ("Miners, most blocks first", summary.miners)):
        rows = [
            [
                earner.name or NOTHING,
                format_share(earner.hash_share),
                format_count(earner.found),
                format_count(earner.best),
                format_share(earner.revenue_share),
            ]
            for earner in earners
        ]
        # A single group says nothing that the whole does not.
        if title != "Groups" or len(rows) > 1:
            tables.append(table_html(title, columns, rows))
    return "".join(tables)


def _traffic_tables(summary: Summary) -> str:
    types = [
        [row.type, format_count(row.sent_messages), format_bytes(row.sent_bytes), format_bytes(row.received_bytes)]
        for row in summary.types
    ]
    nodes = [
        [row.name, format_bytes(row.sent_bytes), format_bytes(row.received_bytes), format_share(row.uplink_use)]
        for row in summary.hottest
    ]
    return table_html(
        "All nodes, by message type",
        [Column("type"), Column("messages sent", True), Column("sent", True), Column("received", True)],
        types,
    ) + table_html(
        "Hottest nodes",
        [Column("node"), Column("sent", True), Column("received", True), Column("of its uplink", True)],
        nodes,
    )


def _fault_tables(record: RunRecord, summary: Summary) -> str:
    coverage = [[row.kind, format_count(row.faults), format_count(row.fired)] for row in summary.faults]
    silent = [index for index, row in enumerate(summary.faults) if not row.fired]
    faults = [
        [
            fault.kind,
            format_us(fault.started_us),
            "the end" if fault.ended_us is None else format_us(fault.ended_us),
            shorten(", ".join(fault.targets), TARGETS_SHOWN) or NOTHING,
            format_count(fault.fired),
        ]
        for fault in record.faults[:_FAULTS_SHOWN]
    ]
    violations = [
        [format_us(found.at_us), found.checker, shorten(", ".join(map(str, found.nodes)), TARGETS_SHOWN), found.text]
        for found in record.violations[:_VIOLATIONS_SHOWN]
    ]
    ranges = [
        [row.name, row.unit, format_number(row.least), format_number(row.most), format_number(row.last)]
        for row in summary.series
    ]
    return "".join(
        [
            table_html(
                "Violations",
                [Column("at"), Column("checker"), Column("nodes"), Column("what")],
                violations,
                range(len(violations)),
            ),
            table_html(
                "Did every fault fire?",
                [Column("kind"), Column("faults", True), Column("fired", True)],
                coverage,
                silent,
            ),
            table_html(
                "Faults",
                [Column("kind"), Column("from", True), Column("to", True), Column("targets"), Column("fired", True)],
                faults,
            ),
            table_html(
                "Series",
                [Column("name"), Column("unit"), Column("least", True), Column("most", True), Column("last", True)],
                ranges,
            ),
        ]
    )


def _scenario(record: RunRecord) -> Section:
    text = json.dumps(record.canonical, indent=2)
    details = banner_html("What to know about these figures", record.notes) if record.notes else ""
    return Section(
        "The run",
        details
        + paragraph(
            f"Python {record.python_version}, minicoin {record.minicoin_version}, scenario hash {record.scenario_hash}",
            "identity",
        )
        + f"<details><summary>The scenario with all defaults</summary><pre>{escape(text)}</pre></details>",
    )
