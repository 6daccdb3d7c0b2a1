"""Looking for super nodes: when to look again, whom to ask for some, and those that are about to be reached.

Both roles look the same way; whom they choose, and what they want of it, is theirs.
"""

from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect
from minicoin.core.overlay.supernode.circle import Circle
from minicoin.core.overlay.supernode.dials import Dials, Reaching
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros

FAILED_REST_US: Final = 30 * SECOND_US
"""A super node that was not reached, or went, is left alone for about so long."""
_AGAIN_US: Final = SECOND_US
_AGAIN_MAX_US: Final = MINUTE_US
_ASKED_MAX: Final = 8


class Search:
    """The search of one node."""

    def __init__(self, circle: Circle, alarm: Alarm, rng: Rng) -> None:
        self._circle = circle
        self._alarm = alarm
        self._rng = rng
        self.dials = Dials()
        self.fruitless = 0
        """Searches in a row that knew nobody left."""
        self.unreached = 0
        """Dials in a row that nobody answered in time."""
        self.at: Micros | None = Micros(0)
        """When to look next; None where nobody is missing."""
        alarm.by(self.at)

    def within(self, within_us: int, now: Micros) -> None:
        """Look some time within this; sooner if that was the plan already."""
        at = Micros(now + self._rng.below(within_us))
        if self.at is None or at < self.at:
            self.at = at
            self._alarm.by(at)

    def is_due(self, now: Micros) -> bool:
        """Whether it is time; then the next time is set by what comes of it."""
        if self.at is None or self.at > now:
            return False
        self.at = None
        return True

    def reach(self, address: NodeAddress, now: Micros) -> Reaching:
        """Be connected to this super node."""
        dial = self.dials.begin(address.peer_id, address, self._circle.group(address), now)
        self._alarm.by(dial.until)
        return dial

    def overdue(self, now: Micros) -> list[ConnId]:
        """Give up those that were not there in time; the connections of those that were, and did not answer."""
        silent: list[ConnId] = []
        for dial in self.dials.overdue(now):
            self.unreached += 1
            self.rest(dial.peer_id, FAILED_REST_US, now)
            self.within(_AGAIN_US, now)
            conn = self._circle.conn_of(dial.peer_id)
            silent += [] if conn is None else [conn]
        return silent

    def rest(self, peer_id: bytes, mean_us: int, now: Micros) -> None:
        """Leave it alone for about so long."""
        self._circle.rests.set(peer_id, Micros(now + mean_us // 2 + self._rng.below(mean_us)))

    def found(self, peer_id: bytes) -> Reaching | None:
        """It is what we looked for."""
        self.fruitless = self.unreached = 0
        self._circle.rests.clear(peer_id)
        return self.dials.end(peer_id)

    def ask_around(self, now: Micros) -> list[Effect]:
        """Nobody is left: ask who is near for others, look into the records, and look again later and later."""
        self._circle.read_store(now)
        pause_us = min(_AGAIN_US << min(self.fruitless, 6), _AGAIN_MAX_US)
        self.fruitless += 1
        rested_at = self._circle.rests.next_end(now)
        if rested_at is not None and rested_at < now + pause_us:
            # Whoever told us when to come again is there again before that.
            pause_us = max(_AGAIN_US, rested_at - now)
        self.at = Micros(now + pause_us // 2 + self._rng.below(pause_us))
        self._alarm.by(self.at)
        unasked = [near for near in self._circle.near.values() if near.asked_at is None]
        return [self._circle.ask(near, now) for near in unasked[-_ASKED_MAX:]]

    def next_deadline(self) -> Micros | None:
        times = (self.at, self.dials.next_deadline())
        return min((at for at in times if at is not None), default=None)
