"""What a sweep leaves in its directory: one Parquet table, and a page of plots for each swept parameter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from minicoin.sim.result.compare import comparison_html, read_rows, write_rows
from minicoin.sim.sweep.campaign import SweepCampaign, table_rows

TABLE_NAME: Final = "sweep.parquet"


@dataclass(frozen=True, slots=True)
class Output:
    """The files."""

    table: Path
    comparisons: tuple[Path, ...]
    """None where no run has figures."""


def write_output(campaign: SweepCampaign, directory: Path) -> Output:
    """Write them, also those of an earlier sweep in this directory anew."""
    table = directory / TABLE_NAME
    # Another name first: a kill must not leave half a table under the right one.
    part = directory / f"{TABLE_NAME}.part"
    write_rows(table_rows(campaign), part)
    part.replace(table)
    # Failed jobs have no figures: their rows stay in the table, and out of the plots.
    runs = read_rows([table]).filter(pl.col("error").is_null())
    swept: Sequence[str] = campaign.plan.swept if runs.height else ()
    comparisons = tuple(directory / f"by-{_file_word(key)}.html" for key in swept)
    for key, file in zip(swept, comparisons, strict=True):
        file.write_text(comparison_html(runs, key), encoding="utf-8")
    return Output(table, comparisons)


def _file_word(key: str) -> str:
    """fault[0].probability -> fault-0.probability"""
    return re.sub(r"[^a-z0-9._-]+", "-", key).replace("-.", ".").strip("-")
