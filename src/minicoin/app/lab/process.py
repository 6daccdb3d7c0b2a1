"""One node process of a lab: started by the command line, watched through its RPC, stopped in order."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from minicoin.app.client import NodePlace, RpcClient
from minicoin.core.faults import MisuseError
from minicoin.rpc.json_text import Json

_JOIN_MARK: Final = " -d "
_START_SECONDS: Final = 300
_STOP_SECONDS: Final = 60
_LOG_LINES_SHOWN: Final = 5


class LabError(MisuseError):
    """The lab cannot go on; the message says which node, and where its log is."""


class LabNode:
    """A running `minicoin startnode`."""

    def __init__(self, name: str, network_name: str, directory: Path, role: str, dial: tuple[str, ...]) -> None:
        self.name = name
        self.role = role
        self.directory = directory / self.name
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._place = NodePlace(network_name, self.directory)
        self._client: RpcClient | None = None
        self._address = ""
        self._is_up = threading.Event()
        self._log_path = self.directory / "node.log"
        self._log = self._log_path.open("a")
        dials = [word for address in dial for word in ("-d", address)]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "minicoin.app",
                "startnode",
                "--network",
                network_name,
                "--datadir",
                str(self.directory),
                "--listen",
                "0",
                "--rpcport",
                "0",
                "--role",
                role,
                *dials,
            ],
            stdout=subprocess.PIPE,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
            text=True,
            # Ctrl-C is the lab's: it stops its nodes in order.
            start_new_session=True,
        )
        threading.Thread(target=self._read_greeting, daemon=True).start()

    @property
    def join_address(self) -> str:
        """What another node dials to join this one."""
        return self._address

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_up(self) -> None:
        """Until it listens and answers. Raises LabError."""
        if not self._is_up.wait(_START_SECONDS) or not self._address:
            raise self.failure("did not start")
        self._client = RpcClient(self._place)

    def call(self, method: str, *params: Json) -> Json:
        """An RPC call. Raises NoNode and RpcFailure."""
        if self._client is None:
            raise self.failure("is not up")
        return self._client.call(method, *params)

    def call_named(self, method: str, **params: Json) -> Json:
        """An RPC call with named arguments. Raises NoNode and RpcFailure."""
        if self._client is None:
            raise self.failure("is not up")
        return self._client.call_named(method, **params)

    def stop(self) -> None:
        """Ask it to end; it closes its connections and flushes its stores."""
        if self.is_running:
            self._process.terminate()

    def wait_stopped(self) -> bool:
        """Whether it ended by itself in time; it is killed otherwise."""
        try:
            self._process.wait(_STOP_SECONDS)
            ended = True
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            ended = False
        if self._client is not None:
            self._client.close()
        self._log.close()
        return ended

    def failure(self, what: str) -> LabError:
        """An error about this node, with the end of its log."""
        self._log.flush()
        lines = self._log_path.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
        said = "".join(f"\n  {line}" for line in lines)
        return LabError(f"{self.name} {what}; its log is {self._log_path}{said}")

    def _read_greeting(self) -> None:
        assert self._process.stdout is not None
        address = ""
        for line in self._process.stdout:
            if _JOIN_MARK in line and not address:
                address = line.rsplit(_JOIN_MARK, 1)[1].strip()
            if line.startswith("RPC on"):
                self._address = address
                self._is_up.set()
        # The stream ended: it died, and whoever waits should hear so at once.
        self._is_up.set()
