"""Who waits for the tip to move: each is answered when it does, or when his patience ends.

Bounded; the node's stop ends every wait. One who has gone away stays until then, so patience is asked for in short
terms.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Reason, TipAt
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.commands import WaitForTip
from minicoin.core.effects import Effect
from minicoin.core.limits import TIP_WAITERS_MAX
from minicoin.core.part import Outbox, Part
from minicoin.core.units import Micros, RequestId


@dataclass(frozen=True, slots=True)
class _Waiter:
    request: RequestId
    until: Micros


class TipWatch(Part):
    """The waiting ones, in the order they came."""

    def __init__(self, tree: HeaderReader, outbox: Outbox) -> None:
        self._tree = tree
        self._outbox = outbox
        self._waiters: list[_Waiter] = []
        self.alarm = Alarm()

    def wait(self, request: RequestId, command: WaitForTip, now: Micros) -> None:
        """Answer at once where the tip is another already."""
        if command.tip != self._tree.tip.hash or command.patience_us <= 0:
            self._answer(request)
            return
        if len(self._waiters) >= TIP_WAITERS_MAX:
            self._outbox.refuse(request, Reason.CROWDED, f"{TIP_WAITERS_MAX} calls wait for the tip already")
            return
        until = Micros(now + command.patience_us)
        self._waiters.append(_Waiter(request, until))
        self.alarm.by(until)

    def end_waits(self) -> None:
        """The tip moved, or will not move any more: tell all of them where it stands."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            self._answer(waiter.request)

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """Answer those whose patience has ended."""
        late = [waiter for waiter in self._waiters if waiter.until <= now]
        self._waiters = [waiter for waiter in self._waiters if waiter.until > now]
        for waiter in late:
            self._answer(waiter.request)
        return ()

    def next_deadline(self) -> Micros | None:
        """When on_deadline has something to do."""
        return min((waiter.until for waiter in self._waiters), default=None)

    def _answer(self, request: RequestId) -> None:
        tip = self._tree.tip
        self._outbox.reply(request, TipAt(tip.hash, tip.height))
