"""Whether a crash took something that a node had acknowledged: its best chain survives, to the last block."""

from collections.abc import Iterator

from minicoin.sim.check.view import Finding, View
from minicoin.sim.faults.scene import Scene


class Durability:
    """Reports what the faults saw missing when they cut the power of nodes with a disk of their own."""

    name = "durability"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def look(self, view: View) -> Iterator[Finding]:
        for node, text in self._scene.losses:
            yield Finding((node,), text)

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)
