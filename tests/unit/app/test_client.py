from pathlib import Path

import httpx
import pytest

from minicoin.app.client import NodePlace, NoNode, RpcClient, RpcFailure, as_array, as_object
from minicoin.core.params.builtin import REGTEST
from minicoin.rpc.auth import Credentials

ALICE = Credentials("alice", "secret")


def _client(tmp_path: Path, answer) -> RpcClient:
    client = RpcClient(NodePlace(REGTEST, tmp_path, credentials=ALICE))
    client._client = httpx.Client(base_url="http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    return client


def test_without_a_cookie_no_node_runs(tmp_path: Path) -> None:
    with pytest.raises(NoNode) as absent:
        RpcClient(NodePlace(REGTEST, tmp_path))
    assert f"no node is running for {tmp_path}" in str(absent.value)
    assert f"minicoin startnode --network regtest --datadir {tmp_path}" in str(absent.value)


def test_where_the_node_is(tmp_path: Path) -> None:
    assert NodePlace(REGTEST, tmp_path).address() == ("127.0.0.1", REGTEST.rpc_port)
    (tmp_path / "rpc.address").write_text("127.0.0.2 4000")
    assert NodePlace(REGTEST, tmp_path).address() == ("127.0.0.2", 4000)
    assert NodePlace(REGTEST, tmp_path, port=5).address() == ("127.0.0.1", 5)
    assert NodePlace(REGTEST, tmp_path, "::1", 5).address() == ("::1", 5)
    (tmp_path / "rpc.address").write_text("torn")
    assert NodePlace(REGTEST, tmp_path).address() == ("127.0.0.1", REGTEST.rpc_port)


def test_a_dead_node_whose_cookie_stayed(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(NoNode, match="no node is running"):
        _client(tmp_path, refuse).call("getblockcount")


def test_results_and_failures(tmp_path: Path) -> None:
    answers = iter(['{"result": 0.10000000}', '{"error": {"code": -8, "message": "no"}}', '{"result": null}'])
    client = _client(tmp_path, lambda request: httpx.Response(200, text=next(answers)))
    assert str(client.call("x")) == "0.10000000"
    with pytest.raises(RpcFailure) as failure:
        client.call("x")
    assert (failure.value.code, failure.value.message) == (-8, "no")
    assert client.call_named("x", a=None) is None


def test_named_arguments_leave_out_what_is_none(tmp_path: Path) -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(200, text='{"result": 1}')

    _client(tmp_path, answer).call_named("m", a=1, b=None)
    assert b'"params":{"a":1}' in seen[0]


@pytest.mark.parametrize(("status", "text"), [(401, ""), (200, "<html>"), (200, "[]"), (503, "busy")])
def test_strange_answers(tmp_path: Path, status: int, text: str) -> None:
    client = _client(tmp_path, lambda request: httpx.Response(status, text=text))
    with pytest.raises(NoNode):
        client.call("x")


def test_shapes_are_checked() -> None:
    assert as_object({"a": 1}) == {"a": 1}
    assert as_array([1]) == [1]
    for wrong in (as_object, as_array):
        with pytest.raises(NoNode):
            wrong("x")
