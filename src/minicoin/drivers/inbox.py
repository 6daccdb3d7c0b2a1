"""Where events wait for the loop. Bounded by construction: a connection has at most one chunk of bytes in here, a
worker at most the results of what it was asked.
"""

from collections import deque

import trio

from minicoin.core.events import Event


class Inbox:
    """One consumer (the loop), many producers on the same thread; other threads come in through a trio token."""

    def __init__(self) -> None:
        self._events: deque[tuple[Event, trio.Event | None]] = deque()
        self._wakeup = trio.Event()
        self._token = trio.lowlevel.current_trio_token()

    def __len__(self) -> int:
        return len(self._events)

    def put_nowait(self, event: Event) -> None:
        """For events whose number something else bounds: connections, results, commands."""
        self._events.append((event, None))
        self._wakeup.set()

    def put_from_thread(self, event: Event) -> None:
        """The same from a worker thread."""
        try:
            self._token.run_sync_soon(self.put_nowait, event)
        except trio.RunFinishedError:
            # The node is gone; what the worker finished after that is on disk already.
            return

    async def put_and_wait(self, event: Event) -> None:
        """For bytes: returns when the loop took the event, which is what slows a fast sender down."""
        taken = trio.Event()
        self._events.append((event, taken))
        self._wakeup.set()
        await taken.wait()

    def take_nowait(self) -> Event | None:
        """The next event, or None."""
        if not self._events:
            return None
        event, taken = self._events.popleft()
        if taken is not None:
            taken.set()
        return event

    async def wait(self) -> None:
        """Until there is an event."""
        while not self._events:
            self._wakeup = trio.Event()
            await self._wakeup.wait()
