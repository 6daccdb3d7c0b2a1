"""Simple JSON-RPC calls a second: getblockcount over kept-alive connections, from another process than the node's.

The client speaks HTTP with prepared bytes, so that it costs little beside the server it measures.
"""

import base64
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import trio

from minicoin.app.bridge import NodeBridge
from minicoin.app.build import NodeSetup, build_node
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.rpc.auth import COOKIE_FILE, Auth
from minicoin.rpc.server import RpcServer

_NETWORK = "bitcoin-regtest"
_HOST = "127.0.0.1"
_CONNECTIONS = 8
_CALLS = 1_000


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, __file__, "serve", directory]
        node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert node.stdout is not None
        try:
            host, port = node.stdout.readline().split()
            request = _request((Path(directory) / COOKIE_FILE).read_text())
            single = _rate(host, int(port), request, 1)
            many = _rate(host, int(port), request, _CONNECTIONS)
        finally:
            lag = node.communicate()[0].strip()
    result = f"{many:,.0f} calls/s over {_CONNECTIONS} connections; {single:,.0f} over one; loop lag p99 {lag} ms"
    return [("RPC getblockcount", result)]


def _request(cookie: str) -> bytes:
    body = b'{"jsonrpc":"2.0","id":1,"method":"getblockcount","params":[]}'
    token = base64.b64encode(cookie.encode()).decode()
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _rate(host: str, port: int, request: bytes, connections: int) -> float:
    threads = [threading.Thread(target=_call_many, args=(host, port, request)) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return connections * _CALLS / (time.perf_counter() - started)


def _call_many(host: str, port: int, request: bytes) -> None:
    with socket.create_connection((host, port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(_CALLS):
            connection.sendall(request)
            answer = _read_answer(connection)
            assert b'"result":0' in answer.replace(b" ", b""), answer


def _read_answer(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += _some(connection)
    return body


def _some(connection: socket.socket) -> bytes:
    chunk = connection.recv(65_536)
    if not chunk:
        raise RuntimeError("the node closed the connection")
    return chunk


async def _serve(directory: Path) -> None:
    network = lookup(_NETWORK)
    built = await build_node(NodeSetup(network, directory, NodePolicy(listens=False)), lambda now, notice: None)
    bridge = NodeBridge(built.runtime, network, directory, "bench", int(time.time()))
    server = RpcServer(bridge, (_HOST, 0), Auth(directory))
    server.start()
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(built.run)
            print(*server.address, flush=True)
            # Until the parent closes our input.
            await trio.to_thread.run_sync(sys.stdin.read)
            print(f"{built.runtime.lag.snapshot().p99_ms:.1f}")
            built.runtime.stop_nowait()
            await built.runtime.finished.wait()
    finally:
        server.stop()


def main() -> None:
    """Print the rows, or (with arguments) be the node."""
    if sys.argv[1:2] == ["serve"]:
        trio.run(_serve, Path(sys.argv[2]))
        return
    for what, result in rows():
        print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
