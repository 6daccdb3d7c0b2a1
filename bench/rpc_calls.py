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

from minicoin.app.options import make_options
from minicoin.app.run import run_node
from minicoin.rpc.auth import COOKIE_FILE

_NETWORK = "bitcoin-regtest"
_CONNECTIONS = 8
_CALLS = 1_000
_START_LINES_MAX = 20


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, __file__, "serve", directory]
        node = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            host, port = _rpc_address(node)
            request = _request((Path(directory) / COOKIE_FILE).read_text())
            single = _rate(host, port, request, 1)
            many = _rate(host, port, request, _CONNECTIONS)
        finally:
            node.terminate()
            node.wait(30)
    return [
        ("RPC getblockcount", f"{many:,.0f} calls/s over {_CONNECTIONS} connections; {single:,.0f} calls/s over one")
    ]


def _rpc_address(node: subprocess.Popen[str]) -> tuple[str, int]:
    assert node.stdout is not None
    for _ in range(_START_LINES_MAX):
        line = node.stdout.readline()
        if line.startswith("RPC on "):
            host, _, port = line.split()[2].rstrip(",").rpartition(":")
            return host, int(port)
    raise RuntimeError("the node did not say where its RPC listens")


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


def _serve(directory: Path) -> int:
    chosen = {"network": _NETWORK, "datadir": directory, "listen": False, "rpc_port": 0, "dns_seed": False}
    return run_node(make_options(chosen))


def main() -> None:
    """Print the rows, or (with arguments) be the node."""
    if sys.argv[1:2] == ["serve"]:
        sys.exit(_serve(Path(sys.argv[2])))
    for what, result in rows():
        print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
