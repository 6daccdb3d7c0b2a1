"""Results of many runs side by side: one row a run, and plots of figures against a swept parameter.

Owns the columns of a sweep's table: `scenario`, `engine`, `seed`, `digest`, one `set.<name>` for each swept parameter,
and every single figure under its dotted name, as in the JSON (lists are left out).
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import polars as pl

from minicoin.core.faults import MisuseError
from minicoin.sim.measure.record import Json
from minicoin.sim.result.figure import Plot, Trace, axis
from minicoin.sim.result.page import Column, Section, page_html, paragraph, section, table_html
from minicoin.sim.result.words import NOT_REACHED, NOTHING, format_number

Scalar = None | bool | int | float | str

SET = "set."
_SECONDS = 1e-6
FIGURES: Mapping[str, tuple[str, str, float]] = {
    "blocks.per_item.p50_us": ("Block arrival, p50 (median over blocks)", "seconds", _SECONDS),
    "blocks.per_item.p90_us": ("Block arrival, p90 (median over blocks)", "seconds", _SECONDS),
    "blocks.per_item.p99_us": ("Block arrival, p99 (median over blocks)", "seconds", _SECONDS),
    "transactions.per_item.p50_us": ("Transaction arrival, p50 (median over transactions)", "seconds", _SECONDS),
    "records.per_item.p50_us": ("Record arrival, p50 (median over records)", "seconds", _SECONDS),
    "best_blocks.coverage": ("Nodes reached by best blocks", "share", 1),
    "forks.stale_rate": ("Stale blocks, counted", "share", 1),
    "forks.expected_stale_rate": ("Stale blocks, from delays", "share", 1),
    "traffic.median_node_bytes": ("Carried by a median node", "bytes", 1),
    "traffic.busiest_node_bytes": ("Carried by the busiest node", "bytes", 1),
    "violations": ("Violations", "violations", 1),
    "events": ("Events", "events", 1),
    "wall.run_s": ("Real time of a run", "seconds", 1),
}
"""Figures that are plotted where a run has them: title, unit, factor to that unit."""

_LOG_RATIO = 50
_PERCENTILES = ".per_item."


def result_row(result: Mapping[str, Json], parameters: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """One run as a row: `result` as json.to_json gives it, `parameters` as the sweep set them."""
    row: dict[str, Scalar] = {}
    for name in ("scenario", "engine", "seed", "digest"):
        value = result[name]
        assert value is None or isinstance(value, int | str)
        row[name] = value
    row |= {SET + name: value for name, value in parameters.items()}
    _flatten("", result["figures"], row)
    _flatten("wall.", result["wall"], row)
    return row


def write_rows(rows: Sequence[Mapping[str, Scalar]], file: Path) -> None:
    """A sweep's table. Rows may lack columns that others have."""
    pl.DataFrame(rows, infer_schema_length=None, strict=False).write_parquet(file)


def read_rows(files: Sequence[Path]) -> pl.DataFrame:
    """Tables of one or more sweeps below each other."""
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        raise MisuseError(f"no sweep result: {', '.join(missing) or 'no file given'}")
    return pl.concat([pl.read_parquet(file) for file in files], how="diagonal_relaxed")


def comparison_html(runs: pl.DataFrame, parameter: str) -> str:
    """One page: each figure against `parameter`; runs that differ in other parameters or in the engine are lines of
    their own, seeds are points."""
    column = SET + parameter
    swept = [name for name in runs.columns if name.startswith(SET)]
    if column not in swept:
        known = ", ".join(name.removeprefix(SET) for name in swept) or "nothing"
        raise MisuseError(f"{parameter!r} was not swept; the runs vary {known}")
    others = [name for name in ("scenario", "engine", *swept) if name != column and runs[name].n_unique() > 1]
    lines = _lines(runs, others)
    shown = {name: words for name, words in FIGURES.items() if name in runs.columns and runs[name].count()}
    plots = [_plot(name, words, column, lines) for name, words in shown.items()]
    scenarios = ", ".join(sorted(map(str, runs["scenario"].unique())))
    head = f"<header><h1>By {escape(parameter)}</h1>"
    head += paragraph(f"{runs.height} runs of {scenarios}; a point is a run, the line joins medians.", "question")
    if "model" in runs["engine"]:
        head += paragraph("Runs of engine model are a model, not the node code.", "question")
    return page_html(
        f"{scenarios} by {parameter}",
        head + "</header>",
        [
            section("Figures", plots, "The runs have no figure in common."),
            Section("Medians", _medians(runs, column, others, shown)),
        ],
    )


