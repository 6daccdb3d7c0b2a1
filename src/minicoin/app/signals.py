"""What the signals of an operator's terminal and of a service manager do.

SIGTERM, SIGINT and SIGHUP stop the node in an orderly way: a closed terminal is no reason to lose what was not flushed.
Where the log goes to a file, SIGHUP opens it anew instead, as whoever rotates logs expects. A second Ctrl-C ends the
process at once; what was acknowledged is on disk. Under nohup a closed terminal is ignored, as was asked.
"""

import os
import signal
from collections.abc import Callable
from types import FrameType

import trio

_EXIT_AFTER_CTRL_C = 130


def end_as_ctrl_c_does() -> None:
    """For a program with processes of its own to stop: a service manager's word and a closed terminal are Ctrl-C's."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


async def watch_signals(
    stop: Callable[[], None],
    reopen_log: Callable[[], None] | None = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Until cancelled."""
    watched = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        watched.append(signal.SIGHUP)
    with trio.open_signal_receiver(*watched) as signals:
        task_status.started()
        is_stopping = False
        async for number in signals:
            if number == signal.SIGHUP and reopen_log is not None:
                reopen_log()
                continue
            if number == signal.SIGINT and is_stopping:
                os._exit(_EXIT_AFTER_CTRL_C)
            if not is_stopping:
                is_stopping = True
                stop()
