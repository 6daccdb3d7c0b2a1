"""Ctrl-C, a kill and a closed terminal while something runs that can be stopped between two of its steps.

The first signal is remembered; who runs asks `check` where stopping is safe, so that what was measured until then is
whole. A second one ends the program at once, as it would have without us.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from minicoin.sim.engine.phases import Interrupted

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a shell shows of a program that a signal ended.
_EXIT_BASE: Final = 128
_WORDS: Final = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "told to end",
    signal.SIGHUP: "the terminal was closed",
}


class Interrupt:
    """Whether a signal came."""

    def __init__(self) -> None:
        self._signal: signal.Signals | None = None

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first one."""
        self._signal = signal.Signals(number)
        for known in _SIGNALS:
            signal.signal(known, signal.SIG_DFL if known != signal.SIGINT else signal.default_int_handler)

    def check(self) -> None:
        """Raises Interrupted if one came."""
        if self._signal is not None:
            raise Interrupted(self.words)

    @property
    def words(self) -> str:
        """What happened."""
        assert self._signal is not None
        return _WORDS[self._signal]

    @property
    def exit_code(self) -> int:
        """Of a program that ended for that."""
        assert self._signal is not None
        return _EXIT_BASE + self._signal


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """The signals are ours in the block."""
    interrupt = Interrupt()
    before = {known: signal.signal(known, interrupt.on_signal) for known in _SIGNALS}
    try:
        yield interrupt
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
