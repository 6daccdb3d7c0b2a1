"""Listening, dialling and all open connections. Performs Send, Dial, Close and Resolve; decides nothing.

A failed bind is an error that names the address. Dialling has a time limit; names are looked up by the system's
resolver off the loop. Half-open connections are few, and the oldest gives way to a new one (core/connmgr/half_open.py).
"""

import errno
import socket
from collections.abc import Callable, Sequence

import trio

from minicoin.core.connmgr.half_open import HalfOpen, who_gives_way
from minicoin.core.connmgr.table import source_of
from minicoin.core.effects import AnswerQuestion, Close, Dial, Resolve, Send
from minicoin.core.events import AddressesFound, DialFailed, InboundFailed
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import DNS_TIMEOUT_US, INBOUND_SOCKETS_MAX
from minicoin.core.primitives.address import AddressSource, NodeAddress, Services, TimedAddress, normalise_host
from minicoin.core.units import SECOND_US, ConnId, Micros, seconds
from minicoin.core.wire.codec import command_of
from minicoin.core.wire.frame import encode_frame
from minicoin.drivers.channel import Channel
from minicoin.drivers.connection import ByteCounts, Connection
from minicoin.drivers.inbox import Inbox
from minicoin.drivers.resolver import Resolver, parse_seed, reach
from minicoin.drivers.transport import Gate, Transport, TransportKind

Listening = tuple[trio.SocketListener, Transport]
"""A bound socket and the transport its connections speak."""

_LISTEN_BACKLOG = 128
_ACCEPT_AGAIN_S = 0.1
_ACCEPT_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


class BindError(MisuseError):
    """A listening address cannot be had."""


