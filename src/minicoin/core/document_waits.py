"""Who is answered once a document is on disk, since an answer is a promise. The wallet has its own."""

from collections import deque
from typing import Final

from minicoin.core.answers import Answer, Done, Reason
from minicoin.core.events import Saved
from minicoin.core.limits import COMMANDS_WAITING_MAX
from minicoin.core.part import Outbox
from minicoin.core.units import RequestId

_DONE: Final = Done()


class DocumentWaits:
    """Requests by document and by write; writes of one document end in the order they begin."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._next: dict[str, list[tuple[RequestId, Answer]]] = {}
        self._writes: dict[str, deque[list[tuple[RequestId, Answer]]]] = {}
        self._count = 0

    def wait(self, key: str, request: RequestId, answer: Answer = _DONE) -> None:
        """To be given this answer when the next write of this document is done."""
        if self._count >= COMMANDS_WAITING_MAX:
            self._outbox.refuse(request, Reason.CROWDED, "too many calls wait for the disk")
            return
        self._count += 1
        self._next.setdefault(key, []).append((request, answer))

    def begin(self, key: str) -> None:
        """A write goes out: it is what those who wait by now are answered with."""
        self._writes.setdefault(key, deque()).append(self._next.pop(key, []))

    def on_saved(self, event: Saved) -> None:
        """The oldest write of the document is done, or the disk refused it."""
        writes = self._writes.get(event.key)
        if not writes:
            return
        requests = writes.popleft()
        self._count -= len(requests)
        for request, answer in requests:
            if event.error:
                self._outbox.refuse(request, Reason.NOT_SAVED, f"the disk refused: {event.error}")
            else:
                self._outbox.reply(request, answer)
