"""Whether a crash took something that a node had acknowledged: its best chain survives, to the last block."""

from collections.abc import Iterator, Sequence

from minicoin.sim.check.view import Finding, View


class Durability:
    """Reports what was seen missing when nodes with a disk of their own lost their power."""

    name = "durability"

    def __init__(self, losses: Sequence[tuple[int, str]]) -> None:
        """`losses` grows during the run: (node, what it had acknowledged and lost)."""
        self._losses = losses

    def look(self, view: View) -> Iterator[Finding]:
        for node, text in self._losses:
            yield Finding((node,), text)

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)