class Sockets:
    """All connections of one node."""

    def __init__(
        self,
        magic: bytes,
        dial_transport: Transport,
        inbox: Inbox,
        clock: Callable[[], Micros],
        resolver: Resolver | None = None,
        group_of: Callable[[NodeAddress], bytes] | None = None,
        gate: Gate | None = None,
    ) -> None:
        """`gate` is the one that its transports ask. `group_of` names an address's network group; without it, as on a
        private network, groups bound nothing."""
        self._magic = magic
        self._resolver = resolver or Resolver()
        self._group_of = group_of or _no_group
        self._dial_transport = dial_transport
        self.gate = gate or Gate(None)
        self._inbox = inbox
        self._clock = clock
        self._connections: dict[ConnId, Connection] = {}
        self._dials: dict[ConnId, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None
        self._next_inbound = 1
        self._sent_to: dict[ConnId, Connection] = {}
        self._all_gone = trio.Event()
        self.on_trouble: Callable[[str], object] = lambda reason: None
        """Told what keeps connections out, when it begins."""
        self._closed_sent = 0
        self._closed_received = 0

    async def run(
        self, listeners: Sequence[Listening], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve `listeners`, which it closes at its end, and perform effects until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                task_status.started()
                for listener, transport in listeners:
                    nursery.start_soon(self._accept, listener, transport)
                await trio.sleep_forever()
        finally:
            for listener, _ in listeners:
                listener.socket.close()

    # --- effects ---

    def send(self, effect: Send) -> int:
        """Queue a message; the number of bytes it takes, 0 when the connection is gone."""
        connection = self._connections.get(effect.conn)
        if connection is None:
            return 0
        frame = encode_frame(self._magic, effect.message)
        connection.send(frame, command_of(effect.message))
        self._sent_to[effect.conn] = connection
        return len(frame)

    def flush(self) -> None:
        """Let out what the event at hand sent."""
        for connection in self._sent_to.values():
            connection.flush_nowait()
        self._sent_to.clear()

    def dial(self, effect: Dial) -> None:
        """Open a connection in the background."""
        assert self._nursery is not None
        self._nursery.start_soon(self._dial, effect)

    def close(self, effect: Close) -> None:
        """Close, or give up dialling."""
        connection = self._connections.get(effect.conn)
        if connection is not None:
            connection.close(effect.reason, is_gated=effect.is_gated)
        elif effect.conn in self._dials:
            self._dials[effect.conn].cancel()

    def answer(self, effect: AnswerQuestion) -> None:
        """Answer a question that came beside the wire, unless whoever asked has left."""
        connection = self._connections.get(effect.conn)
        if connection is not None:
            assert self._nursery is not None
            self._nursery.start_soon(connection.answer, effect.stream, effect.answer)

    def resolve(self, effect: Resolve) -> None:
        """Ask a seed in the background: a host name, /dnsaddr/NAME, or the same written as dnsaddr=NAME."""
        assert self._nursery is not None
        self._nursery.start_soon(self._resolve, effect)

    async def close_all(self, reason: str) -> None:
        """Say goodbye to everybody; returns when all are gone, after a few seconds at most."""
        if not self._connections:
            return
        self._all_gone = trio.Event()
        for connection in list(self._connections.values()):
            connection.close(reason)
        with trio.move_on_after(3):
            await self._all_gone.wait()

    def traffic(self) -> dict[int, ByteCounts]:
        """What each open connection carried so far; safe to call from any thread."""
        return {int(conn): link.traffic() for conn, link in self._connections.copy().items()}

    def traffic_total(self) -> tuple[int, int]:
        """Bytes (sent, received) of all connections since the start, closed ones included."""
        open_now = self.traffic().values()
        sent = self._closed_sent + sum(link.sent for link in open_now)
        return sent, self._closed_received + sum(link.received for link in open_now)

    # --- tasks ---

    async def _dial(self, effect: Dial) -> None:
        address = effect.address
        if address.peer_id and self._dial_transport.kind is TransportKind.PLAIN:
            self._dial_failed(effect, "plain TCP cannot prove the peer id that the address names")
            return
        with trio.CancelScope() as scope:
            self._dials[effect.conn] = scope
            try:
                with trio.fail_after(effect.timeout_us / SECOND_US):
                    stream, endpoint = await reach(address, self._resolver)
            except trio.TooSlowError:
                self._dial_failed(effect, f"no connection within {effect.timeout_us // SECOND_US} s")
                return
            except OSError as error:
                self._dial_failed(effect, _os_reason(error))
                return
            finally:
                self._dials.pop(effect.conn, None)
            # The peer id that a look-up named is expected as if the address had named it.
            channel = self._dial_transport.open(endpoint, inbound=False)
            await self._run_connection(self._register(effect.conn, stream, address, channel, inbound=False))
            return
        self._dial_failed(effect, "given up")

    def _dial_failed(self, effect: Dial, reason: str) -> None:
        self._inbox.put_nowait(DialFailed(effect.conn, effect.address, reason))

    async def _accept(self, listener: trio.SocketListener, transport: Transport) -> None:
        is_told = False
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                if error.errno not in _ACCEPT_ERRORS:
                    raise
                if not is_told:
                    is_told = True
                    self.on_trouble(f"no connection can be accepted: {_os_reason(error)}")
                # Out of file handles or memory: wait for connections to end instead of spinning or dying.
                await trio.sleep(_ACCEPT_AGAIN_S)
                continue
            is_told = False
            await self._admit(stream, transport)

    async def _admit(self, stream: trio.SocketStream, transport: Transport) -> None:
        """Start a connection, or hang up. In a frame of its own, or the last one's queue would stay until the next."""
        assert self._nursery is not None
        try:
            host, port = stream.socket.getpeername()[:2]
        except OSError:
            await trio.aclose_forcefully(stream)
            return
        remote = NodeAddress(normalise_host(host), port)
        if not self._make_room(remote):
            await trio.aclose_forcefully(stream)
            return
        conn = ConnId(self._next_inbound)
        self._next_inbound += 2
        connection = self._register(conn, stream, remote, transport.open(remote, inbound=True), inbound=True)
        self._nursery.start_soon(self._run_connection, connection)

    def _make_room(self, remote: NodeAddress) -> bool:
        """Room for one more inbound socket: whose handshake lasts too long gives way."""
        inbound = [link for link in self._connections.values() if link.inbound]
        half_open = [
            HalfOpen(link.conn, source_of(link.remote), self._group_of(link.remote))
            for link in inbound
            if link.is_half_open
        ]
        is_full = len(inbound) >= INBOUND_SOCKETS_MAX
        loser = who_gives_way(source_of(remote), self._group_of(remote), half_open, is_full=is_full)
        if loser is None:
            return not is_full
        self._connections[loser.conn].abort("half open for too long: others wait for the place")
        return True

    def _register(
        self, conn: ConnId, stream: trio.SocketStream, remote: NodeAddress, channel: Channel, *, inbound: bool
    ) -> Connection:
        _tune(stream)
        connection = self._connections[conn] = Connection(
            conn,
            stream,
            channel,
            self._inbox,
            self._clock,
            remote=remote,
            local=_local_address(stream),
            inbound=inbound,
        )
        return connection

    async def _run_connection(self, connection: Connection) -> None:
        try:
            await connection.run()
        finally:
            del self._connections[connection.conn]
            carried = connection.traffic()
            self._closed_sent += carried.sent
            self._closed_received += carried.received
            if not self._connections:
                self._all_gone.set()
            if not connection.was_opened:
                reason = connection.reason or "closed before it opened"
                if connection.inbound:
                    self._inbox.put_nowait(InboundFailed(connection.remote, reason))
                else:
                    self._inbox.put_nowait(DialFailed(connection.conn, connection.remote, reason))

    async def _resolve(self, effect: Resolve) -> None:
        found: list[TimedAddress] = []
        try:
            with trio.move_on_after(DNS_TIMEOUT_US / SECOND_US):
                now = seconds(self._clock())
                for address in await self._resolver.resolve(parse_seed(effect.host, effect.port)):
                    found.append(TimedAddress(address, int(Services.NETWORK), now))
        except (OSError, DecodeError):
            # A seed that cannot be asked is no news: discovery tries the next.
            found = []
        self._inbox.put_nowait(AddressesFound(AddressSource.DNS, effect.host, tuple(found)))


async def open_listeners(addresses: Sequence[tuple[str, int]]) -> list[trio.SocketListener]:
    """Bind and listen. Raises BindError that names the address and says what to do."""
    listeners: list[trio.SocketListener] = []
    for host, port in addresses:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = trio.socket.socket(family, socket.SOCK_STREAM)
        # Lets a restarted node take its port back at once; unlike SO_REUSEPORT it lets nobody share it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            await sock.bind((host, port))
            sock.listen(_LISTEN_BACKLOG)
        except OSError as error:
            sock.close()
            for listener in listeners:
                await listener.aclose()
            hint = (
                "; another node may be running, choose another port with -l" if error.errno == errno.EADDRINUSE else ""
            )
            raise BindError(f"cannot listen on {host} port {port}: {_os_reason(error)}{hint}") from error
        listeners.append(trio.SocketListener(sock))
    return listeners


def has_ipv6() -> bool:
    """Whether this machine can listen on IPv6 at all: the library may know it and the kernel not."""
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def listening_port(listener: trio.SocketListener) -> int:
    """The port a listener got, where it asked for port 0."""
    return int(listener.socket.getsockname()[1])


def _no_group(_address: NodeAddress) -> bytes:
    return b""


def _tune(stream: trio.SocketStream) -> None:
    sock = stream.socket
    # A host that vanished without a word is noticed by the kernel in about two minutes.
    for level, option, value in (
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 0), 60),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", 0), 15),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", 0), 4),
    ):
        if option:
            sock.setsockopt(level, option, value)


def _local_address(stream: trio.SocketStream) -> NodeAddress | None:
    try:
        host, port = stream.socket.getsockname()[:2]
    except OSError:
        return None
    return NodeAddress(normalise_host(host), port)


def _os_reason(error: OSError) -> str:
    if error.__cause__ is not None and isinstance(error.__cause__, OSError):
        error = error.__cause__
    if isinstance(error, socket.gaierror):
        return f"name cannot be resolved ({error.strerror})"
    return error.strerror or str(error)
