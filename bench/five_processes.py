"""A block over a line of five processes: from submitblock at the first to the tip of the last, beside five of btcd.

Both lines take the same blocks in turns, over the same RPC call and plain TCP on loopback; what tells of the last one's
tip is a peer of its own, which hears the announcement and answers nothing but pings.
"""

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.wire.frame import Dropped, FrameDecoder, encode_frame
from minicoin.core.wire.messages import (
    Headers,
    Inv,
    Message,
    NetAddress,
    Ping,
    Pong,
    SendHeaders,
    Verack,
    Version,
)
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("btcd-simnet")
PROCESSES = 5
BLOCKS = 40
WARM_UP = 10
_HOST = "127.0.0.1"
_USER, _PASSWORD = "bench", "bench"
_PATIENCE_S = 60
_BTCD = Path(__file__).parents[1] / ".peers" / "bin" / "btcd"


class Rpc:
    """One kept-alive connection to a node's RPC."""

    def __init__(self, port: int) -> None:
        token = base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(_HOST, port, timeout=_PATIENCE_S)

    def call(self, method: str, *params: object) -> object:
        """Raises RuntimeError with the node's error, OSError where nobody listens."""
        body = json.dumps({"jsonrpc": "1.0", "id": 1, "method": method, "params": params})
        try:
            self._connection.request("POST", "/", body, self._headers)
            answer = json.loads(self._connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        if answer.get("error"):
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Watcher:
    """A peer that hears what a node announces."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((_HOST, port), _PATIENCE_S)
        self._decoder = FrameDecoder(NETWORK.magic)
        nonce = int.from_bytes(os.urandom(8), "little")
        self._send(Version(70016, 0, int(time.time()), NetAddress(), NetAddress(), nonce, "/bench/", 0))
        while not isinstance(self._next(), Verack):
            pass
        self._send(Verack())
        self._send(SendHeaders())

    def wait_for(self, block: BlockHash) -> None:
        """Until the node announces the block."""
        while True:
            match self._next():
                case Inv(inventory) if any(vector.hash == block for vector in inventory):
                    return
                case Headers(headers) if any(header.hash == block for header in headers):
                    return
                case _:
                    pass

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _send(self, message: Message) -> None:
        self._socket.sendall(encode_frame(NETWORK.magic, message))

    def _next(self) -> Message | Dropped:
        while True:
            found = self._decoder.next_message()
            if found is None:
                chunk = self._socket.recv(65_536)
                if not chunk:
                    raise RuntimeError("the node hung up on its watcher")
                self._decoder.feed(chunk)
                continue
            message = found[0]
            if isinstance(message, Ping):
                self._send(Pong(message.nonce))
            return message


class Line:
    """Processes each of which is connected to the one before."""

    def __init__(self, first: Rpc, watcher: Watcher) -> None:
        self._first = first
        self._watcher = watcher

    def seconds(self, block: Block) -> float:
        """From the call at the first to the announcement of the last."""
        text = block.raw.hex()
        started = time.perf_counter()
        verdict = self._first.call("submitblock", text)
        if verdict is not None:
            raise RuntimeError(f"submitblock: {verdict}")
        self._watcher.wait_for(block.hash)
        return time.perf_counter() - started


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    if not _BTCD.exists():
        raise RuntimeError("btcd is not installed under .peers/bin: make peers says why")
    ours: list[float] = []
    theirs: list[float] = []
    blocks = _blocks(WARM_UP + BLOCKS)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        one, other = (stack.enter_context(_line(directory, ours=is_ours)) for is_ours in (True, False))
        for block in blocks:
            ours.append(one.seconds(block))
            theirs.append(other.seconds(block))
    our_ms, their_ms = (1_000 * sorted(found[WARM_UP:])[BLOCKS // 2] for found in (ours, theirs))
    worst_ms = 1_000 * max(ours[WARM_UP:])
    figures = f"median {our_ms:.1f} ms, at most {worst_ms:.1f}; btcd {their_ms:.1f} ms; ratio {our_ms / their_ms:.2f}"
    return [(f"block over {PROCESSES} processes", figures)]


def _blocks(count: int) -> list[Block]:
    """Their times are the last seconds', so that nobody takes the chain for an old one."""
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    start = int(time.time()) - count
    for index in range(count):
        maker.extend(branch, maker.next_block(branch, time=start + index))
    return branch.blocks


@contextmanager
def _line(directory: Path, *, ours: bool) -> Iterator[Line]:
    command = _our_command if ours else _btcd_command
    with ExitStack() as stack:
        dialled: int | None = None
        rpcs: list[Rpc] = []
        for number in range(PROCESSES):
            port, rpc_port = _free_port(), _free_port()
            place = directory / f"{'ours' if ours else 'btcd'}{number}"
            place.mkdir()
            rpcs.append(stack.enter_context(_process(command(place, port, rpc_port, dialled), place, rpc_port)))
            dialled = port
        assert dialled is not None
        for rpc in rpcs[1:]:
            _wait_until(partial(_has_peers, rpc))
        watcher = Watcher(dialled)
        stack.callback(watcher.close)
        yield Line(rpcs[0], watcher)


def _our_command(place: Path, port: int, rpc_port: int, dialled: int | None) -> list[str]:
    program = str(Path(sys.executable).parent / "minicoin")
    command = [program, "startnode", "--network", NETWORK.name, "--datadir", str(place)]
    command += ["--listen", str(port), "--rpcport", str(rpc_port), "--rpcuser", _USER, "--rpcpassword", _PASSWORD]
    # The others take longer to come up than a connection may be silent.
    command += ["--rpcservertimeout", str(_PATIENCE_S), "--no-dnsseed", "--no-mdns"]
    return [*command, "--connect", "0" if dialled is None else f"{_HOST}:{dialled}"]


def _btcd_command(place: Path, port: int, rpc_port: int, dialled: int | None) -> list[str]:
    command = [str(_BTCD), "--simnet", "--configfile=/dev/null", f"--datadir={place}", f"--logdir={place}"]
    command += [f"--listen={_HOST}:{port}", f"--rpclisten={_HOST}:{rpc_port}", "--notls", "--nodnsseed"]
    command += [f"--rpcuser={_USER}", f"--rpcpass={_PASSWORD}"]
    return command if dialled is None else [*command, f"--connect={_HOST}:{dialled}"]


@contextmanager
def _process(command: list[str], place: Path, rpc_port: int) -> Iterator[Rpc]:
    """A running node and its RPC."""
    with (place / "output").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        rpc = Rpc(rpc_port)
        try:
            _wait_until(lambda: _answers(rpc, process))
            yield rpc
        finally:
            rpc.close()
            process.terminate()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _has_peers(rpc: Rpc) -> bool:
    return int(str(rpc.call("getconnectioncount"))) > 0


def _answers(rpc: Rpc, process: "subprocess.Popen[bytes]") -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"{process.args!r} has ended with {process.returncode}")
    try:
        rpc.call("getblockcount")
    except (OSError, http.client.HTTPException, RuntimeError):
        return False
    return True


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError("the nodes did not come up")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((_HOST, 0))
        return int(sock.getsockname()[1])


def main() -> None:
    """Print the row."""
    for what, result in rows():
        print(f"{what:<24} {result}")


if __name__ == "__main__":
    main()
