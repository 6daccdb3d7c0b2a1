"""The HTTP server of JSON-RPC: uvicorn in a thread of its own, so that a busy client cannot delay the node's loop.

Owns binding, authentication, the limits on bodies and on calls at one time. What a call does is dispatch's.
"""

import asyncio
import socket
import threading
from collections.abc import Iterable
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from minicoin.core.faults import MisuseError
from minicoin.core.limits import (
    RPC_BODY_BYTES_MAX,
    RPC_CALLS_AT_WORK_MAX,
    RPC_CALLS_WAITING_MAX,
    RPC_CONNECTIONS_MAX,
    RPC_KEEP_ALIVE_S,
)
from minicoin.rpc.auth import Auth
from minicoin.rpc.dispatch import Answer, Dispatcher
from minicoin.rpc.method import Method
from minicoin.rpc.port import NodePort
from minicoin.rpc.table import METHODS

_WALLET_PATH: Final = "/wallet/"
_STOP_WAIT_S: Final = 5
_JSON: Final = (b"content-type", b"application/json")
_REFUSAL: Final = (b"www-authenticate", b'Basic realm="jsonrpc"')
# A guesser gets a handful of tries a second.
_WRONG_PASSWORD_WAIT_S: Final = 0.25


class RpcEndpoint:
    """The ASGI side of one path. Bare ASGI, since this is what every call pays for."""

    def __init__(self, dispatcher: Dispatcher, auth: Auth) -> None:
        self._dispatcher = dispatcher
        self._auth = auth
        self._slots = asyncio.Semaphore(RPC_CALLS_AT_WORK_MAX)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if scope["method"] != "POST":
            await _send(send, Answer(405, b"JSONRPC server handles only POST requests"), (b"allow", b"POST"))
            return
        authorization = headers.get(b"authorization", b"")
        if not self._auth.accepts(authorization):
            if authorization:
                await asyncio.sleep(_WRONG_PASSWORD_WAIT_S)
            await _send(send, Answer(401), _REFUSAL)
            return
        body = await _read_body(headers, receive)
        if body is None:
            await _send(send, Answer(413, f"a request has at most {RPC_BODY_BYTES_MAX} bytes".encode()))
            return
        if self._waiting >= RPC_CALLS_WAITING_MAX:
            await _send(send, Answer(503, b"Work queue depth exceeded"))
            return
        path: str = scope["path"]
        wallet = path.removeprefix(_WALLET_PATH) if path.startswith(_WALLET_PATH) else None
        self._waiting += 1
        try:
            async with self._slots:
                answer = await self._dispatcher.handle(body, wallet)
        finally:
            self._waiting -= 1
        await _send(send, answer)


async def _read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
    """None where it is too large."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > RPC_BODY_BYTES_MAX:
        return None
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > RPC_BODY_BYTES_MAX:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send(send: Send, answer: Answer, *extra: tuple[bytes, bytes]) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode()), *extra]
    if answer.body:
        headers.append(_JSON if answer.body[:1] in b"{[" else (b"content-type", b"text/plain"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class RpcServer:
    """Serves one node. start() returns once it listens; stop() ends the thread and removes the cookie."""

    def __init__(self, port: NodePort, bind: tuple[str, int], auth: Auth, methods: Iterable[Method] = METHODS) -> None:
        self._node = port
        self._bind = bind
        self._auth = auth
        self._methods = tuple(methods)
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
        endpoint = RpcEndpoint(Dispatcher(self._methods, self._node), self._auth)
        app = Starlette(routes=[Route("/", endpoint), Route("/wallet/{name}", endpoint)])
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http="h11",
            ws="none",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=RPC_CONNECTIONS_MAX,
            timeout_keep_alive=RPC_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_WAIT_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="rpc", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the calls at work, within seconds."""
        if self._server is None or self._thread is None or self._socket is None:
            return
        self._server.should_exit = True
        self._thread.join(2 * _STOP_WAIT_S)
        self._socket.close()
        self._auth.close()

    def _serve(self) -> None:
        assert self._server is not None and self._socket is not None
        asyncio.run(self._server.serve(sockets=[self._socket]))


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
        raise MisuseError(f"cannot listen for RPC on {host}:{port}: {error.strerror}") from error
    return listener
