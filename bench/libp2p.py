"""libp2p side by side, two processes on loopback: ours, py-libp2p 0.8.1 as it is installed, go-libp2p as the ceiling.

Ours is measured as the node uses it: drivers.Connection over a Libp2pChannel, one stream for life. What travels on the
stream is described in peers/py_peer.py. Where a peer is not installed, its figures are missing by name.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from minicoin.core.events import BytesReceived, ConnectionClosed, ConnectionOpened, Event, SendQueueLow
from minicoin.core.libp2p.channel import LocalPeer
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.limits import SEND_QUEUE_HIGH_BYTES
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId
from minicoin.drivers.clock import WallClock
from minicoin.drivers.connection import Connection
from minicoin.drivers.inbox import Inbox
from minicoin.drivers.transport import Libp2pTransport

_ROOT = Path(__file__).parent.parent
_PROTOCOL = "/bench/1"
_COMMAND = "bench"
_MESSAGE_BYTES = 100
_CHUNK_BYTES = 65_536
_CONNECTIONS = 100
_RUNS = 3
# Handshakes, echoes, messages, chunks of one run.
_COUNTS = ("7", "300", "400000", "1500")
_FIGURES = ("connect_ms", "rtt_us", "sends_ks", "messages_ks", "megabytes_s", "memory_kb")

_PEERS: dict[str, tuple[list[str], Path]] = {
    "ours": ([sys.executable, __file__], Path(__file__)),
    "py": (
        [str(_ROOT / ".peers/py-libp2p/bin/python"), str(_ROOT / "bench/peers/py_peer.py")],
        _ROOT / ".peers/py-libp2p/.stamp",
    ),
    "go": ([str(_ROOT / ".peers/go-libp2p/peer"), "bench"], _ROOT / ".peers/go-libp2p/peer"),
}


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    installed = {name: command for name, (command, marker) in _PEERS.items() if marker.exists()}
    # In turns, so that a busy minute of the machine falls on all of them.
    runs = [{name: _measure(command) for name, command in installed.items()} for _ in range(_RUNS)]
    found = {
        name: {figure: statistics.median(run[name][figure] for run in runs) for figure in _FIGURES}
        for name in installed
    }
    return [
        ("libp2p connect", _compare(found, "connect_ms", "ms", is_inverse=True)),
        ("libp2p round trip", _compare(found, "rtt_us", "us", is_inverse=False)),
        ("libp2p sends", _compare(found, "sends_ks", "k/s", is_inverse=False)),
        ("libp2p messages", _compare(found, "messages_ks", "k/s", is_inverse=False)),
        ("libp2p 65 KB writes", _compare(found, "megabytes_s", "MB/s", is_inverse=False)),
        ("libp2p memory", _compare(found, "memory_kb", "KB a connection end", is_inverse=False)),
    ]


def _compare(found: dict[str, dict[str, float]], figure: str, unit: str, *, is_inverse: bool) -> str:
    """The figures of all, and ours divided by py-libp2p's, or the other way round."""
    text = "; ".join(f"{name} {figures[figure]:.4g} {unit}" for name, figures in found.items())
    if "py" not in found:
        return text + "; py-libp2p is not installed"
    ours, theirs = found["ours"][figure], found["py"][figure]
    return f"{text}; ratio {theirs / ours if is_inverse else ours / theirs:.2f}"


def _measure(command: list[str]) -> dict[str, float]:
    """One run: the program against itself, then our dialler against it for the memory of the listening end."""
    with _listening(command) as (_, address):
        done = subprocess.run([*command, "dial", address, *_COUNTS], capture_output=True, text=True, timeout=120)
    figures = {words[0]: float(words[1]) for line in done.stdout.splitlines() if len(words := line.split()) == 2}
    if missing := set(_FIGURES[:-1]) - set(figures):
        raise RuntimeError(f"{command[0]} did not measure {sorted(missing)}: {done.stderr[-2_000:]}")
    with _listening(command) as (process, address):
        figures["memory_kb"] = trio.run(_hold, process.pid, address)
    return figures


