"""Miners who wait for another block template than the one they have: who is answered when.

1. A template on another tip is another one: whoever has an old tip's is answered at once.
2. Transactions that came or went make another one, too, but not worth an answer each: they are looked at after
   LONG_POLL_FIRST_US for the first time, then every LONG_POLL_AGAIN_US.
3. So many wait; with one more the one that waited longest is answered early, which only makes it ask again.

Bitcoin Core's getblocktemplate with `longpollid` (BIP22). Who waits is a request; the node answers it.
"""

from dataclasses import dataclass

from minicoin.core.limits import LONG_POLL_AGAIN_US, LONG_POLL_FIRST_US, LONG_POLLS_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import Micros, RequestId


@dataclass(slots=True)
class _LongPoll:
    request: RequestId
    tip: BlockHash
    mempool_updates: int
    look_at: Micros


class LongPolls:
    """The waiting ones, in the order they came. What is given back does not wait any more."""

    def __init__(self) -> None:
        self._polls: list[_LongPoll] = []

    def hold(self, request: RequestId, tip: BlockHash, mempool_updates: int, now: Micros) -> list[RequestId]:
        """One more waits, for another template than the one on this tip at this count of the mempool's updates."""
        early = [self._polls.pop(0).request] if len(self._polls) >= LONG_POLLS_MAX else []
        self._polls.append(_LongPoll(request, tip, mempool_updates, Micros(now + LONG_POLL_FIRST_US)))
        return early

    def on_tip(self, tip: BlockHash) -> list[RequestId]:
        """The tip is this one."""
        return self._take([poll for poll in self._polls if poll.tip != tip])

    def on_deadline(self, mempool_updates: int, now: Micros) -> list[RequestId]:
        """The time has come to look at the mempool for some."""
        due = [poll for poll in self._polls if now >= poll.look_at]
        for poll in due:
            poll.look_at = Micros(now + LONG_POLL_AGAIN_US)
        return self._take([poll for poll in due if poll.mempool_updates != mempool_updates])

    def end(self) -> list[RequestId]:
        """There will be no other template."""
        return self._take(list(self._polls))

    def next_deadline(self) -> Micros | None:
        """When on_deadline has something to do."""
        return min((poll.look_at for poll in self._polls), default=None)

    def _take(self, polls: list[_LongPoll]) -> list[RequestId]:
        taken = {poll.request: None for poll in polls}
        self._polls = [poll for poll in self._polls if poll.request not in taken]
        return list(taken)
