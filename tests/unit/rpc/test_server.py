import asyncio
import json

import pytest

from minicoin.core.limits import RPC_BODY_BYTES_MAX, RPC_CALLS_AT_WORK_MAX, RPC_CALLS_WAITING_MAX
from minicoin.rpc.auth import Auth, Credentials
from minicoin.rpc.dispatch import Answer, Dispatcher
from minicoin.rpc.server import RpcEndpoint

ALICE = Credentials("alice", "secret")
BODY = json.dumps({"method": "getblockcount", "id": 1}).encode()


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

    await endpoint({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
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

        await endpoint({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
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


class _StuckDispatcher(Dispatcher):
    """Never answers until it is let go."""

    def __init__(self) -> None:
        self.at_work = 0
        self.most = 0
        self.gate = asyncio.Event()

    async def handle(self, body: bytes, wallet: str | None = None) -> Answer:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await self.gate.wait()
        self.at_work -= 1
        return Answer(200, b"{}")


def test_calls_at_one_time_are_bounded_and_the_rest_is_503() -> None:
    async def flood() -> tuple[int, list[int]]:
        dispatcher = _StuckDispatcher()
        endpoint = RpcEndpoint(dispatcher, Auth(None, ALICE))
        tasks = [asyncio.create_task(_request(endpoint)) for _ in range(RPC_CALLS_WAITING_MAX + 5)]
        for _ in range(10):
            await asyncio.sleep(0)
        dispatcher.gate.set()
        return dispatcher.most, [status for status, _, _ in await asyncio.gather(*tasks)]

    most, statuses = asyncio.run(flood())
    assert most == RPC_CALLS_AT_WORK_MAX
    assert statuses.count(503) == 5
    assert statuses.count(200) == RPC_CALLS_WAITING_MAX
