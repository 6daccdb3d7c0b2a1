"""A thin trio host around core.libp2p.Upgrade for the interoperability tests: real sockets, the interop protocols on
both sides, nothing of the node. The node's own driver is not used, so that a failure here is one of the machines."""

import contextlib
import hashlib
import os
import time
from collections.abc import Awaitable, Callable

import trio

from minicoin.core.libp2p.events import (
    ConnectionSide,
    Failed,
    PeerAuthenticated,
    StreamClosed,
    StreamData,
    StreamOpened,
    StreamRefused,
    StreamReset,
    UpgradeEvent,
)
from minicoin.core.libp2p.identify import Identify
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.services import SERVICE_PROTOCOLS, Identified, Pinged, ServiceStreams
from minicoin.core.libp2p.upgrade import Upgrade
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

ECHO = "/interop/echo/1"
COUNT = "/interop/count/1"
RESET = "/interop/reset/1"
HOLD = "/interop/hold/1"
AGENT = "minicoin-interop/1"
QUEUE_BYTES = 1 << 20
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class StreamBroken(Exception):
    """The stream was refused or reset."""


class ConnectionFailed(Exception):
    """The connection ended; the message says why."""


def clock() -> Micros:
    return Micros(time.time_ns() // 1_000)


class Stream:
    """One stream as a test sees it."""

    def __init__(self, connection: "Connection", stream_id: int, protocol: str) -> None:
        self.id = stream_id
        self.protocol = protocol
        self._connection = connection
        self._incoming: list[bytes] = []
        self._arrival = trio.Event()
        self._ended = False
        self._broken = ""
        self.opened = trio.Event()

    async def write(self, payload: bytes) -> None:
        upgrade = self._connection.upgrade
        while upgrade.queued_bytes(self.id) > QUEUE_BYTES and not self._broken:
            await self._connection.drained()
        if self._broken:
            raise StreamBroken(self._broken)
        upgrade.send(self.id, payload)
        self._connection.wake()

    async def read(self) -> bytes:
        """The next bytes, empty at the end."""
        while not self._incoming and not self._ended and not self._broken:
            self._arrival = trio.Event()
            await self._arrival.wait()
        if self._incoming:
            data = b"".join(self._incoming)
            self._incoming.clear()
            self._connection.upgrade.consumed(self.id, len(data))
            self._connection.wake()
            return data
        if self._broken:
            raise StreamBroken(self._broken)
        return b""

    async def read_all(self) -> bytes:
        parts = []
        while part := await self.read():
            parts.append(part)
        return b"".join(parts)

    def close_write(self) -> None:
        self._connection.upgrade.close_write(self.id)
        self._connection.wake()

    def reset(self) -> None:
        self._connection.upgrade.reset(self.id)
        self._connection.wake()

    def on_data(self, data: bytes) -> None:
        self._incoming.append(data)
        self._arrival.set()

    def on_end(self) -> None:
        self._ended = True
        self._arrival.set()

    def on_break(self, reason: str) -> None:
        self._broken = reason
        self.opened.set()
        self._arrival.set()

    def check(self) -> None:
        if self._broken:
            raise StreamBroken(self._broken)


class Connection:
    """One connection: reads, writes and keeps time for an Upgrade with its ServiceStreams."""

    def __init__(
        self,
        host: "Host",
        socket: trio.SocketStream,
        side: ConnectionSide,
        expected: PeerId | None,
        observed: Multiaddr,
    ) -> None:
        self.host = host
        self.socket = socket
        now = clock()
        self.upgrade = Upgrade(
            side, host.identity, expected, supported=tuple(host.protocols), entropy=os.urandom, now=now
        )
        description = Identify(
            public_key=host.identity.public_key,
            listen_addresses=tuple(host.listen_addresses),
            protocols=tuple(host.protocols),
            observed_address=observed,
            protocol_version="interop/1",
            agent_version=AGENT,
        )
        self.services = ServiceStreams(self.upgrade, description, Rng(os.urandom(32)), now)
        self.peer: PeerId | None = None
        self.streams: dict[int, Stream] = {}
        self.authenticated = trio.Event()
        self.identified = trio.Event()
        self.pinged = trio.Event()
        self.rtt_us: int | None = None
        self.failure = ""
        self.ended = trio.Event()
        self._wake = trio.Event()
        self._drained = trio.Event()

    async def run(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._keep_time)
                nursery.start_soon(self._read, nursery)
                await self.ended.wait()
                # The last words, where the socket still takes them and the writer is not at it.
                with trio.move_on_after(0.5), contextlib.suppress(*_GONE, trio.BusyResourceError):
                    await self._flush()
                nursery.cancel_scope.cancel()
        finally:
            self.end("cancelled")
            await trio.aclose_forcefully(self.socket)

    async def open_stream(self, protocol: str) -> Stream:
        stream = Stream(self, self.upgrade.open_stream(protocol), protocol)
        self.streams[stream.id] = stream
        self.wake()
        await stream.opened.wait()
        stream.check()
        return stream

    async def ping(self) -> int | None:
        self.pinged = trio.Event()
        self.services.ping()
        self.wake()
        await self.pinged.wait()
        return self.rtt_us

    async def wait_authenticated(self) -> PeerId:
        await self.authenticated.wait()
        if self.peer is None:
            raise ConnectionFailed(self.failure)
        return self.peer

    def close(self) -> None:
        self.upgrade.close()
        self.wake()

    def wake(self) -> None:
        self._wake.set()

    async def drained(self) -> None:
        self._drained = trio.Event()
        await self._drained.wait()

    def end(self, reason: str) -> None:
        if not self.ended.is_set():
            self.failure = reason
            for stream in self.streams.values():
                stream.on_break(reason)
            for event in (self.ended, self.authenticated, self.identified, self.pinged, self._drained):
                event.set()

    async def _read(self, nursery: trio.Nursery) -> None:
        try:
            while data := await self.socket.receive_some(65_536):
                self.upgrade.receive(data, clock())
                self._dispatch(nursery)
        except _GONE:
            pass
        self.end("the peer closed the socket")

    async def _flush(self) -> None:
        while output := self.upgrade.take_output():
            await self.socket.send_all(output)
            self._drained.set()

    async def _write(self) -> None:
        try:
            while True:
                self._wake = trio.Event()
                await self._flush()
                if self.upgrade.is_ended:
                    self.end("closed")
                await self._wake.wait()
        except _GONE:
            self.end("the peer closed the socket")

    async def _keep_time(self) -> None:
        while True:
            await trio.sleep(0.1)
            now = clock()
            self.upgrade.on_deadline(now)
            for learned in self.services.on_deadline(now):
                self._on_learned(learned)
            self.wake()

    def _dispatch(self, nursery: trio.Nursery) -> None:
        while events := self.upgrade.take_events():
            for event in events:
                self._on_event(event, nursery)
        self.wake()

    def _on_event(self, event: UpgradeEvent, nursery: trio.Nursery) -> None:
        match event:
            case PeerAuthenticated(peer_id, public_key):
                self.peer = peer_id
                self.authenticated.set()
                self.services.start(public_key)
            case Failed(reason, _):
                self.end(reason)
            case _ if self.services.owns(event):
                for learned in self.services.on_event(event, clock()):
                    self._on_learned(learned)
            case StreamOpened(stream_id, protocol, True):
                stream = self.streams[stream_id] = Stream(self, stream_id, protocol)
                nursery.start_soon(self._serve, stream)
            case StreamOpened(stream_id, _, False):
                self.streams[stream_id].opened.set()
            case StreamData(stream_id, data):
                self.streams[stream_id].on_data(data)
            case StreamClosed(stream_id):
                self.streams[stream_id].on_end()
            case StreamRefused(stream_id, protocol):
                self.streams[stream_id].on_break(f"{protocol} refused")
            case StreamReset(stream_id):
                self.streams[stream_id].on_break("reset")

    async def _serve(self, stream: Stream) -> None:
        with contextlib.suppress(StreamBroken):
            await self.host.protocols[stream.protocol](stream)

    def _on_learned(self, learned: Identified | Pinged) -> None:
        match learned:
            case Identified():
                self.identified.set()
            case Pinged(rtt_us):
                self.rtt_us = rtt_us
                self.pinged.set()


Handler = Callable[[Stream], Awaitable[None]]


async def _unused(stream: Stream) -> None:
    raise AssertionError(f"{stream.protocol} is served by ServiceStreams")


class Host:
    """Listens and dials, with the interop protocols."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.connections: list[Connection] = []
        self.listen_addresses: list[Multiaddr] = []
        self.protocols: dict[str, Handler] = {
            ECHO: echo,
            COUNT: count,
            RESET: reset,
            HOLD: hold,
            **dict.fromkeys(SERVICE_PROTOCOLS, _unused),
        }

    async def listen(self, nursery: trio.Nursery) -> Multiaddr:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        host, port = listeners[0].socket.getsockname()
        self.listen_addresses.append(Multiaddr.of_endpoint(host, port))
        nursery.start_soon(trio.serve_listeners, self._accept, listeners)
        return Multiaddr.of_endpoint(host, port, self.identity.peer_id)

    async def dial(self, nursery: trio.Nursery, address: Multiaddr, expected: PeerId | None) -> Connection:
        assert address.tcp_endpoint is not None
        host, port = address.tcp_endpoint
        socket = await trio.open_tcp_stream(host, port)
        socket.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        connection = Connection(self, socket, ConnectionSide.DIALLER, expected, Multiaddr.of_endpoint(host, port))
        self.connections.append(connection)
        nursery.start_soon(connection.run)
        return connection

    async def _accept(self, socket: trio.SocketStream) -> None:
        host, port = socket.socket.getpeername()
        connection = Connection(self, socket, ConnectionSide.ACCEPTOR, None, Multiaddr.of_endpoint(host, port))
        self.connections.append(connection)
        await connection.run()


async def echo(stream: Stream) -> None:
    while data := await stream.read():
        await stream.write(data)
    stream.close_write()


async def count(stream: Stream) -> None:
    digest = hashlib.sha256()
    while data := await stream.read():
        digest.update(data)
    await stream.write(digest.digest())
    stream.close_write()


async def reset(stream: Stream) -> None:
    await stream.read()
    stream.reset()


async def hold(stream: Stream) -> None:
    await stream.write(b"\x01")
    await stream.read_all()
    stream.close_write()
