"""What goes on among super nodes: the names of statuses and of leaves' words that are new here, in batches.

A super node has many links, and would hear each record over each of them: so it hears the names, and asks for what it
lacks (`lacks`). News wait for others. What only renews what is known waits longer: by day most of it is that.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import SUPER_NAMES_PER_MESSAGE_MAX
from minicoin.core.overlay.supernode.messages import RecordName, SuperHave, Wanted
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros

NEWS_AFTER_US: Final = 2 * SECOND_US
RENEWALS_AFTER_US: Final = MINUTE_US


class _Batch:
    """Names that wait."""

    def __init__(self, after_us: int, alarm: Alarm) -> None:
        self._after_us = after_us
        self._alarm = alarm
        self._waiting: dict[Wanted, dict[bytes, int]] = {}
        """Of each signer the newest version: as many as the tables they were taken into."""
        self.at: Micros | None = None

    def add(self, of: Wanted, name: RecordName, now: Micros) -> None:
        signer, version = name
        self._waiting.setdefault(of, {})[signer] = version
        if self.at is None:
            self.at = Micros(now + self._after_us)
            self._alarm.by(self.at)

    def flush(self, now: Micros) -> list[SuperHave]:
        if self.at is None or self.at > now:
            return []
        self.at = None
        waiting, self._waiting = self._waiting, {}
        return [message for of, names in waiting.items() for message in _in_messages(of, tuple(names.items()))]


class News:
    """What one super node has to pass on."""

    def __init__(self, alarm: Alarm) -> None:
        self._fresh = _Batch(NEWS_AFTER_US, alarm)
        self._renewals = _Batch(RENEWALS_AFTER_US, alarm)

    def pass_on(self, of: Wanted, name: RecordName, now: Micros, *, is_renewal: bool = False) -> None:
        (self._renewals if is_renewal else self._fresh).add(of, name, now)

    def flush(self, links: Iterable[ConnId], now: Micros) -> list[Effect]:
        """What has waited long enough. All hear the same, those who told us too: one message, made once for all."""
        messages = self._fresh.flush(now) + self._renewals.flush(now)
        return [Send(conn, message) for message in messages for conn in links]

    def next_deadline(self) -> Micros | None:
        return min((batch.at for batch in (self._fresh, self._renewals) if batch.at is not None), default=None)


def _in_messages(of: Wanted, names: tuple[RecordName, ...]) -> list[SuperHave]:
    step = SUPER_NAMES_PER_MESSAGE_MAX
    return [SuperHave(of, names[at : at + step]) for at in range(0, len(names), step)]
