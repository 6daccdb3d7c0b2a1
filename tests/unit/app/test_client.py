from pathlib import Path

import pytest

from minicoin.app import client as client_module
from minicoin.app.client import UNLOCK_NEEDED, NodePlace, NoNode, RpcClient, RpcFailure, as_array, as_object
from minicoin.app.http_post import NoHttp
from minicoin.core.params.builtin import REGTEST
from minicoin.rpc import errors
from minicoin.rpc.auth import Credentials

ALICE = Credentials("alice", "secret")


class Answers:
    """An HttpConnection that answers as told: (status, body) or an exception."""

    def __init__(self, *answers: tuple[int, bytes] | Exception) -> None:
        self._answers = list(answers)
        self.sent: list[bytes] = []

    def post(self, body: bytes, authorization: str) -> tuple[int, bytes]:
        assert authorization == ALICE.header
        self.sent.append(body)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def _client(tmp_path: Path, *answers: tuple[int, bytes] | Exception) -> tuple[RpcClient, Answers]:
    connection = Answers(*answers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client_module, "HttpConnection", lambda *_: connection)
        return RpcClient(NodePlace("regtest", tmp_path, credentials=ALICE)), connection


def test_the_code_of_a_locked_wallet_is_the_nodes() -> None:
    assert UNLOCK_NEEDED == errors.UNLOCK_NEEDED


def test_without_a_cookie_no_node_runs(tmp_path: Path) -> None:
    with pytest.raises(NoNode) as absent:
        RpcClient(NodePlace("regtest", tmp_path))
    assert f"no node is running for {tmp_path}" in str(absent.value)
    assert f"minicoin startnode --network regtest --datadir {tmp_path}" in str(absent.value)


def test_where_the_node_is(tmp_path: Path) -> None:
    assert NodePlace("regtest", tmp_path).address() == ("127.0.0.1", REGTEST.rpc_port)
    (tmp_path / "rpc.address").write_text("127.0.0.2 4000")
    assert NodePlace("regtest", tmp_path).address() == ("127.0.0.2", 4000)
    assert NodePlace("regtest", tmp_path, port=5).address() == ("127.0.0.1", 5)
    assert NodePlace("regtest", tmp_path, "::1", 5).address() == ("::1", 5)
    (tmp_path / "rpc.address").write_text("torn")
    assert NodePlace("regtest", tmp_path).address() == ("127.0.0.1", REGTEST.rpc_port)


def test_a_dead_node_whose_cookie_stayed(tmp_path: Path) -> None:
    with pytest.raises(NoNode, match="no node is running"):
        _client(tmp_path, ConnectionRefusedError())[0].call("getblockcount")


def test_results_and_failures(tmp_path: Path) -> None:
    bodies = (b'{"result": 0.10000000}', b'{"error": {"code": -8, "message": "no"}}', b'{"result": null}')
    client, _ = _client(tmp_path, *((200, body) for body in bodies))
    assert str(client.call("x")) == "0.10000000"
    with pytest.raises(RpcFailure) as failure:
        client.call("x")
    assert (failure.value.code, failure.value.message) == (-8, "no")
    assert client.call_named("x", a=None) is None


def test_named_arguments_leave_out_what_is_none(tmp_path: Path) -> None:
    client, connection = _client(tmp_path, (200, b'{"result": 1}'))
    client.call_named("m", a=1, b=None)
    assert b'"params":{"a":1}' in connection.sent[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b""), "refuses these credentials: is .* its data directory"),
        ((200, b"<html>"), "is no minicoin node: it answered with HTTP status 200"),
        ((200, b"[]"), "is no minicoin node"),
        ((503, b"too many"), "is busy: too many"),
        (NoHttp(), "does not speak HTTP"),
        (ConnectionResetError(), "ended the connection before it answered"),
        (TimeoutError(), "took no connection within 5 s"),
    ],
)
def test_strange_answers(tmp_path: Path, answer, words: str) -> None:
    with pytest.raises(NoNode, match=words):
        _client(tmp_path, answer)[0].call("x")


def test_shapes_are_checked() -> None:
    assert as_object({"a": 1}) == {"a": 1}
    assert as_array([1]) == [1]
    for wrong in (as_object, as_array):
        with pytest.raises(NoNode):
            wrong("x")
