"""One published figure, what was measured for it, and how the table says so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`tolerance` is relative; None only informs. `is_limit` means that less is better."""

    group: str
    figure: str
    unit: str
    measured: float
    published: float
    tolerance: float | None
    command: str
    note: str = ""
    is_limit: bool = False

    @property
    def difference(self) -> float:
        return self.measured / self.published - 1.0

    @property
    def holds(self) -> bool:
        if self.is_limit:
            return self.measured <= self.published
        return self.tolerance is None or abs(self.difference) <= self.tolerance

    @property
    def verdict(self) -> str:
        if self.is_limit:
            return "within" if self.holds else "OVER THE LIMIT"
        if self.tolerance is None:
            return "for information"
        return f"within {self.tolerance:.0%}" if self.holds else f"OUT OF {self.tolerance:.0%}"


def table(rows: list[Row]) -> str:
    """A markdown table."""
    lines = [
        "| figure | measured | published | difference | verdict | command |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        difference = "limit" if row.is_limit else f"{row.difference:+.1%}"
        lines.append(
            f"| {row.group}: {row.figure} | {_number(row.measured, row.unit)} | {_number(row.published, row.unit)} "
            f"| {difference} | {row.verdict} | `{row.command}` |"
        )
    return "\n".join(lines)


def _number(value: float, unit: str) -> str:
    digits = f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
    return f"{digits} {unit}" if unit else digits
