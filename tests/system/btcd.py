"""btcd as a process on loopback: simnet, its RPC, a directory of its own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.ports import free_ports
from tests.waiting import HANG_S, wait_until

BTCD = Path(__file__).parents[2] / ".peers" / "bin" / "btcd"


class Btcd:
    """A running btcd."""

    def __init__(self, directory: Path, mining_address: str) -> None:
        self.port, self._rpc_port = free_ports(2)
        self._log = (directory / "btcd.log").open("w")
        self._process = subprocess.Popen(
            [
                str(BTCD),
                "--simnet",
                "--configfile=/dev/null",
                f"--datadir={directory / 'data'}",
                f"--logdir={directory / 'logs'}",
                f"--listen=127.0.0.1:{self.port}",
                f"--rpclisten=127.0.0.1:{self._rpc_port}",
                "--rpcuser=user",
                "--rpcpass=password",
                "--notls",
                "--nodnsseed",
                "--txindex",
                f"--miningaddr={mining_address}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._client = httpx.Client(auth=("user", "password"), timeout=HANG_S)
        self._wait_ready()

    def call(self, method: str, *params: object) -> object:
        """A JSON-RPC call. Raises RuntimeError with btcd's error."""
        body = {"jsonrpc": "1.0", "id": 1, "method": method, "params": list(params)}
        answer = self._client.post(f"http://127.0.0.1:{self._rpc_port}", json=body).json()
        if answer.get("error"):
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def height(self) -> int:
        return int(self.call("getblockcount"))

    def tip(self) -> str:
        return str(self.call("getbestblockhash"))

    def stop(self) -> None:
        self._client.close()
        self._process.terminate()
        try:
            self._process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait_ready(self) -> None:
        try:
            wait_until(self._answers, f"btcd answers, see {self._log.name}")
        except AssertionError:
            self._process.kill()
            raise

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"btcd has ended, see {self._log.name}"
        try:
            self.height()
        except (httpx.TransportError, RuntimeError):
            return False
        return True


def require_btcd() -> None:
    """Skip with a reason where btcd could not be installed; under CI that is a failure."""
    if not BTCD.exists():
        reason = "btcd is not installed under .peers/bin: make peers says why"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_btcd(directory: Path, mining_address: str) -> Iterator[Btcd]:
    """Runs until the block is left."""
    require_btcd()
    directory.mkdir(parents=True, exist_ok=True)
    btcd = Btcd(directory, mining_address)
    try:
        yield btcd
    finally:
        btcd.stop()
