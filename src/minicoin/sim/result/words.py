"""Numbers and labels as people read them, the same in the terminal and in the report."""

from minicoin.core.units import HOUR_US, MINUTE_US, SECOND_US

NOTHING = "–"
NOT_REACHED = "not reached"
MODEL_LABEL = "This is a model, not the node code"
_BYTE_STEP = 1_000
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_us(us: float | None) -> str:
    """A duration: 850 µs, 12.3 ms, 1.235 s, 4 min 05 s, 2 h 30 min."""
    if us is None:
        return NOTHING
    if us == 0:
        return "0 s"
    if us < 1_000:
        return f"{us:.0f} µs"
    if us < SECOND_US:
        return f"{us / 1_000:.1f} ms"
    if us < 2 * MINUTE_US:
        return f"{us / SECOND_US:.3f} s"
    if us < 2 * HOUR_US:
        return _two(int(us // SECOND_US), "min", "s")
    return _two(int(us // MINUTE_US), "h", "min")


def format_reached(us: float | None) -> str:
    """When a percentage was reached; None says that it never was."""
    return NOT_REACHED if us is None else format_us(us)


def _two(count: int, large: str, small: str) -> str:
    """Sixtieths, the small unit only where it says something."""
    whole, rest = divmod(count, 60)
    return f"{whole} {large} {rest:02} {small}" if rest else f"{whole} {large}"


def plural(count: int, noun: str) -> str:
    """1 violation, 2 violations."""
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def format_bytes(size: float) -> str:
    """Decimal units, as links are sold."""
    for unit in _BYTE_UNITS[:-1]:
        if size < _BYTE_STEP:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _BYTE_STEP
    return f"{size:.1f} {_BYTE_UNITS[-1]}"


def format_share(share: float | None) -> str:
    """A share of 1 in per cent; small ones keep two decimals."""
    if share is None:
        return NOTHING
    return f"{share:.2%}" if share < 0.1 or 0.99 < share < 1 else f"{share:.1%}"


def format_count(count: int) -> str:
    """Thousands apart."""
    return f"{count:,}"


def format_number(value: float | None) -> str:
    """A figure of unknown size with four significant digits."""
    if value is None:
        return NOTHING
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"


def shorten(text: str, length: int) -> str:
    """At most `length` characters; dots stand for what is left out."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
