"""Network models side by side in a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from minicoin.sim.result.models import ModelColumn, shown_groups
from minicoin.sim.result.words import plural


def print_models(scenario: str, question: str, models: Sequence[ModelColumn], seeds: int, console: Console) -> None:
    """The table, and what failed."""
    console.print(Text(f"{scenario}: network models, medians over {plural(seeds, 'seed')}", style="bold"))
    console.print(Text(question, style="italic"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for model in models:
        table.add_column(model.name, justify="right")
    for group in shown_groups(models):
        table.add_row(Text(group.title, style="bold"))
        for line in group.lines:
            table.add_row(f"  {line.title}", *(model.cell(line) for model in models))
    console.print(table)
    for model in models:
        if model.failed:
            console.print(Text(f"{model.name}: {plural(model.failed, 'run')} failed", style="bold red"))
