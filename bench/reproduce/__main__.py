"""Runs the propagation model and the gossip theory against published figures: `make reproduce`.

Prints the table measured / published / difference / command, writes it to docs/reproduce.md when nothing was left out,
and ends with 1 when a figure is out of its tolerance.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

from bench.reproduce import gervais, million, simblock, theory
from bench.reproduce.rows import Row, table

from minicoin.sim.model.engine import COMPILES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reproduce.md"
NOTES = Path(__file__).with_name("notes.md")
GROUPS = ("simblock", "gervais", "flooding", "gossip", "million")


def measure(groups: list[str], workers: int) -> list[Row]:
    """The rows of these groups, in their order here."""
    rows: list[Row] = []
    with ProcessPoolExecutor(workers) as pool:
        for name, group in (("simblock", simblock), ("gervais", gervais)):
            if name in groups:
                rows += group.rows(list(pool.map(group.run, group.jobs())))
    if "flooding" in groups:
        rows += theory.flooding_rows()
    if "gossip" in groups:
        rows += theory.gossip_rows()
    if "million" in groups:
        rows += million.rows()
    return rows


def page(rows: list[Row], seconds: float) -> str:
    engine = f"numba {version('numba')}" if COMPILES else "plain Python"
    ran = f"{sum(row.holds for row in rows)} of {len(rows)} rows hold; {seconds:.0f} s with {engine}."
    return f"{NOTES.read_text()}\n## Figures\n\n{ran}\n\n{table(rows)}\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reproduce", description=__doc__)
    parser.add_argument("--only", choices=GROUPS, action="append", help="a group of figures; may be repeated")
    parser.add_argument("--workers", type=int, default=2, help="processes that run networks at once")
    asked = parser.parse_args()
    started = time.perf_counter()
    rows = measure(asked.only or list(GROUPS), asked.workers)
    print(table(rows))
    if asked.only is None:
        PAGE.write_text(page(rows, time.perf_counter() - started))
    failed = [row for row in rows if not row.holds]
    for row in failed:
        print(f"out of tolerance: {row.group}, {row.figure}: {row.measured} {row.unit} against {row.published}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
