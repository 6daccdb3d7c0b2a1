"""Whatever arguments a method is called with, the answer is a result or an error with a code: never an exception."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minicoin.rpc.method import Kind
from minicoin.rpc.table import METHODS

# These go on for as long as their argument says, or end the node.
_LEFT_OUT = ("stop", "generatetoaddress", "setmining", "waitfornewblock", "waitforblock", "waitforblockheight")

_words = st.sampled_from(
    ["", "add", "remove", "onetry", "*", "segwit", "127.0.0.1:1", "0" * 64, "00", "\ud800", "\x00"]
)
_texts = _words | st.text(max_size=70) | st.binary(max_size=40).map(bytes.hex)
_numbers = st.integers(-3, 130) | st.integers(-(2**70), 2**70)
_scalars = st.none() | st.booleans() | _numbers | _texts | st.floats(allow_nan=False, allow_infinity=False)
_anything = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["txid", "vout", "rules", "mode", "data", "amount", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def _value_for(kind: Kind):
    match kind:
        case Kind.TEXT | Kind.HEX | Kind.HASH:
            return _texts | st.binary(min_size=32, max_size=32).map(bytes.hex)
        case Kind.INTEGER | Kind.LEVEL:
            return _numbers
        case Kind.FLAG:
            return st.booleans()
        case _:
            return _anything


@st.composite
def _calls(draw):
    method = draw(st.sampled_from([method for method in METHODS if method.name not in _LEFT_OUT]))
    fitting = [draw(_value_for(argument.kind) | st.none()) for argument in method.arguments]
    params = draw(st.just(fitting) | st.lists(_anything, max_size=4) | st.dictionaries(_texts, _anything, max_size=2))
    return method.name, params


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_calls())
def test_every_call_is_answered(funded, call) -> None:
    method, params = call
    answer = funded.post(json.dumps({"id": 1, "method": method, "params": params}).encode())
    document = json.loads(answer.body)
    assert set(document) == {"result", "error", "id"}
    if document["error"] is not None:
        assert document["result"] is None
        assert -33_000 < document["error"]["code"] < 0
        assert document["error"]["message"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_anything | st.dictionaries(st.sampled_from(["id", "method", "params", "jsonrpc"]), _anything, max_size=4))
def test_every_document_is_answered(funded, document) -> None:
    answer = funded.post(json.dumps(document).encode())
    assert answer.status in (200, 204, 400, 404, 500)
    if answer.status != 204:
        json.loads(answer.body)


@pytest.mark.parametrize("label", ["\ud800", "a\udfffb"])
def test_text_that_cannot_be_written_is_refused(funded, label: str) -> None:
    assert funded.refusal("getnewaddress", label)[0] == -8
    assert funded.refusal("putdata", label)[0] == -8
