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
        self.by(Micros(now + self._rng.below(within_us)))

    def by(self, at: Micros) -> None:
        """Look then at the latest."""
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
            self._fail(dial, now)
            conn = self._circle.conn_of(dial.peer_id)
            silent += [] if conn is None else [conn]
        return silent

    def unreachable(self, address: NodeAddress, now: Micros) -> None:
        """A dial there has failed: if it is one of ours it need not be waited for."""
        dial = self.dials.get(address.peer_id)
        if dial is not None and dial.address == address and self._circle.conn_of(dial.peer_id) is None:
            self.dials.end(dial.peer_id)
            self._fail(dial, now)

    def _fail(self, dial: Reaching, now: Micros) -> None:
        self.unreached += 1
        self.rest(dial.peer_id, FAILED_REST_US, now)
        self.within(_AGAIN_US, now)

    def stay(self, dial: Reaching, retry_s: int, now: Micros) -> bool:
        """It had us come again after so many seconds: whether we wait there, each for a time of its own. It does not
        answer who asks twice in a second."""
        stays = dial.stay(Micros(now + retry_s * SECOND_US + _AGAIN_US // 8 + self._rng.below(_AGAIN_US)))
        self._alarm.by(dial.ask_at)
        return stays

    def waited(self, now: Micros) -> list[Reaching]:
        """Those that are to be asked again now."""
        due = [dial for dial in self.dials if dial.ask_at is not None and dial.ask_at <= now]
        for dial in due:
            dial.ask_at = None
        return due

    def drop(self, count: int) -> list[ConnId]:
        """So many more are sought than are missing: their connections, as far as there are any."""
        dropped = self.dials.slowest(count)
        for dial in dropped:
            self.dials.end(dial.peer_id)
        conns = [self._circle.conn_of(dial.peer_id) for dial in dropped]
        return [conn for conn in conns if conn is not None]

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
