"""Network models side by side: each figure a line, each model a column, medians over the seeds.

Owns which figures stand there, in which words, and what stands where there is none: what was not measured, and what a
model does not have, says so. Terminal, page and JSON show the same table.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Final, Literal

from minicoin.sim.measure.record import Json
from minicoin.sim.result.compare import Scalar
from minicoin.sim.result.figure import Plot, Trace, axis
from minicoin.sim.result.overlay import WHOLE_SHARE
from minicoin.sim.result.page import Column, Section, banner_html, page_html, paragraph, section, table_html
from minicoin.sim.result.words import (
    NOT_REACHED,
    format_bytes,
    format_count,
    format_number,
    format_share,
    format_us,
    plural,
)

Unit = Literal["time", "bytes", "share", "number"]

NOT_MEASURED: Final = "not measured"
_NONE_OF_ITS_OWN: Final = "has none"
_PERCENTILES: Final = ".per_item."


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure: its words, its name in a run's figures, its unit, and what stands where a model has none."""

    title: str
    figure: str
    unit: Unit
    absent: str = NOT_MEASURED


@dataclass(frozen=True, slots=True)
class LineGroup:
    """Lines that belong together."""

    title: str
    lines: tuple[FigureLine, ...]


def _spread(item: str, name: str) -> tuple[FigureLine, ...]:
    percentiles = (FigureLine(f"t{p} of a {item}", f"{name}.per_item.p{p}_us", "time") for p in (50, 90, 99))
    return (FigureLine(f"nodes reached by a {item}", f"{name}.coverage", "share"), *percentiles)


def _spent(words: str, figure: str, absent: str) -> tuple[FigureLine, ...]:
    return (
        FigureLine(f"{words}, bytes a node and hour", f"overlay.{figure}.bytes_per_node_hour", "bytes", absent),
        FigureLine(f"{words}, messages a node and hour", f"overlay.{figure}.events_per_node_hour", "number", absent),
    )


def _errands(words: str, figure: str, done: str, doubt: str, cost: str) -> tuple[FigureLine, ...]:
    name = f"overlay.{figure}"
    return (
        FigureLine(f"{words} {done}", f"{name}.delivered", "share"),
        FigureLine(f"{words} failed", f"{name}.failed", "share"),
        FigureLine(f"{words} {doubt}", f"{name}.uncertain", "share"),
        FigureLine(f"{words} later than 15 s, or never", f"{name}.late", "share"),
        FigureLine(f"{words} {done}, p50", f"{name}.took_p50_us", "time", "none"),
        FigureLine(f"{words} {done}, p99", f"{name}.took_p99_us", "time", "none"),
        FigureLine(cost, f"{name}.cost", "number", "none"),
    )


GROUPS: Final[tuple[LineGroup, ...]] = (
    LineGroup("Blocks", _spread("block", "blocks")),
    LineGroup("Transactions", _spread("transaction", "transactions")),
    LineGroup("Records", _spread("record", "records")),
    LineGroup(
        "Copies",
        (
            FigureLine("times a node receives a block", "overlay.block_payloads", "number"),
            FigureLine("headers messages for a block", "overlay.block_announcements", "number"),
            FigureLine("times a node receives a transaction", "overlay.transaction_payloads", "number"),
            FigureLine("announcements of a transaction", "overlay.transaction_announcements", "number"),
            FigureLine("messages for a block, whole network", "overlay.item_events_per_block", "number"),
        ),
    ),
    LineGroup(
        "Load",
        (
            FigureLine("bytes of a node, mean", "overlay.node_bytes_mean", "bytes"),
            FigureLine("bytes of a node, most", "overlay.node_bytes_max", "bytes"),
            FigureLine("bytes of a node, Gini", "overlay.node_bytes_gini", "number"),
        ),
    ),
    LineGroup(
        "Control",
        (
            *_spent("the model's own messages", "control", _NONE_OF_ITS_OWN),
            *_spent("records", "records", _NONE_OF_ITS_OWN),
            *_spent("Bitcoin's upkeep", "upkeep", NOT_MEASURED),
        ),
    ),
    LineGroup(
        "Joining",
        (
            FigureLine("from switched on to a handshake, p50", "overlay.join_ready_p50_us", "time", "nobody did"),
            FigureLine("from switched on to the tip, p50", "overlay.join_level_p50_us", "time", "nobody did"),
        ),
    ),
    LineGroup(
        "Letters",
        (
            *_errands("letters", "letters", "delivered", "in doubt", "hops of a letter"),
            FigureLine("letters, bytes a node and hour", "overlay.letters_spent.bytes_per_node_hour", "bytes", "none"),
        ),
    ),
    LineGroup("Searches", _errands("searches", "searches", "certain", "by hearsay", "peers that a search asks")),
    LineGroup(
        "Faults",
        (
            FigureLine("in one piece, least share", "overlay.survival", "share"),
            FigureLine("until whole again", "overlay.recovery_us", "time"),
            FigureLine("nodes reached by best blocks", "best_blocks.coverage", "share"),
        ),
    ),
    LineGroup(
        "The run",
        (FigureLine("events", "events", "number"), FigureLine("violations", "violations", "number")),
    ),
)


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """One model: its name, its runs, and how many could not be run."""

    name: str
    runs: Sequence[Mapping[str, Scalar]]
    failed: int = 0

    def value(self, line: FigureLine) -> float | None:
        """The median over the runs; infinite where most of them never reached it, None where nobody has the figure."""
        found = [run.get(line.figure) for run in self.runs]
        numbers = [float(one) for one in found if isinstance(one, int | float)]
        if _PERCENTILES in line.figure and numbers:
            numbers += [math.inf] * (len(found) - len(numbers))
        return median(numbers) if numbers else None

    def cell(self, line: FigureLine) -> str:
        """The same for people."""
        value = self.value(line)
        if value is not None:
            return _words(value, line.unit)
        if line.figure == "overlay.recovery_us":
            return self._unrecovered()
        if _PERCENTILES in line.figure and self._has_items(line):
            return NOT_REACHED
        return line.absent

    def _has_items(self, line: FigureLine) -> bool:
        items = line.figure.partition(".")[0]
        return any(run.get(f"{items}.items") for run in self.runs)

    def _unrecovered(self) -> str:
        survived = [run.get("overlay.survival") for run in self.runs]
        shares = [share for share in survived if isinstance(share, int | float)]
        if not shares:
            return NOT_MEASURED
        return "never broken" if min(shares) >= WHOLE_SHARE else "never whole again"


