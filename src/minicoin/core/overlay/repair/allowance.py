"""What each peer may ask for: so much at once, and so much in the long run. What goes beyond is not answered."""

from minicoin.core.units import ConnId, Micros


class Allowance:
    """Of one kind of question, for each connection: `burst` at once, and one more each `every_us`."""

    __slots__ = ("_burst_us", "_every_us", "_free_at")

    def __init__(self, every_us: int, burst: int) -> None:
        self._every_us = every_us
        self._burst_us = every_us * burst
        # When what it asked so far is used up; only of those that asked.
        self._free_at: dict[ConnId, int] = {}

    def take(self, conn: ConnId, now: Micros) -> bool:
        """The peer asks: whether it may."""
        free_at = max(self._free_at.get(conn, 0), now)
        if free_at + self._every_us > now + self._burst_us:
            return False
        self._free_at[conn] = free_at + self._every_us
        return True

    def forget(self, conn: ConnId) -> None:
        """The peer left."""
        self._free_at.pop(conn, None)
