"""The HTTP server of JSON-RPC: uvicorn in a thread of its own, so that a busy client cannot delay the node's loop.

Owns binding, authentication, and the room for bodies. Which connections stay is connections', how many calls run is the
line's, what a call does is dispatch's.
"""

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import inf
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from minicoin.core.faults import MisuseError
from minicoin.core.limits import (
    RPC_BODIES_BYTES_MAX,
    RPC_BODY_BYTES_MAX,
    RPC_CONNECTIONS_MAX,
    RPC_HEAD_BYTES_MAX,
    RPC_KEEP_ALIVE_S,
    RPC_SMALL_BODY_BYTES,
)
from minicoin.rpc.auth import Auth
from minicoin.rpc.connections import RpcConnection, RpcConnections, Stage
from minicoin.rpc.dispatch import Dispatcher, HttpAnswer
from minicoin.rpc.method import Method
from minicoin.rpc.port import NodePort
from minicoin.rpc.table import METHODS

_WALLET_PATH: Final = "/wallet/"
_CONNECTION: Final = "connection"
_ACCEPT_ERRORS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
_CLOSE: Final = (b"connection", b"close")
_HEAD_MAX: Final = RPC_HEAD_BYTES_MAX
_HEADER_MARKS: Final = len(": \r\n")
_STOP_WAIT_S: Final = 5
_WATCH_EVERY_S: Final = 1.0
_TROUBLE_EVERY_S: Final = 60
_JSON: Final = (b"content-type", b"application/json")
_REFUSAL: Final = (b"www-authenticate", b'Basic realm="jsonrpc"')
# A guesser gets a handful of tries a second.
_WRONG_PASSWORD_WAIT_S: Final = 0.25


class RpcEndpoint:
    """The ASGI side of one path. Bare ASGI, since this is what every call pays for."""

    def __init__(self, dispatcher: Dispatcher, auth: Auth) -> None:
        self._dispatcher = dispatcher
        self._auth = auth
        self._bodies_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: RpcConnection = scope["state"][_CONNECTION]
        answer, *headers = await self._answer(connection, scope, receive)
        connection.enter(Stage.ANSWER, time.monotonic())
        await _send(send, answer, *headers)
        connection.enter(Stage.IDLE, time.monotonic())

    async def _answer(
        self, connection: RpcConnection, scope: Scope, receive: Receive
    ) -> tuple[HttpAnswer, *tuple[tuple[bytes, bytes], ...]]:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if scope["method"] != "POST":
            return HttpAnswer(405, b"JSONRPC server handles only POST requests"), (b"allow", b"POST")
        authorization = headers.get(b"authorization", b"")
        if not self._auth.accepts(authorization):
            if authorization:
                await asyncio.sleep(_WRONG_PASSWORD_WAIT_S)
            return HttpAnswer(401), _REFUSAL
        connection.is_trusted = True
        connection.enter(Stage.BODY, time.monotonic())
        body = _Body(self)
        try:
            octets = await body.read(headers, receive)
            connection.enter(Stage.CALL, time.monotonic())
            path: str = scope["path"]
            wallet = path.removeprefix(_WALLET_PATH) if path.startswith(_WALLET_PATH) else None
            allows = partial(self._auth.allows, authorization)
            return (await self._dispatcher.handle(octets, wallet, connection.client, allows),)
        except _BodyRefused as refused:
            # What is left of the body is not read, so nothing can follow it.
            return refused.answer, _CLOSE
        finally:
            self._bodies_bytes -= body.claimed

    def claim(self, size: int) -> bool:
        """Whether there is room for so many more bytes of bodies; then they count."""
        if self._bodies_bytes + size > RPC_BODIES_BYTES_MAX:
            return False
        self._bodies_bytes += size
        return True


