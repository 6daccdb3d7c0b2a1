"""The progress of a run on stderr: set-up apart, then share of virtual time, events a second, blocks, time left.

Silent where stderr is no terminal, so `--json` and pipes stay clean. It draws when it is told of progress, and so needs
no thread beside a run that uses the whole processor.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from minicoin.sim.result.words import format_count, format_share, format_us

REDRAW_S: Final = 0.2


class RunProgress:
    """A context manager around a run; `update` may be called as often as is convenient."""

    def __init__(
        self,
        title: str,
        virtual_us: int,
        *,
        is_wanted: bool = True,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        shown_on = console or Console(stderr=True)
        self._is_shown = is_wanted and shown_on.is_terminal
        self._clock = clock
        self._set_up_s = clock()
        """When set-up was last heard of."""
        self._drawn_s = self._set_up_s - REDRAW_S
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(),
            console=shown_on,
            auto_refresh=False,
            transient=True,
            disable=not self._is_shown,
            get_time=clock,
        )
        self._is_running = False
        self._set_up = self._progress.add_task(f"{title}: set-up", total=1.0, text="")
        self._task = self._progress.add_task(title, total=virtual_us, text="", start=False, visible=False)

    def __enter__(self) -> "RunProgress":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def set_up(self, share: float, events: int) -> None:
        """The nodes are being connected, and that many of them are; it has a bar of its own."""
        self._set_up_s = self._clock()
        if self._is_due():
            text = f"{format_share(share)} of the nodes connected, {format_count(events)} events"
            self._progress.update(self._set_up, completed=share, text=text, refresh=True)

    def update(self, virtual_us: int, events: int, blocks: int) -> None:
        """Where the measured run is; draws at most every REDRAW_S."""
        if not self._is_running:
            self._is_running = True
            self._progress.update(self._set_up, visible=False)
            self._progress.start_task(self._task)
            self._progress.update(self._task, visible=True)
        if not self._is_due():
            return
        elapsed_s = self._clock() - self._set_up_s
        speed = f"{format_count(round(events / elapsed_s))} events/s, " if elapsed_s > 0 else ""
        text = f"{speed}{format_us(virtual_us)} virtual, {format_count(blocks)} blocks"
        self._progress.update(self._task, completed=virtual_us, text=text, refresh=True)

    def _is_due(self) -> bool:
        now_s = self._clock()
        if not self._is_shown or now_s - self._drawn_s < REDRAW_S:
            return False
        self._drawn_s = now_s
        return True
