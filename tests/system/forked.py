"""Node processes that a server forks which has loaded the program already: twelve for little more than the cost of one.

From there on they are as if started by the command line: processes of their own that hear signals, with its words.
"""

import multiprocessing
import os
import shlex
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.waiting import HANG_S, wait_until

from .forked_child import run_node
from .processes import UP, GreetedNode


@cache
def server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["minicoin.app.cli", "minicoin.app.cli_start", "minicoin.app.run"])
    return context


class ForkedNode(GreetedNode):
    """A running `minicoin startnode WORDS` with this data directory."""

    def __init__(
        self, words: Sequence[str], datadir: Path, log: Path, exports: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(datadir, log)
        log.touch()
        self._out = log.with_suffix(".out")
        self._out.write_text("")
        line = ["startnode", "--datadir", str(datadir), *words]
        self._process = server().Process(target=run_node, args=(line, str(self._out), str(log), dict(exports or {})))
        self._process.start()

    def wait_up(self) -> None:
        """Until it answers calls."""
        self.greeting = wait_until(self._greeting, f"the start of {self.datadir}")

    @property
    def said(self) -> str:
        """What it wrote on standard output."""
        return self._out.read_text()

    def _greeting(self) -> list[str]:
        assert self._process.is_alive(), self
        return self.said.splitlines() if UP in self.said else []

    def __repr__(self) -> str:
        state = "running" if self._process.is_alive() else f"ended with {self._process.exitcode}"
        return "\n    ".join([f"<{self.datadir.name}: {state}; last words:", *self.last_words]) + ">"

    def end(self) -> None:
        """As Ctrl-C does; it ends in its own time."""
        self._process.terminate()

    def stop(self) -> int:
        """The same, waited for; the exit code."""
        self.end()
        return self.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """As kill does."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill_nowait(self) -> None:
        """As kill -9 does; it is gone once it was waited for."""
        self._process.kill()

    def kill(self) -> None:
        """The same, waited for."""
        self.kill_nowait()
        self.wait()

    def wait(self) -> int:
        """For its end; the exit code."""
        self._process.join(HANG_S)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise AssertionError(f"does not end: {self}")
        return code


def launched(line: str, network: str, log: Path, exports: Mapping[str, str] | None = None) -> ForkedNode:
    """`minicoin startnode ...` in a terminal that exports this and nothing else; it is up when wait_up returns."""
    program, command, *options = shlex.split(line)
    assert (program, command) == ("minicoin", "startnode"), line
    datadir = Path(options[options.index("--datadir") + 1])
    return ForkedNode(["--network", network, *options], datadir, log, exports)


def started(line: str, network: str, log: Path, exports: Mapping[str, str] | None = None) -> ForkedNode:
    """The same, up."""
    node = launched(line, network, log, exports)
    node.wait_up()
    return node


def refusal(line: str, network: str, log: Path) -> str:
    """What a node says that does not start."""
    node = launched(line, network, log)
    assert node.wait() == 1, node
    assert node.said == ""
    return node.log


@contextmanager
def running(line: str, network: str, log: Path) -> Iterator[ForkedNode]:
    """Runs until the block is left; must have survived until then."""
    node = started(line, network, log)
    try:
        yield node
    finally:
        code = node.stop()
    assert code == 0, node.log
