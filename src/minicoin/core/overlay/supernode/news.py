"""What goes on among super nodes: the names of statuses and of leaves' words that are new here, in batches.

A super node has many links, and would hear each record over each of them: so it hears the names, and asks for what it
lacks (`lacks`). News wait for others. What only renews what is known waits longer: by day most of it is that.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, Send
from minicoin.core.limits import SUPER_DIRECTORY_MAX, SUPER_NAMES_PER_MESSAGE_MAX
from minicoin.core.overlay.supernode.messages import RecordName, SuperHave, Wanted
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import MINUTE_US, SECOND_US, ConnId, Micros

NEWS_AFTER_US: Final = 2 * SECOND_US
RENEWALS_AFTER_US: Final = MINUTE_US
_WAITING_MAX: Final = 2 * SUPER_DIRECTORY_MAX


class _Batch:
    """Records whose names wait. Listed as they come, since in a laboratory thousands wait at hundreds of nodes."""

    def __init__(self, after_us: int, alarm: Alarm) -> None:
        self._after_us = after_us
        self._alarm = alarm
        self._waiting: dict[Wanted, list[SignedRecord]] = {}
        self.at: Micros | None = None

    def add(self, of: Wanted, record: SignedRecord, now: Micros) -> None:
        waiting = self._waiting.setdefault(of, [])
        waiting.append(record)
        if len(waiting) > _WAITING_MAX:
            # Half of them at least were overtaken: there are no more signers than the tables hold.
            waiting[:] = _newest(waiting)
        if self.at is None:
            self.at = Micros(now + self._after_us)
            self._alarm.by(self.at)

    def flush(self, now: Micros) -> list[SuperHave]:
        if self.at is None or self.at > now:
            return []
        self.at = None
        waiting, self._waiting = self._waiting, {}
        return [message for of, records in waiting.items() for message in _in_messages(of, _newest(records))]


class News:
    """What one super node has to pass on."""

    def __init__(self, alarm: Alarm) -> None:
        self._fresh = _Batch(NEWS_AFTER_US, alarm)
        self._renewals = _Batch(RENEWALS_AFTER_US, alarm)

    def pass_on(self, of: Wanted, record: SignedRecord, now: Micros, *, is_renewal: bool = False) -> None:
        """It is newer than what was held of its signer."""
        (self._renewals if is_renewal else self._fresh).add(of, record, now)

    def flush(self, links: Iterable[ConnId], now: Micros) -> list[Effect]:
        """What has waited long enough. All hear the same, those who told us too: one message, made once for all."""
        messages = self._fresh.flush(now) + self._renewals.flush(now)
        return [Send(conn, message) for message in messages for conn in links]

    def next_deadline(self) -> Micros | None:
        return min((batch.at for batch in (self._fresh, self._renewals) if batch.at is not None), default=None)


def _newest(records: Iterable[SignedRecord]) -> list[SignedRecord]:
    """The last of each signer: tables take newer ones only."""
    return list({record.owner: record for record in records}.values())


def _in_messages(of: Wanted, records: list[SignedRecord]) -> list[SuperHave]:
    step = SUPER_NAMES_PER_MESSAGE_MAX
    names: list[RecordName] = [(record.owner, record.version) for record in records]
    return [SuperHave(of, tuple(names[at : at + step])) for at in range(0, len(names), step)]
