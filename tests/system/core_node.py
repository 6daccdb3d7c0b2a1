"""A Bitcoin Core node (bitcoin-knots of Debian sid) as a process on loopback: regtest, its RPC, its own directory."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.ports import free_ports
from tests.waiting import HANG_S, wait_until

BITCOIND = Path(__file__).parents[2] / ".peers" / "core" / "bitcoind"


class CoreNode:
    """A running bitcoind. It dials nobody unless told to, and tries its version 2 transport first, as by default."""

    def __init__(self, directory: Path) -> None:
        self.port, self._rpc_port = free_ports(2)
        directory.mkdir(parents=True)
        self._log = (directory / "stdout.log").open("w")
        self._process = subprocess.Popen(
            [
                str(BITCOIND),
                "-regtest",
                f"-datadir={directory}",
                f"-bind=127.0.0.1:{self.port}",
                f"-rpcport={self._rpc_port}",
                "-rpcuser=user",
                "-rpcpassword=password",
                "-connect=0",
                "-listen=1",
                "-dnsseed=0",
                "-discover=0",
                "-fallbackfee=0.0001",
                "-txindex=1",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._client = httpx.Client(auth=("user", "password"), timeout=HANG_S)
        wait_until(self._answers, f"bitcoind answers ({self._log.name})")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def call(self, method: str, *params: object) -> object:
        """A JSON-RPC call. Raises RuntimeError with Core's error."""
        body = {"jsonrpc": "1.0", "id": 1, "method": method, "params": list(params)}
        answer = self._client.post(f"http://127.0.0.1:{self._rpc_port}", json=body).json()
        if answer.get("error"):
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def stop(self) -> None:
        self._client.close()
        self._process.terminate()
        try:
            self._process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _answers(self) -> bool:
        assert self._process.poll() is None, Path(self._log.name).read_text()
        try:
            self.call("getblockcount")
        except (httpx.TransportError, RuntimeError):
            return False
        return True


def require_core() -> None:
    """Skip with a reason where no Core node could be installed; under CI that is a failure."""
    if not BITCOIND.exists():
        reason = "no Bitcoin Core node under .peers/core: make peers says why"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_core(directory: Path) -> Iterator[CoreNode]:
    """Runs until the block is left."""
    require_core()
    core = CoreNode(directory)
    try:
        yield core
    finally:
        core.stop()
