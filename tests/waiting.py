"""How every test waits: for a state, never for a time.

There is one bound, here. It is far beyond what the slowest machine needs, so reaching it means one thing: the state
does not come, something hangs. A test that takes a small bound for a promise fails on a busy machine and proves nothing
on a fast one. What a test wants to know about speed it counts (messages, calls, loops) or leaves to `make bench`; a
time-out that is a test's own subject runs in virtual time, or is held from below only (it did not fire too early).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TypeVar

import trio

HANG_S = 120.0
"""A state that has not come by then does not come. Also the bound of programs that only start and answer."""
COMPUTE_HANG_S = 5 * HANG_S
"""The same for programs that compute all that time and tell nothing on the way: simulations, fuzzers."""
SUITE_HANG_S = 2 * COMPUTE_HANG_S
"""pytest's own bound for one test (`timeout` in pyproject.toml): a test has several waits, and they tell more."""

_FIRST_LOOK_S = 0.01
_LAST_LOOK_S = 0.1
_LOOK_SHARE = 0.1
"""Of the time, at most, goes into looking: what asks many processes is asked less often."""
_REST_S_MAX = 1.0
_SHOWN_CHARACTERS_MAX = 2_000

Seen = TypeVar("Seen")


def wait_until(condition: Callable[[], Seen], what: str) -> Seen:
    """The first true value of the condition. Fails when it does not come: with `what`, and with what it looked at."""
    end = time.monotonic() + HANG_S
    for pause in _pauses():
        began = time.monotonic()
        if found := condition():
            return found
        now = time.monotonic()
        if now > end:
            raise _hung(condition, what, found)
        time.sleep(max(pause, min((now - began) / _LOOK_SHARE, _REST_S_MAX)))
    raise AssertionError


async def wait_until_async(condition: Callable[[], Seen], what: str) -> Seen:
    """The same in trio."""
    end = trio.current_time() + HANG_S
    for pause in _pauses():
        if found := condition():
            return found
        if trio.current_time() > end:
            raise _hung(condition, what, found)
        await trio.sleep(pause)
    raise AssertionError


@contextmanager
def hang_guard(what: str, *seen: object) -> Iterator[None]:
    """In trio: what stands in the block comes to its end. Fails with `what`, and with how `seen` look by then."""
    with trio.move_on_after(HANG_S) as scope:
        yield
    if scope.cancelled_caught:
        raise AssertionError("\n  ".join([f"hung for {HANG_S:.0f} s: {what}", *map(_short, seen)]))


def _pauses() -> Iterator[float]:
    """Short at first; then longer, since looking costs the machine what the awaited needs."""
    pause = _FIRST_LOOK_S
    while True:
        yield pause
        pause = min(pause * 1.5, _LAST_LOOK_S)


def _hung(condition: Callable[[], object], what: str, found: object) -> AssertionError:
    lines = [f"hung for {HANG_S:.0f} s: {what}", f"last: {_short(found)}"]
    if isinstance(condition, FunctionType):
        lines += [f"{name}: {_short(value)}" for name, value in _held(condition).items()]
    return AssertionError("\n  ".join(lines))


def _held(condition: FunctionType) -> dict[str, object]:
    """What a lambda was looking at: the variables around it."""
    held: dict[str, object] = {}
    for name, cell in zip(condition.__code__.co_freevars, condition.__closure__ or (), strict=True):
        try:
            held[name] = cell.cell_contents
        except ValueError:
            held[name] = "not bound yet"
    return held


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]} ..."