@contextmanager
def _listening(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen([*command, "listen"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[1]
    finally:
        process.kill()
        process.communicate()


class _End:
    """One connection of ours, with what a bench needs of it."""

    def __init__(
        self, stream: trio.SocketStream, inbox: Inbox, identity: Identity, *, inbound: bool, conn: int
    ) -> None:
        stream.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        clock = WallClock()
        host, port = stream.socket.getpeername()[:2]
        remote = NodeAddress(host, port)
        transport = Libp2pTransport(LocalPeer(identity, _PROTOCOL, "bench/1"), Rng(os.urandom(32)), clock)
        self.channel = transport.open(remote, inbound=inbound)
        self.connection = Connection(
            ConnId(conn), stream, self.channel, inbox, clock, remote=remote, local=None, inbound=inbound
        )
        self.inbox = inbox

    async def next(self) -> Event:
        # As the node's loop does after each event.
        self.connection.flush_nowait()
        while (event := self.inbox.take_nowait()) is None:
            await self.inbox.wait()
        return event

    async def write(self, data: bytes) -> None:
        """As a node does it: queued, as long as the queue is short."""
        self.connection.send(data, _COMMAND)
        if self.channel.queued_bytes > SEND_QUEUE_HIGH_BYTES:
            await self.next()

    async def read_exactly(self, size: int) -> None:
        while size > 0:
            event = await self.next()
            assert isinstance(event, BytesReceived | SendQueueLow), event
            size -= len(event.data) if isinstance(event, BytesReceived) else 0


class _Server:
    """The protocol's serving side for all connections of this process."""

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._identity = Identity.from_seed(os.urandom(32))
        self._ends: dict[int, _End] = {}

    async def run(self) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        host, port = listeners[0].socket.getsockname()
        address = Multiaddr.of_endpoint(host, port, self._identity.peer_id)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, self._accept, listeners)
            nursery.start_soon(self._loop)
            print(f"LISTENING {address}", flush=True)
            await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
            nursery.cancel_scope.cancel()

    async def _accept(self, stream: trio.SocketStream) -> None:
        conn = len(self._ends) * 2 + 1
        end = self._ends[conn] = _End(stream, self._inbox, self._identity, inbound=True, conn=conn)
        await end.connection.run()

    async def _loop(self) -> None:
        readers: dict[int, Iterator[None]] = {}
        pending: dict[int, list[bytes]] = {}
        while True:
            while (event := self._inbox.take_nowait()) is None:
                await self._inbox.wait()
            match event:
                case ConnectionOpened(conn):
                    pending[conn] = []
                    readers[conn] = _serve(self._ends[conn].connection, pending[conn])
                    next(readers[conn])
                case BytesReceived(conn, data):
                    pending[conn].append(data)
                    next(readers[conn])
                    self._ends[conn].connection.flush_nowait()
                case ConnectionClosed(conn):
                    del readers[conn], pending[conn]


def _serve(connection: Connection, pending: list[bytes]) -> Iterator[None]:
    """Resumed whenever bytes were added to `pending`."""
    data = b""
    while True:
        while len(data) < 9:
            while not pending:
                yield
            data += pending.pop(0)
        kind, left, data = data[:1], int.from_bytes(data[1:9], "big"), data[9:]
        rest = b""
        while left:
            while not data:
                while not pending:
                    yield
                data = pending.pop(0)
            if len(data) > left:
                data, after = data[:left], data[left:]
            else:
                after = b""
            left -= len(data)
            if kind == b"e":
                connection.send(data, _COMMAND)
            elif kind == b"m":
                rest += data
                whole = len(rest) - len(rest) % _MESSAGE_BYTES
                messages = [rest[at : at + _MESSAGE_BYTES] for at in range(0, whole, _MESSAGE_BYTES)]
                rest = rest[len(messages) * _MESSAGE_BYTES :]
            data = after
        if kind != b"e":
            connection.send(bytes(8), _COMMAND)


async def _listen() -> None:
    await _Server().run()


async def _dial(address: str, connects: int, echoes: int, messages: int, chunks: int) -> None:
    target = Multiaddr.parse(address).tcp_endpoint
    assert target is not None
    identity = Identity.from_seed(os.urandom(32))
    times: list[float] = []
    for number in range(connects):
        async with trio.open_nursery() as nursery:
            started = time.perf_counter()
            end = _End(await trio.open_tcp_stream(*target), Inbox(), identity, inbound=False, conn=2)
            nursery.start_soon(end.connection.run)
            assert isinstance(await end.next(), ConnectionOpened)
            times.append(time.perf_counter() - started)
            if number == connects - 1:
                print("connect_ms", statistics.median(times) * 1e3)
                await _exchange(end, echoes, messages, chunks)
            end.connection.close("measured")


async def _exchange(end: _End, echoes: int, messages: int, chunks: int) -> None:
    payload = os.urandom(_MESSAGE_BYTES)
    await end.write(b"e" + (echoes * _MESSAGE_BYTES).to_bytes(8, "big"))
    times: list[float] = []
    for _ in range(echoes):
        started = time.perf_counter()
        await end.write(payload)
        await end.read_exactly(_MESSAGE_BYTES)
        times.append(time.perf_counter() - started)
    print("rtt_us", statistics.median(times) * 1e6)
    started = time.perf_counter()
    await end.write(b"m" + (messages * _MESSAGE_BYTES).to_bytes(8, "big"))
    for _ in range(messages):
        await end.write(payload)
    await end.read_exactly(8)
    print("sends_ks", messages / (time.perf_counter() - started) / 1e3)
    started = time.perf_counter()
    await end.write(b"m" + (messages * _MESSAGE_BYTES).to_bytes(8, "big"))
    buffer = bytearray()
    for _ in range(messages):
        buffer += payload
        if len(buffer) >= _CHUNK_BYTES - _MESSAGE_BYTES:
            await end.write(bytes(buffer))
            buffer.clear()
    await end.write(bytes(buffer))
    await end.read_exactly(8)
    print("messages_ks", messages / (time.perf_counter() - started) / 1e3)
    chunk = os.urandom(_CHUNK_BYTES)
    started = time.perf_counter()
    await end.write(b"s" + (chunks * _CHUNK_BYTES).to_bytes(8, "big"))
    for _ in range(chunks):
        await end.write(chunk)
    await end.read_exactly(8)
    print("megabytes_s", chunks * _CHUNK_BYTES / (time.perf_counter() - started) / 1e6, flush=True)


async def _hold(pid: int, address: str) -> float:
    """Kilobytes that the listening process grows by for each connection with an open stream."""
    target = Multiaddr.parse(address).tcp_endpoint
    assert target is not None
    async with trio.open_nursery() as nursery:
        # The first few pay for what is loaded once.
        before = 0.0
        for number in range(_CONNECTIONS + 10):
            if number == 10:
                before = _resident_kilobytes(pid)
            end = _End(
                await trio.open_tcp_stream(*target),
                Inbox(),
                Identity.from_seed(os.urandom(32)),
                inbound=False,
                conn=2,
            )
            nursery.start_soon(end.connection.run)
            assert isinstance(await end.next(), ConnectionOpened)
        await trio.sleep(0.5)
        growth = _resident_kilobytes(pid) - before
        nursery.cancel_scope.cancel()
    return growth / _CONNECTIONS


def _resident_kilobytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(float(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def main() -> None:
    """Print the rows, or (with arguments) be one of the two processes."""
    match sys.argv[1:]:
        case ["listen"]:
            trio.run(_listen)
        case ["dial", address, connects, echoes, messages, chunks]:
            trio.run(_dial, address, int(connects), int(echoes), int(messages), int(chunks))
        case _:
            for what, result in rows():
                print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
