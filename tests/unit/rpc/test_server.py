import asyncio
import errno
import json

import pytest

from minicoin.core.limits import RPC_BODIES_BYTES_MAX, RPC_BODY_BYTES_MAX, RPC_HEAD_BYTES_MAX, RPC_KEEP_ALIVE_S
from minicoin.rpc.auth import Auth, Credentials
from minicoin.rpc.connections import RpcConnection
from minicoin.rpc.server import Front, RpcEndpoint, RpcServer

ALICE = Credentials("alice", "secret")
BODY = json.dumps({"method": "getblockcount", "id": 1}).encode()


def _scope(method, path, headers):
    connection = RpcConnection(lambda: None, 0)
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": headers,
        "state": {"connection": connection},
    }


async def _request(endpoint, body=BODY, *, method="POST", path="/", auth=ALICE.header, chunks=1, length=None):
    headers = [] if auth is None else [(b"authorization", auth.encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    size = -(-len(body) // chunks)
    parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    sent = []

    async def receive():
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    await endpoint(_scope(method, path, headers), receive, send)
    start, end = sent
    return start["status"], dict(start["headers"]), end["body"]


@pytest.fixture
def endpoint(rpc) -> RpcEndpoint:
    return RpcEndpoint(rpc.dispatcher, Auth(None, ALICE))


def _ask(endpoint, *args, **kwargs):
    return asyncio.run(_request(endpoint, *args, **kwargs))


def test_a_call(endpoint) -> None:
    status, headers, body = _ask(endpoint)
    assert status == 200
    # Exactly this: clients compare the whole value.
    assert headers[b"content-type"] == b"application/json"
    assert int(headers[b"content-length"]) == len(body)
    assert json.loads(body)["result"] == 0


def test_a_body_in_pieces(endpoint) -> None:
    assert _ask(endpoint, chunks=7)[0] == 200


@pytest.mark.parametrize("auth", [None, Credentials("alice", "wrong").header, "Bearer x"])
def test_strangers_are_401(endpoint, auth) -> None:
    status, headers, body = _ask(endpoint, auth=auth)
    assert status == 401
    assert headers[b"www-authenticate"].startswith(b"Basic")
    assert body == b""


def test_a_stranger_s_body_is_not_read(endpoint) -> None:
    async def ask() -> int:
        sent = []

        async def receive():
            raise AssertionError("read before the password was checked")

        async def send(message):
            sent.append(message)

        await endpoint(_scope("POST", "/", []), receive, send)
        return sent[0]["status"]

    assert asyncio.run(ask()) == 401


def test_only_post(endpoint) -> None:
    status, headers, _ = _ask(endpoint, method="GET")
    assert status == 405
    assert headers[b"allow"] == b"POST"


def test_announced_and_real_sizes_are_bounded(endpoint, monkeypatch) -> None:
    assert _ask(endpoint, length=RPC_BODY_BYTES_MAX + 1)[0] == 413
    monkeypatch.setattr("minicoin.rpc.server.RPC_BODY_BYTES_MAX", 20)
    assert _ask(endpoint, chunks=4)[0] == 413


def test_the_wallet_of_the_path_must_exist(endpoint) -> None:
    body = json.dumps({"method": "getbalance", "id": 1}).encode()
    status, _, answer = _ask(endpoint, body, path="/wallet/other")
    assert status == 500
    assert json.loads(answer)["error"]["code"] == -18


def test_all_bodies_together_are_bounded_and_a_small_one_gets_through(endpoint) -> None:
    async def flood() -> tuple[list[int], int]:
        gate = asyncio.Event()
        statuses = []

        async def receive():
            await gate.wait()
            return {"type": "http.request", "body": BODY}

        async def send(message):
            if "status" in message:
                statuses.append(message["status"])

        headers = [(b"authorization", ALICE.header.encode()), (b"content-length", str(RPC_BODY_BYTES_MAX).encode())]
        fitting = RPC_BODIES_BYTES_MAX // RPC_BODY_BYTES_MAX
        large = [asyncio.create_task(endpoint(_scope("POST", "/", headers), receive, send)) for _ in range(fitting + 1)]
        await asyncio.sleep(0)
        small, _, _ = await _request(endpoint)
        gate.set()
        await asyncio.gather(*large)
        return statuses, small

    statuses, small = asyncio.run(flood())
    assert small == 200
    assert statuses.count(503) == 1
    assert statuses.count(200) == len(statuses) - 1
    # The room is free again.
    assert _ask(endpoint, length=RPC_BODY_BYTES_MAX)[0] == 200


def test_a_client_that_leaves_in_the_middle_of_its_body(endpoint) -> None:
    async def ask() -> int:
        sent = []

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await endpoint(_scope("POST", "/", [(b"authorization", ALICE.header.encode())]), receive, send)
        return sent[0]["status"]

    assert asyncio.run(ask()) == 400


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("http://127.0.0.1:18443/", "/"),
        ("http://127.0.0.1:18443", "/"),
        ("HTTP://host/wallet/x", "/wallet/x"),
    ],
)
def test_a_target_may_be_named_in_full(target: str, path: str) -> None:
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["path"])

    asyncio.run(Front(app)(_scope("POST", target, []), None, None))
    assert seen == [path]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/" + "x" * (RPC_HEAD_BYTES_MAX - 100), [], 200),
        ("/" + "x" * RPC_HEAD_BYTES_MAX, [], 400),
        ("/", [(b"header", b"foo")] * (RPC_HEAD_BYTES_MAX // 20), 200),
        ("/", [(b"header", b"foo")] * (RPC_HEAD_BYTES_MAX // 10), 400),
    ],
)
def test_heads_are_bounded(path: str, headers: list[tuple[bytes, bytes]], status: int) -> None:
    answers = []

    async def app(scope, receive, send):
        answers.append(200)

    async def send(message):
        if "status" in message:
            answers.append(message["status"])

    asyncio.run(Front(app)(_scope("GET", path, headers), None, send))
    assert answers == [status]


def test_a_refused_body_ends_the_connection(endpoint) -> None:
    status, headers, _ = _ask(endpoint, length=RPC_BODY_BYTES_MAX + 1)
    assert (status, headers[b"connection"]) == (413, b"close")


def test_running_out_of_files_is_said_once_a_minute(rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    troubles: list[str] = []
    server = RpcServer(rpc.port, ("127.0.0.1", 0), Auth(None, ALICE), on_trouble=troubles.append)

    async def play() -> list[str]:
        loop = asyncio.get_running_loop()
        others: list[str] = []
        loop.set_exception_handler(lambda _, context: others.append(context["message"]))
        error = OSError(errno.EMFILE, "Too many open files")
        began = 1_000
        for after_s in (0, 1, 59, 60, 61, 119, 120):
            monkeypatch.setattr(loop, "time", lambda after_s=after_s: began + after_s)
            for _ in range(256):
                server.note_trouble(loop, {"message": "socket.accept() out of system resource", "exception": error})
        monkeypatch.undo()
        return others

    assert asyncio.run(play()) == []
    assert troubles == 3 * ["no connection can be accepted: Too many open files"]


def test_how_long_a_client_may_be_silent_is_the_operators_choice(rpc) -> None:
    place = ("127.0.0.1", 0)
    assert RpcServer(rpc.port, place, Auth(None, ALICE)).configure().timeout_keep_alive == RPC_KEEP_ALIVE_S
    assert RpcServer(rpc.port, place, Auth(None, ALICE), keep_alive_s=90).configure().timeout_keep_alive == 90
