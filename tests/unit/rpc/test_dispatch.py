import asyncio
import json

import pytest

from minicoin.core.limits import RPC_BATCH_CALLS_MAX
from minicoin.rpc.json_text import encode_json


def test_version_1_answers_have_result_error_and_id(rpc) -> None:
    answer = rpc.post({"version": "1.1", "method": "getblockcount", "params": [], "id": "a"})
    assert answer.status == 200
    assert json.loads(answer.body) == {"result": 0, "error": None, "id": "a"}


def test_version_2_answers_have_no_error_member(rpc) -> None:
    answer = rpc.post({"jsonrpc": "2.0", "method": "getblockcount", "id": 7})
    assert json.loads(answer.body) == {"jsonrpc": "2.0", "result": 0, "id": 7}


@pytest.mark.parametrize("params", [None, [], {}])
def test_params_may_be_missing_or_empty(rpc, params) -> None:
    assert rpc.post({"method": "getblockcount", "params": params, "id": 1}).status == 200


def test_version_1_errors_have_a_status(rpc) -> None:
    answer = rpc.post({"method": "getblockhash", "params": [99], "id": 1})
    assert answer.status == 500
    assert json.loads(answer.body) == {
        "result": None,
        "error": {"code": -8, "message": "Block height out of range"},
        "id": 1,
    }


def test_unknown_methods_are_404(rpc) -> None:
    answer = rpc.post({"method": "nosuch", "id": 1})
    assert answer.status == 404
    assert json.loads(answer.body)["error"] == {"code": -32601, "message": "Method not found"}


def test_version_2_errors_are_200(rpc) -> None:
    answer = rpc.post({"jsonrpc": "2.0", "method": "nosuch", "id": 1})
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "jsonrpc": "2.0",
        "error": {"code": -32601, "message": "Method not found"},
        "id": 1,
    }


def test_version_2_notifications_are_carried_out_and_not_answered(rpc) -> None:
    address = "mcrt1q" + "q" * 38 + "000000"
    assert rpc.post({"jsonrpc": "2.0", "method": "validateaddress", "params": [address]}).status == 204
    assert rpc.post({"jsonrpc": "2.0", "method": "nosuch"}).status == 204
    assert rpc.post({"method": "getblockcount"}).status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'"text"', b"7", b"NaN"])
def test_malformed_json_is_a_parse_error(rpc, body: bytes) -> None:
    answer = rpc.post(body)
    assert answer.status == 500
    assert json.loads(answer.body)["error"]["code"] == -32700


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"id": 1}, "Missing method"),
        ({"id": 1, "method": 5}, "Method must be a string"),
        ({"id": 1, "method": "getblockcount", "jsonrpc": 2}, "jsonrpc field must be a string"),
        ({"id": 1, "method": "getblockcount", "params": "x"}, "Params must be an array or object"),
        ({"id": 1, "method": "getblockcount", "jsonrpc": "3.0"}, "JSON-RPC version not supported"),
    ],
)
def test_what_is_no_request_is_400(rpc, request_, message: str) -> None:
    answer = rpc.post(request_)
    assert answer.status == 400
    assert json.loads(answer.body)["error"] == {"code": -32600, "message": message}


def test_batches_answer_in_order_and_fail_one_by_one(rpc) -> None:
    answer = rpc.post(
        [
            {"jsonrpc": "2.0", "method": "getblockcount", "id": 1},
            {"jsonrpc": "2.0", "method": "getblockhash", "params": [5], "id": 2},
            {"method": "nosuch", "id": 3},
            17,
            {"jsonrpc": "2.0", "method": "getblockcount"},
        ]
    )
    assert answer.status == 200
    first, second, third, fourth = json.loads(answer.body)
    assert first == {"jsonrpc": "2.0", "result": 0, "id": 1}
    assert second.keys() == {"jsonrpc", "error", "id"}
    assert second["error"]["code"] == -8
    assert third["error"]["code"] == -32601
    assert fourth["error"]["code"] == -32600


def test_a_batch_of_notifications_is_not_answered(rpc) -> None:
    assert rpc.post([{"jsonrpc": "2.0", "method": "getblockcount"}]).status == 204
    assert json.loads(rpc.post([]).body) == []


def test_a_batch_that_is_too_large_is_answered_by_an_array_and_not_carried_out(rpc) -> None:
    calls = [{"method": "createwallet", "id": number} for number in range(RPC_BATCH_CALLS_MAX + 1)]
    calls[1] = {"jsonrpc": "2.0", "method": "createwallet"}
    answer = rpc.post(calls)
    assert answer.status == 200
    answers = json.loads(answer.body)
    assert [each["id"] for each in answers] == [0, *range(2, RPC_BATCH_CALLS_MAX), None]
    assert all(each["error"]["code"] == -32600 for each in answers)
    assert str(RPC_BATCH_CALLS_MAX) in answers[0]["error"]["message"]
    assert rpc("listwallets") == []


def test_an_id_is_echoed_as_it_came_and_only_where_it_came(rpc) -> None:
    assert json.loads(rpc.post({"id": [1], "method": "getblockcount"}).body)["id"] == [1]
    assert json.loads(rpc.post({"method": "getblockcount"}).body) == {"result": 0, "error": None}
    assert json.loads(rpc.post({"method": "nosuch"}).body).keys() == {"result", "error"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("getblokcount", "Method not found (did you mean getblockcount?)"),
        ("invalidmethod", "Method not found"),
        ("x" * 100_000, "Method not found"),
    ],
)
def test_a_near_name_is_suggested(rpc, name: str, message: str) -> None:
    answer = rpc.post({"id": 1, "method": name})
    assert answer.status == 404
    assert json.loads(answer.body)["error"] == {"code": -32601, "message": message}


def test_calls_that_a_user_may_not_make_are_forbidden_also_in_a_batch(rpc) -> None:
    def post(document):
        allows = {"getblockcount"}.__contains__
        return asyncio.run(rpc.dispatcher.handle(encode_json(document).encode(), allows=allows))

    allowed, other = ({"id": 1, "method": name} for name in ("getblockcount", "stop"))
    assert post(allowed).status == post([allowed, allowed]).status == 200
    for forbidden in (other, [allowed, other]):
        answer = post(forbidden)
        assert (answer.status, answer.body) == (403, b"")
    assert rpc.port.host.is_up
