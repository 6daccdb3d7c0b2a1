"""What goes on among super nodes: statuses and where leaves sit, in batches.

News wait for others, since each goes to every super node over every link of it. What only renews what is known waits
longer: by day most of it is that.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import SUPER_RECORDS_PER_MESSAGE_MAX
from minicoin.core.overlay.supernode.messages import SuperNews
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros

NEWS_AFTER_US: Final = 2 * SECOND_US
RENEWALS_AFTER_US: Final = MINUTE_US


class _Batch:
    """Records that wait, and whom each came from."""

    def __init__(self, after_us: int, alarm: Alarm) -> None:
        self._after_us = after_us
        self._alarm = alarm
        self._waiting: dict[bytes, tuple[SignedRecord, ConnId | None]] = {}
        self.at: Micros | None = None

    def add(self, record: SignedRecord, origin: ConnId | None, now: Micros) -> None:
        # The newest of each signer and key: as many as the tables they were taken into.
        self._waiting[record.key.encode() + record.owner] = (record, origin)
        if self.at is None:
            self.at = Micros(now + self._after_us)
            self._alarm.by(self.at)

    def flush(self, links: Iterable[ConnId], now: Micros) -> list[Effect]:
        """To every link what did not come by it."""
        if self.at is None or self.at > now:
            return []
        self.at = None
        waiting, self._waiting = tuple(self._waiting.values()), {}
        origins = dict.fromkeys(origin for _, origin in waiting)
        # Most links get the same: one message for them, which a world that passes objects holds once.
        whole = _in_messages([record for record, _ in waiting])
        effects: list[Effect] = []
        for conn in links:
            messages = whole
            if conn in origins:
                messages = _in_messages([record for record, origin in waiting if origin != conn])
            effects += [Send(conn, message) for message in messages]
        return effects


class News:
    """What one super node has to pass on."""

    def __init__(self, alarm: Alarm) -> None:
        self._fresh = _Batch(NEWS_AFTER_US, alarm)
        self._renewals = _Batch(RENEWALS_AFTER_US, alarm)

    def pass_on(self, record: SignedRecord, origin: ConnId | None, now: Micros, *, is_renewal: bool = False) -> None:
        (self._renewals if is_renewal else self._fresh).add(record, origin, now)

    def flush(self, links: Iterable[ConnId], now: Micros) -> list[Effect]:
        """What has waited long enough."""
        links = tuple(links)
        return self._fresh.flush(links, now) + self._renewals.flush(links, now)

    def next_deadline(self) -> Micros | None:
        return min((batch.at for batch in (self._fresh, self._renewals) if batch.at is not None), default=None)


def _in_messages(records: list[SignedRecord]) -> tuple[SuperNews, ...]:
    step = SUPER_RECORDS_PER_MESSAGE_MAX
    return tuple(SuperNews(tuple(records[at : at + step])) for at in range(0, len(records), step))
