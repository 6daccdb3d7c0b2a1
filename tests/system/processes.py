"""Node processes as an operator starts them: a command line, what it prints, its log, its RPC.

Where the program's start is not the point, forked.py starts nodes and `minicoin` runs commands for a tenth of the cost.
"""

import http.client
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.command_line import Called, call
from tests.waiting import HANG_S

PROGRAMS = Path(sys.executable).parent
UP = "RPC on"
"""The line of a node's greeting from which on it answers."""
COLUMNS = "200"
"""Wide enough that no table cuts a value."""
_LOG_LINES_SHOWN = 5


def environment(network: str) -> dict[str, str]:
    """As in a terminal with the virtual environment active and the network chosen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINICOIN_")}
    path = f"{PROGRAMS}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path, "MINICOIN_NETWORK": network, "COLUMNS": COLUMNS, "PYTHONUNBUFFERED": "1"}


def run(line: str, network: str, hang_s: float = HANG_S) -> str:
    """One command line in a shell; its output. Fails with everything it said when it fails."""
    done = subprocess.run(
        ["bash", "-c", line], env=environment(network), capture_output=True, text=True, timeout=hang_s, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def called(line: str, network: str) -> Called:
    """`minicoin LINE` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINICOIN_NETWORK", network)
        patch.setenv("COLUMNS", COLUMNS)
        return call(*shlex.split(line))


def minicoin(line: str, network: str) -> str:
    """The same, with what `run` gives."""
    done = called(line, network)
    assert done.exit_code == 0, f"{line}\n{done.output}"
    return done.stdout


class GreetedNode:
    """What a node's first words and its log tell, however it was started."""

    def __init__(self, datadir: Path, log: Path) -> None:
        self.datadir = datadir
        self.greeting: list[str] = []
        self._log = log

    @property
    def log(self) -> str:
        """What it wrote on standard error."""
        return self._log.read_text()

    @property
    def last_words(self) -> list[str]:
        """Of its log."""
        return self.log.splitlines()[-_LOG_LINES_SHOWN:]

    @property
    def address(self) -> str:
        """Where others join it, as printed."""
        return next(line.rsplit(" -d ", 1)[1] for line in self.greeting if " -d " in line)

    def call(self, method: str, *params: object) -> object:
        """An RPC call."""
        where = next(line for line in self.greeting if line.startswith(UP)).split()[2].rstrip(",")
        cookie = b64encode((self.datadir / ".cookie").read_bytes().strip()).decode()
        body = json.dumps({"method": method, "params": list(params), "id": 1})
        connection = http.client.HTTPConnection(where, timeout=HANG_S)
        try:
            connection.request("POST", "/", body, {"Authorization": f"Basic {cookie}"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert answer["error"] is None, f"{method}: {answer['error']}"
        return answer["result"]


class NodeProcess(GreetedNode):
    """A running `minicoin startnode ...`."""

    def __init__(self, line: str, network: str, log: Path) -> None:
        super().__init__(Path(re.search(r"--datadir (\S+)", line)[1]), log)
        self.line = line
        self.network = network
        self._log_file = log.open("a")
        self._is_up = threading.Event()
        # Also where the tests themselves run under nohup, whose programs take no notice of a closed terminal.
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec env --default-signal=HUP {line}"],
            env=environment(network),
            stdout=subprocess.PIPE,
            stderr=self._log_file,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._is_up.wait(HANG_S) or self._process.poll() is not None or not self.greeting:
            self._process.kill()
            self.wait()
            raise AssertionError(f"{line}\n{self.log}")

    def __repr__(self) -> str:
        state = "running" if self._process.poll() is None else f"ended with {self._process.returncode}"
        return "\n    ".join([f"<{self.line}: {state}; last words:", *self.last_words]) + ">"

    def stop(self) -> int:
        """As Ctrl-C does; the exit code."""
        self._process.terminate()
        return self.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """As kill does."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """As kill -9 does."""
        self._process.kill()
        self.wait()

    def wait(self) -> int:
        """For its end; the exit code."""
        try:
            code = self._process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._reader.join()
            self._log_file.close()
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.greeting.append(line.rstrip("\n"))
            if line.startswith(UP):
                self._is_up.set()
        self._is_up.set()


@contextmanager
def running(line: str, network: str, log: Path) -> Iterator[NodeProcess]:
    """Runs until the block is left; must have survived until then."""
    node = NodeProcess(line, network, log)
    try:
        yield node
    finally:
        code = node.stop()
    assert code == 0, node.log
