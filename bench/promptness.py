"""How prompt a node is: a mined block at the far end of a line of three nodes, and the loop's lag while three peers
flood one of them with announcements. All in one process, over real sockets.
"""

import os
import struct
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from minicoin.app.build import Bind, BuiltNode, NodeSetup, build_node
from minicoin.core.answers import Refused
from minicoin.core.commands import Command, Generate
from minicoin.core.effects import Reply
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.wire.frame import FrameDecoder, encode_frame
from minicoin.core.wire.messages import (
    Inv,
    InventoryVector,
    InvType,
    Message,
    NetAddress,
    Ping,
    Pong,
    Verack,
    Version,
)
from minicoin.drivers.network import listening_port
from minicoin.drivers.transport import TransportKind

_HOST = "127.0.0.1"
_SCRIPT = b"\x00\x14" + bytes(20)
_BLOCKS = 20
_PATIENCE_SECONDS = 300
_FLOODERS = 3
_VECTORS = 20_000
_ROUNDS = 3


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    return trio.run(_rows)


async def _rows() -> list[tuple[str, str]]:
    with trio.fail_after(_PATIENCE_SECONDS), tempfile.TemporaryDirectory() as directory:
        seconds = sorted(await _block_times(Path(directory)))
        lag = await _lag_under_floods(Path(directory))
    middle, slowest = seconds[len(seconds) // 2], seconds[-1]
    return [
        ("block at the third node", f"seconds {slowest:.3f} at most of {_BLOCKS}; median {middle:.3f}"),
        ("loop lag under floods", f"p99 {lag:.1f} ms while {_FLOODERS} peers announce what nobody has"),
    ]


@asynccontextmanager
async def _node(directory: Path, peers: tuple[int, ...] = ()) -> AsyncIterator[tuple[BuiltNode, int]]:
    policy = NodePolicy(connect=tuple(NodeAddress(_HOST, port) for port in peers) or None, use_dns_seeds=False)
    bind = Bind(_HOST, 0, TransportKind.PLAIN)
    built = await build_node(
        NodeSetup(REGTEST, directory, policy, (bind,), transport=TransportKind.PLAIN), lambda now, notice: None
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(built.run)
        yield built, listening_port(built.listeners[0][0])
        built.runtime.stop_nowait()
        await built.runtime.finished.wait()


async def _ask(built: BuiltNode, command: Command) -> None:
    done = trio.Event()
    replies: list[Reply] = []

    def take(reply: Reply) -> None:
        replies.append(reply)
        done.set()

    built.runtime.command_nowait(command, take)
    await done.wait()
    if isinstance(replies[0].answer, Refused):
        raise RuntimeError(replies[0].answer.text)


async def _block_times(directory: Path) -> list[float]:
    """From the finder's own tip to the tip of the node two hops away."""
    seconds: list[float] = []
    async with (
        _node(directory / "a") as (first, port),
        _node(directory / "b", (port,)) as (_, next_port),
        _node(directory / "c", (next_port,)) as (last, _),
    ):
        await _ask(first, Generate(1, _SCRIPT))
        await _follow(first, last)
        for _ in range(_BLOCKS):
            await _ask(first, Generate(1, _SCRIPT))
            started = time.perf_counter()
            await _follow(first, last)
            seconds.append(time.perf_counter() - started)
    return seconds


async def _follow(first: BuiltNode, last: BuiltNode) -> None:
    while last.runtime.node.view.tree.tip.hash != first.runtime.node.view.tree.tip.hash:  # noqa: ASYNC110
        await trio.sleep(0.001)


class _Flooder:
    """A peer that shakes hands and announces."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._decoder = FrameDecoder(REGTEST.magic)

    async def send(self, *messages: Message) -> None:
        await self._stream.send_all(b"".join(encode_frame(REGTEST.magic, message) for message in messages))

    async def wait_for(self, kind: type[Message]) -> None:
        while True:
            while (found := self._decoder.next_message()) is not None:
                if isinstance(found[0], kind):
                    return
            self._decoder.feed(await self._stream.receive_some(65_536))

    async def shake(self) -> None:
        nonce = int.from_bytes(os.urandom(8), "little")
        await self.send(Version(70016, 9, int(time.time()), NetAddress(), NetAddress(), nonce, "/flooder/", 0))
        await self.wait_for(Verack)
        await self.send(Verack())

    async def flood(self, number: int) -> None:
        for start in range(0, _ROUNDS * _VECTORS, _VECTORS):
            names = (struct.pack("<QQQQ", 1, number % 2, 3, start + at) for at in range(_VECTORS))
            await self.send(Inv(tuple(InventoryVector(InvType.WTX, name) for name in names)))
        await self.send(Ping(7))
        await self.wait_for(Pong)


async def _lag_under_floods(directory: Path) -> float:
    async with _node(directory / "flooded") as (built, port):
        await _ask(built, Generate(2, _SCRIPT))
        flooders = [_Flooder(await trio.open_tcp_stream(_HOST, port)) for _ in range(_FLOODERS)]
        for flooder in flooders:
            await flooder.shake()
        async with trio.open_nursery() as nursery:
            for number, flooder in enumerate(flooders):
                nursery.start_soon(flooder.flood, number)
        return built.runtime.lag.snapshot().p99_ms


def main() -> None:
    """Print the rows."""
    for what, result in rows():
        print(f"{what:<24} {result}")


if __name__ == "__main__":
    main()
