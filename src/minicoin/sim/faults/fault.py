"""What an injected fault is: it starts, perhaps stops, and counts how often it really did something."""

from minicoin.sim.faults.scene import Scene


class InjectedFault:
    """Base of all. What counts is effects, not attempts: 0 means that nothing came of it."""

    def __init__(self, kind: str, targets: list[str]) -> None:
        self.kind = kind
        self.targets = targets
        self.fired = 0
        self.last_at = 0
        """When the last thing that it does by itself is over, in the world's time; 0: with its end."""

    def effects(self) -> int:
        """How often it did something until now."""
        return self.fired

    def start(self, scene: Scene) -> None:
        """It begins."""
        raise NotImplementedError

    def stop(self, scene: Scene) -> None:
        """It ends; one that happens at one moment has nothing to undo."""
