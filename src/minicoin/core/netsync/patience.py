"""How long a block may take before somebody else is asked for it too.

Two seconds at first, as Bitcoin Core gives a peer that holds up its window. A block that the peer asked first delivers
after all, in front of whoever was asked later, shows that we were hasty: lines are slow here, and asking twice makes
them slower; the patience doubles, up to a part of the network's spacing. Each block that comes in time takes 15 % off
again. Whoever withholds blocks cannot lengthen it, since others deliver them first.
"""

from minicoin.core.limits import BLOCK_STALL_US, TIP_PATIENCE_PARTS

_DECAY_PERCENT = 85


class Patience:
    """One per node: it is our line and our network that make blocks slow or fast."""

    __slots__ = ("_max_us", "us")

    def __init__(self, spacing_us: int) -> None:
        self._max_us = max(BLOCK_STALL_US, spacing_us // TIP_PATIENCE_PARTS)
        self.us = BLOCK_STALL_US

    def on_in_time(self) -> None:
        """A block came before anybody else was asked for it."""
        self.us = max(BLOCK_STALL_US, self.us * _DECAY_PERCENT // 100)

    def on_hasty(self) -> None:
        """A block came from the peer asked first, although another was asked meanwhile."""
        self.us = min(2 * self.us, self._max_us)
