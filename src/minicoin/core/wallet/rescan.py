"""How far a search of the chain for the wallet's scripts has come, and whether it has to be made again."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RescanState:
    """A rescan under way: from where, and up to where it has come."""

    start_height: int
    scanned_height: int
    again_from: int | None = None
    """Scripts were added meanwhile that blocks from this height on were not searched for."""

    def again(self, height: int) -> "RescanState":
        """Scripts were added that matter from `height` on."""
        return replace(self, again_from=height if self.again_from is None else min(self.again_from, height))

    @property
    def safe_height(self) -> int:
        """Up to where nothing can have been missed."""
        return self.scanned_height if self.again_from is None else min(self.scanned_height, self.again_from - 1)