def _flatten(prefix: str, value: Json, row: dict[str, Scalar]) -> None:
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if isinstance(item, Mapping):
            _flatten(f"{prefix}{name}.", item, row)
        elif item is None or isinstance(item, bool | int | float | str):
            row[prefix + name] = item


def _lines(runs: pl.DataFrame, others: Sequence[str]) -> list[tuple[str, pl.DataFrame]]:
    if not others:
        return [("", runs)]
    groups = runs.sort(others).partition_by(others, as_dict=True, maintain_order=True)
    return [
        (", ".join(f"{name.removeprefix(SET)} {value}" for name, value in zip(others, values, strict=True)), group)
        for values, group in groups.items()
    ]


def _plot(name: str, words: tuple[str, str, float], column: str, lines: Sequence[tuple[str, pl.DataFrame]]) -> Plot:
    title, unit, factor = words
    traces: list[Trace] = []
    is_number = all(group[column].dtype.is_numeric() for _, group in lines)
    for position, (label, group) in enumerate(lines):
        known = group.select(column, pl.col(name) * factor).drop_nulls().sort(column)
        medians = group.drop_nulls(column).group_by(column).agg(_median(name) * factor).sort(column)
        medians = medians.filter(pl.col(name).is_finite())
        colour = f"@cycle{position % 8}"
        shared: Trace = {"type": "scatter", "legendgroup": label, "name": label}
        traces += [
            {
                **shared,
                "mode": "markers",
                "x": known[column].to_list(),
                "y": known[name].to_list(),
                "marker": {"size": 5, "opacity": 0.45, "color": colour},
                "showlegend": False,
            },
            {
                **shared,
                "mode": "lines",
                "x": medians[column].to_list(),
                "y": medians[name].to_list(),
                "line": {"color": colour, "width": 2},
            },
        ]
    kind = "-" if not is_number else "log" if _is_wide(column, lines) else "linear"
    tick = {"share": ".1%", "seconds": ".4~g", "violations": ",d"}.get(unit, ".3~s")
    return Plot(
        "by-" + name.replace(".", "-").replace("_", "-"),
        title,
        f"{column.removeprefix(SET)} from left to right{' (logarithmic)' if kind == 'log' else ''}.",
        traces,
        {
            "xaxis": axis(column.removeprefix(SET), type="category" if kind == "-" else kind),
            "yaxis": axis(unit, tickformat=tick, rangemode="tozero"),
            "showlegend": len(lines) > 1,
        },
    )


def _is_wide(column: str, lines: Sequence[tuple[str, pl.DataFrame]]) -> bool:
    values = [float(value) for _, group in lines for value in group[column].drop_nulls().to_list()]
    return bool(values) and min(values) > 0 and max(values) / min(values) >= _LOG_RATIO


def _median(name: str) -> pl.Expr:
    """Over runs; one in which so many were never reached comes after all that reached them."""
    values = pl.col(name).cast(pl.Float64)
    return (values.fill_null(math.inf) if _PERCENTILES in name else values).median()


def _medians(
    runs: pl.DataFrame, column: str, others: Sequence[str], shown: Mapping[str, tuple[str, str, float]]
) -> str:
    keys = [column, *others]
    table = (
        runs.group_by(keys)
        .agg(pl.len().alias("runs"), *(_median(name) * words[2] for name, words in shown.items()))
        .sort(keys)
    )
    columns = [Column(key.removeprefix(SET), is_number=key == column) for key in keys]
    columns += [Column("runs", True), *(Column(f"{words[0]} ({words[1]})", True) for words in shown.values())]
    rows = [
        [*(str(value) for value in row[: len(keys)]), *(_cell(value) for value in row[len(keys) :])]
        for row in table.iter_rows()
    ]
    return table_html("Median over the seeds", columns, rows)


def _cell(value: Scalar) -> str:
    if isinstance(value, float) and math.isinf(value):
        return NOT_REACHED
    return format_number(float(value)) if isinstance(value, int | float) else NOTHING