class _BodyRefused(Exception):
    """A body that is not read to its end."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.answer = HttpAnswer(status, problem.encode())


class _Body:
    """A request's body on its way in. `claimed` is what it takes of the room for all."""

    def __init__(self, endpoint: RpcEndpoint) -> None:
        self._endpoint = endpoint
        self.claimed = 0

    async def read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Raises _BodyRefused."""
        length = headers.get(b"content-length", b"0")
        self._grow(int(length) if length.isdigit() else 0)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _BodyRefused(400, "the body is incomplete")
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            self._grow(size)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _grow(self, size: int) -> None:
        if size > RPC_BODY_BYTES_MAX:
            raise _BodyRefused(413, f"a request has at most {RPC_BODY_BYTES_MAX} bytes")
        if size <= max(RPC_SMALL_BODY_BYTES, self.claimed):
            return
        if not self._endpoint.claim(size - self.claimed):
            raise _BodyRefused(503, "too many large requests at one time")
        self.claimed = size


async def _send(send: Send, answer: HttpAnswer, *extra: tuple[bytes, bytes]) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode()), *extra]
    if answer.body:
        headers.append(_JSON if answer.body[:1] in b"{[" else (b"content-type", b"text/plain"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class RpcServer:
    """Serves one node. start() returns once it listens; stop() ends the thread and removes the cookie."""

    def __init__(
        self,
        port: NodePort,
        bind: tuple[str, int],
        auth: Auth,
        methods: Iterable[Method] = METHODS,
        on_trouble: Callable[[str], object] = lambda reason: None,
        keep_alive_s: int = RPC_KEEP_ALIVE_S,
    ) -> None:
        """A client that is served may be silent for `keep_alive_s`, unless others need the place."""
        self._keep_alive_s = keep_alive_s
        self._node = port
        self._bind = bind
        self._auth = auth
        self._methods = tuple(methods)
        self._on_trouble = on_trouble
        self._quiet_until_s = -inf
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; with port 0 asked for, the one it got."""
        if self._socket is None:
            return self._bind
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Bind and serve. Raises MisuseError where the address is taken or is not ours."""
        self._socket = _listen(*self._bind)
        try:
            self._auth.open()
            self._auth.publish(*self.address)
        except OSError as error:
            self._socket.close()
            raise MisuseError(f"cannot write the RPC cookie: {error}") from error
        self._server = uvicorn.Server(self.configure())
        self._thread = threading.Thread(target=self._serve, name="rpc", daemon=True)
        self._thread.start()

    def configure(self) -> "_Config":
        """How uvicorn serves the node."""
        endpoint = RpcEndpoint(Dispatcher(self._methods, self._node), self._auth)
        config = _Config(
            Front(Starlette(routes=[Route("/", endpoint), Route("/wallet/{name}", endpoint)])),
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http=_Protocol,
            ws="none",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=RPC_HEAD_BYTES_MAX,
            timeout_keep_alive=self._keep_alive_s,
            timeout_graceful_shutdown=_STOP_WAIT_S,
            backlog=RPC_CONNECTIONS_MAX,
        )
        config.connections = RpcConnections()
        return config

    def stop(self) -> None:
        """Finish the calls at work, within seconds."""
        if self._server is None or self._thread is None or self._socket is None:
            return
        self._server.should_exit = True
        self._thread.join(2 * _STOP_WAIT_S)
        self._socket.close()
        self._auth.close()

    def _serve(self) -> None:
        asyncio.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        assert self._server is not None and self._socket is not None and isinstance(self._server.config, _Config)
        asyncio.get_running_loop().set_exception_handler(self.note_trouble)
        watch = asyncio.create_task(_close_overdue(self._server.config.connections))
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            watch.cancel()

    def note_trouble(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        """The loop's own troubles: where files or memory run out it tries again every second, as often as connections
        might wait, and says so each time; here it is said once a minute."""
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _ACCEPT_ERRORS:
            if loop.time() >= self._quiet_until_s:
                self._quiet_until_s = loop.time() + _TROUBLE_EVERY_S
                self._on_trouble(f"no connection can be accepted: {error.strerror}")
        else:
            loop.default_exception_handler(dict(context))


async def _close_overdue(connections: RpcConnections) -> None:
    while True:
        await asyncio.sleep(_WATCH_EVERY_S)
        connections.close_overdue(time.monotonic())


class _Config(uvicorn.Config):
    """Carries what all connections share to each of them."""

    connections: RpcConnections


class _Protocol(H11Protocol):
    """uvicorn's, with an eye on how long each connection takes."""

    _connection: RpcConnection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connection = RpcConnection(transport.abort, time.monotonic())
        self.app_state = {**self.app_state, _CONNECTION: self._connection}
        self._table.add(self._connection)

    def data_received(self, data: bytes) -> None:
        self._table.received(self._connection, time.monotonic())
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self._connection)
        self._connection.client.hang_up()
        super().connection_lost(exc)

    @property
    def _table(self) -> RpcConnections:
        assert isinstance(self.config, _Config)
        return self.config.connections


class Front:
    """Before the routes: refuses heads that are too long, and lets requests through to `app` that name their target in
    full (`POST http://host/wallet/x`), as to a proxy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if len(scope["raw_path"]) + sum(len(name) + len(value) + _HEADER_MARKS for name, value in headers) > _HEAD_MAX:
            await _send(send, HttpAnswer(400, b"the head of the request is too long"), _CLOSE)
            return
        path: str = scope["path"]
        if path.lower().startswith("http://"):
            path = "/" + path[len("http://") :].partition("/")[2]
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol by name: only then asyncio switches Nagle's algorithm off, which costs 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(RPC_CONNECTIONS_MAX)
    except OSError as error:
        listener.close()
        raise MisuseError(
            f"cannot listen for RPC on {host}:{port}: {error.strerror}; choose another port with --rpcport"
        ) from error
    return listener
