"""The line of calls: how many are at work, how many wait for their turn, how many are held until something happens.

A held call (a miner's long poll) gives its turn back while it waits, so that no number of them keeps others out; and a
call that must always get through (`stop`) takes no turn at all. The server's own loop is the only user.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from minicoin.core.limits import RPC_CALLS_AT_WORK_MAX, RPC_CALLS_HELD_MAX, RPC_CALLS_WAITING_MAX
from minicoin.rpc.errors import MISC_ERROR, RpcError

T = TypeVar("T")


class Client:
    """Who waits for an answer. `on_gone` is what to do when it hangs up."""

    __slots__ = ("on_gone",)

    def __init__(self) -> None:
        self.on_gone: Callable[[], object] | None = None

    def hang_up(self) -> None:
        """The connection is lost."""
        if self.on_gone is not None:
            self.on_gone()


class CallLine:
    """One server's line."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(RPC_CALLS_AT_WORK_MAX)
        self._inside = 0
        self._held = 0

    @property
    def is_full(self) -> bool:
        """Whether one more request is turned away."""
        return self._inside >= RPC_CALLS_WAITING_MAX

    @contextmanager
    def enter(self) -> Iterator[None]:
        """For the time of a request that waits or is at work; held ones do not count."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def turn(self, client: Client) -> AsyncIterator["Turn"]:
        """For the time of one call; waits until it is its turn."""
        await self._slots.acquire()
        turn = Turn(self, client)
        try:
            yield turn
        finally:
            turn.give_back()

    async def hold(self, turn: "Turn", wait: Callable[[], Awaitable[T]], client: Client) -> T:
        """Await something without a turn. Raises RpcError where too many wait or the client hangs up."""
        if self._held >= RPC_CALLS_HELD_MAX:
            raise RpcError(MISC_ERROR, f"more than {RPC_CALLS_HELD_MAX} calls wait for something to happen")
        waiting = asyncio.ensure_future(wait())
        client.on_gone = waiting.cancel
        turn.give_back()
        self._held += 1
        self._inside -= 1
        try:
            return await waiting
        except asyncio.CancelledError as error:
            if not waiting.cancelled():
                raise
            raise RpcError(MISC_ERROR, "the client is gone") from error
        finally:
            client.on_gone = None
            self._held -= 1
            self._inside += 1
            await turn.take_again()

    async def take(self) -> None:
        await self._slots.acquire()

    def release(self) -> None:
        self._slots.release()


class Turn:
    """A call's place among those at work."""

    __slots__ = ("_client", "_is_taken", "_line")

    def __init__(self, line: CallLine, client: Client) -> None:
        self._line = line
        self._client = client
        self._is_taken = True

    async def hold(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Await something that may take as long as it likes."""
        return await self._line.hold(self, wait, self._client)

    def give_back(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._line.release()

    async def take_again(self) -> None:
        await self._line.take()
        self._is_taken = True
