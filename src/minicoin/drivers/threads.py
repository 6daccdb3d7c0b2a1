"""Work off the loop, in one of trio's threads.

A system may have no thread left to give: its own limit, or a container's. Python says RuntimeError then, which nobody
expects of a name that is looked up or a file that is saved; here it is an OSError, as where files run out.
"""

import errno
from collections.abc import Callable
from typing import Final, TypeVar

import trio

T = TypeVar("T")

_WORDS: Final = "can't start new thread"


class NoThread(OSError):
    """There is none left; the work has not begun."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "no thread can be started")


async def in_thread(work: Callable[[], T], *, abandon_on_cancel: bool = False) -> T:
    """What the work gives. Raises NoThread."""
    try:
        return await trio.to_thread.run_sync(work, abandon_on_cancel=abandon_on_cancel)
    except RuntimeError as error:
        if str(error) != _WORDS:
            raise
        raise NoThread from error


async def finish(work: Callable[[], None]) -> None:
    """Work that ends a node, also where there is no thread for it and the loop has to wait."""
    try:
        await in_thread(work)
    except NoThread:
        work()
