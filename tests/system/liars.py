"""Servers that speak HTTP and answer as a test likes: never, without an end, or nonsense."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

Answer = Callable[[str], AsyncIterator[bytes]]
"""The pieces of the body, by path."""


@dataclass
class Liar:
    """One of them."""

    answer: Answer
    head: Callable[[str], bytes]
    """What stands before the body, by path."""
    endpoint: str = ""
    requests: list[bytes] = field(default_factory=list)
    """Their heads, as they came."""

    async def serve(self, stream: trio.SocketStream) -> None:
        try:
            request = bytearray()
            while b"\r\n\r\n" not in request:
                chunk = await stream.receive_some()
                if not chunk:
                    return
                request += chunk
            self.requests.append(bytes(request))
            path = request.split(b" ")[1].decode()
            await stream.send_all(self.head(path))
            async for piece in self.answer(path):
                await stream.send_all(b"%x\r\n%s\r\n" % (len(piece), piece))
            await stream.send_all(b"0\r\n\r\n")
        except trio.BrokenResourceError:
            return


@asynccontextmanager
async def lying(answer: Answer, head: Callable[[str], bytes] = lambda path: HEAD) -> AsyncIterator[Liar]:
    """Runs until the block is left."""
    liar = Liar(answer, head)
    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(trio.serve_tcp, liar.serve, 0)
        liar.endpoint = f"127.0.0.1:{listener.socket.getsockname()[1]}"
        yield liar
        nursery.cancel_scope.cancel()


async def endless(path: str) -> AsyncIterator[bytes]:
    while True:
        yield b"[" * 65_536


async def nonsense(path: str) -> AsyncIterator[bytes]:
    yield b'{"header":{"revision":"' + b"9" * 40 + b'"}}'


async def deep(path: str) -> AsyncIterator[bytes]:
    yield b"[" * 1_000_000


async def nothing(path: str) -> AsyncIterator[bytes]:
    for none in ():
        yield none


NO_ANSWERS = (endless, nonsense, deep, nothing)