def shown_groups(models: Sequence[ModelColumn]) -> list[LineGroup]:
    """Those of which some model has a figure; of each group all lines."""
    return [group for group in GROUPS if any(model.value(line) is not None for model in models for line in group.lines)]


def models_json(models: Sequence[ModelColumn]) -> Json:
    """By model and by the name of the figure: its median, or in words why there is none."""
    return {
        model.name: {
            "runs": len(model.runs),
            "failed": model.failed,
            "figures": {
                line.figure: value if (value := model.value(line)) is not None and math.isfinite(value) else None
                for group in GROUPS
                for line in group.lines
            },
            "absent": {
                line.figure: model.cell(line)
                for group in GROUPS
                for line in group.lines
                if (value := model.value(line)) is None or not math.isfinite(value)
            },
        }
        for model in models
    }


def models_html(scenario: str, question: str, models: Sequence[ModelColumn], seeds: int, replays: Sequence[str]) -> str:
    """The page: one table a group, since a phone shows few lines of a long one, and plots of what spreads and costs."""
    head = f"<header><h1>{escape(scenario)}: network models</h1>{paragraph(question, 'question')}"
    head += paragraph(f"Medians over {plural(seeds, 'seed')} of each model: same code, links and draws.", "identity")
    failed = [f"{model.name}: {plural(model.failed, 'run')}" for model in models if model.failed]
    head += banner_html("Runs that failed", failed, is_bad=True) if failed else ""
    broken = [model.name for model in models if (model.value(_VIOLATIONS) or 0) > 0]
    head += banner_html(f"A checker found something: {', '.join(broken)}", [], is_bad=True) if broken else ""
    groups = shown_groups(models)
    columns = [Column("figure"), *(Column(model.name, is_number=True) for model in models)]
    tables = "".join(
        table_html(
            group.title, columns, [[line.title, *(model.cell(line) for model in models)] for line in group.lines]
        )
        for group in groups
    )
    again = "".join(f"<li><code>{escape(replay)}</code></li>" for replay in replays)
    return page_html(
        f"{scenario}: network models",
        head + "</header>",
        [
            section(
                "How far and how fast", _spread_plots(models), "Nothing spread.", f'<div class="grid">{tables}</div>'
            ),
            Section("Each model's first run again", f"<ul>{again}</ul>"),
        ],
    )


_VIOLATIONS: Final = FigureLine("violations", "violations", "number")


def _spread_plots(models: Sequence[ModelColumn]) -> list[Plot]:
    """Percentiles as steps of a curve: a model whose stragglers wait for a pull shows its knee."""
    plots = []
    for item in ("blocks", "transactions", "records"):
        traces: list[Trace] = []
        for place, model in enumerate(models):
            lines = [FigureLine("", f"{item}.per_item.p{p}_us", "time") for p in (50, 90, 99)]
            values = [model.value(line) for line in lines]
            if any(value is not None for value in values):
                known = [None if value is None or math.isinf(value) else value / 1e6 for value in values]
                colour = f"@cycle{place % 8}"
                traces.append(
                    {
                        "type": "scatter",
                        "mode": "lines+markers",
                        "name": model.name,
                        "x": known,
                        "y": [0.5, 0.9, 0.99],
                        "line": {"color": colour, "width": 2},
                        "marker": {"color": colour, "size": 7},
                    }
                )
        if traces:
            plots.append(
                Plot(
                    f"spread-{item}",
                    f"Share of the nodes that {item} have reached",
                    "After so many seconds; medians over items and seeds. A point that is missing was never reached.",
                    traces,
                    {
                        "xaxis": axis("seconds", rangemode="tozero"),
                        "yaxis": axis("share of the nodes", tickformat=".0%", range=[0.45, 1.02]),
                        "showlegend": True,
                    },
                )
            )
    return plots


def _words(value: float, unit: Unit) -> str:
    if math.isinf(value):
        return NOT_REACHED
    match unit:
        case "time":
            return format_us(value)
        case "bytes":
            return format_bytes(value)
        case "share":
            return format_share(value)
        case "number":
            return format_count(round(value)) if value >= 1_000 else format_number(value)
