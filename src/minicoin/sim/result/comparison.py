"""Two runs of one seed, event by event: where they part, or that they do not."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

_DIGEST = "digest "
_TEXT_MAX = 400


@dataclass(frozen=True, slots=True)
class Comparison:
    """`events` were equal; `first` and `second` are the lines that were not, for people."""

    events: int
    digest: str
    """Of both runs; empty where they differ, or where neither came to its end."""
    first: str = ""
    second: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether nothing that the runs said differs."""
        return not (self.first or self.second)


def compare(one: Iterable[str], other: Iterable[str]) -> Comparison:
    """Lines "time host what", the last one "digest ...", of two runs, read side by side and no further than needed."""
    events = 0
    digest = ""
    for first, second in zip_longest(one, other, fillvalue=""):
        if first != second:
            return Comparison(events, "", _readable(first), _readable(second))
        if first.startswith(_DIGEST):
            digest = first.removeprefix(_DIGEST).strip()
        else:
            events += 1
    return Comparison(events, digest)


def _readable(line: str) -> str:
    """The line with its parts named, not longer than a screen takes."""
    if not line:
        return "nothing: the run had ended"
    time_us, _, rest = line.strip().partition(" ")
    host, _, what = rest.partition(" ")
    if not what:
        return line.strip()
    shown = what if len(what) <= _TEXT_MAX else what[:_TEXT_MAX] + "…"
    return f"at {int(time_us) / 1e6:.6f} s, node {host}: {shown}"
