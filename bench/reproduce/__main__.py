"""Runs the propagation model and the gossip theory against published figures: `make reproduce`.

Prints the table measured / published / difference / command, writes the groups that ran to their places in
docs/reproduce.md, and ends with 1 when a figure is out of its tolerance.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

from bench.reproduce import agreement, gervais, million, simblock, tail, theory
from bench.reproduce.rows import Row, table

from minicoin.sim.model.engine import COMPILES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reproduce.md"
NOTES = Path(__file__).with_name("notes.md")
HEADING = "\n## Figures: "
GROUPS = ("agreement", "simblock", "gervais", "tail", "flooding", "gossip", "million")


def measure(group: str, workers: int) -> list[Row]:
    """The rows of one group."""
    if group == "agreement":
        return agreement.rows()
    if group == "flooding":
        return theory.flooding_rows()
    if group == "gossip":
        return theory.gossip_rows()
    if group == "million":
        return million.rows()
    with ProcessPoolExecutor(workers) as pool:
        if group == "simblock":
            return simblock.rows(list(pool.map(simblock.run, simblock.jobs())))
        if group == "gervais":
            return gervais.rows(list(pool.map(gervais.run, gervais.jobs())))
        return tail.rows(list(pool.map(tail.run, tail.jobs())))


def section(rows: list[Row], seconds: float) -> str:
    """What the page says of one group."""
    engine = f"numba {version('numba')}" if COMPILES else "plain Python"
    held = f"{sum(row.holds for row in rows)} of {len(rows)} hold; {seconds:.0f} s with {engine}."
    return f"{held}\n\n{table(rows)}\n"


def write_page(fresh: dict[str, str]) -> None:
    """The notes and each group's section: the fresh one, or the one that stands there."""
    sections = {}
    if PAGE.exists():
        for part in PAGE.read_text().split(HEADING)[1:]:
            group, _, text = part.partition("\n\n")
            sections[group] = text.rstrip() + "\n"
    sections |= fresh
    parts = [f"{HEADING}{group}\n\n{sections[group]}" for group in GROUPS if group in sections]
    PAGE.write_text(NOTES.read_text().rstrip() + "\n" + "".join(parts))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reproduce", description=__doc__)
    parser.add_argument("--only", choices=GROUPS, action="append", help="a group of figures; may be repeated")
    parser.add_argument("--workers", type=int, default=2, help="processes that run networks at once")
    asked = parser.parse_args()
    failed, fresh = [], {}
    for group in asked.only or GROUPS:
        started = time.perf_counter()
        if rows := measure(group, asked.workers):
            print(table(rows), flush=True)
            fresh[group] = section(rows, time.perf_counter() - started)
            failed += [row for row in rows if not row.holds]
    write_page(fresh)
    for row in failed:
        print(f"out of tolerance: {row.group}, {row.figure}: {row.measured} {row.unit} against {row.published}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
