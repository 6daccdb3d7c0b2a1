from decimal import Decimal

import pytest

from minicoin.rpc.arguments import bind_arguments, count_given
from minicoin.rpc.errors import RpcError
from minicoin.rpc.json_text import Json, decode_json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, parse_amount, parse_hash, parse_hex


async def _nothing(call: Call) -> Json:
    return None


METHOD = Method(
    "example",
    Category.UTIL,
    "An example.",
    "null",
    _nothing,
    (
        Argument("height", Kind.INTEGER, "A height."),
        optional("verbosity", Kind.LEVEL, 1, "How much.", aliases=("verbose",)),
        optional("label", Kind.TEXT, None, "A name."),
    ),
)


def _refusal(params: Json) -> tuple[int, str]:
    with pytest.raises(RpcError) as refused:
        bind_arguments(METHOD, params)
    return refused.value.code, refused.value.message


@pytest.mark.parametrize(
    ("params", "bound"),
    [
        ([5], {"height": 5, "verbosity": 1, "label": None}),
        ([5, 2, "x"], {"height": 5, "verbosity": 2, "label": "x"}),
        ([5, None, "x"], {"height": 5, "verbosity": 1, "label": "x"}),
        ({"height": 5, "label": "x"}, {"height": 5, "verbosity": 1, "label": "x"}),
        ({"height": 5, "verbose": True}, {"height": 5, "verbosity": True, "label": None}),
        ({"args": [5], "label": "x"}, {"height": 5, "verbosity": 1, "label": "x"}),
    ],
)
def test_positional_and_named_arguments_bind(params: Json, bound: dict[str, Json]) -> None:
    assert bind_arguments(METHOD, params) == bound


def test_a_missing_argument_is_named_with_the_usage() -> None:
    code, message = _refusal([])
    assert code == -1
    assert "height is missing" in message
    assert 'example height ( verbosity "label" )' in message


@pytest.mark.parametrize("params", [[None], [None, 1], {"height": None}])
def test_null_does_not_stand_for_what_is_required(params: Json) -> None:
    code, message = _refusal(params)
    assert code == -3
    assert '"Position 1 (height)": "JSON value of type null is not of expected type number"' in message


@pytest.mark.parametrize(
    ("params", "count"),
    [
        (None, 0),
        ([], 0),
        ([5, None], 2),
        ({"label": None}, 3),
        ({"verbose": 1}, 2),
        ({"args": [5, None], "height": 1}, 2),
        ({"args": [5], "label": "x"}, 3),
    ],
)
def test_arguments_are_counted_up_to_the_last_that_is_named(params: Json, count: int) -> None:
    assert count_given(METHOD, params) == count


def test_too_many_arguments() -> None:
    code, message = _refusal([1, 2, "x", 4])
    assert code == -1
    assert "at most 3" in message


def test_wrong_types_name_position_and_argument_as_bitcoin_core_does() -> None:
    assert _refusal(["5", 1, 7]) == (
        -3,
        "Wrong type passed:\n{\n"
        '    "Position 1 (height)": "JSON value of type string is not of expected type number",\n'
        '    "Position 3 (label)": "JSON value of type number is not of expected type string"\n}',
    )


@pytest.mark.parametrize("value", [True, "5", [1], {}])
def test_a_number_is_a_whole_number_of_64_bits(value: Json) -> None:
    assert _refusal([value])[0] == -3


def test_unknown_and_repeated_names() -> None:
    assert _refusal({"height": 1, "hight": 2}) == (-8, "Unknown named parameter hight")
    twice = (-8, "Parameter height specified twice both as positional and named argument")
    assert _refusal({"args": [1], "height": 2}) == _refusal({"args": [None], "height": 2}) == twice
    assert _refusal({"height": 1, "verbosity": 1, "verbose": 2})[0] == -8


@pytest.mark.parametrize(
    ("value", "sat"),
    [(1, 10**8), (Decimal("0.00000001"), 1), ("0.1", 10**7), (Decimal("1e-8"), 1), (0, 0), ("21000000", 21 * 10**14)],
)
def test_amounts_are_read_exactly(value: Json, sat: int) -> None:
    assert parse_amount(value, "amount") == sat


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("abc", "Invalid amount"),
        ("NaN", "Invalid amount"),
        ("Infinity", "Invalid amount"),
        (Decimal("0.000000001"), "more than 8 decimals"),
        (-1, "out of range"),
        (21_000_001, "out of range"),
        ("1e400", "out of range"),
        (None, "not a number or string"),
        (True, "not a number or string"),
    ],
)
def test_bad_amounts_name_the_argument(value: Json, problem: str) -> None:
    with pytest.raises(RpcError, match=problem) as refused:
        parse_amount(value, "amount")
    assert refused.value.code == -3
    assert refused.value.message.startswith("amount: ")


def test_hashes_and_hex_are_strict() -> None:
    assert parse_hash("00" * 31 + "01", "txid") == b"\x01" + bytes(31)
    for text, problem in (("zz", "length 64"), ("zz" * 32, "hexadecimal"), (" " * 2 + "00" * 31, "hexadecimal")):
        with pytest.raises(RpcError, match=problem):
            parse_hash(text, "txid")
    for text in ("0", "0x00", "00 00", "zz"):
        with pytest.raises(RpcError, match="data must be hexadecimal"):
            parse_hex(text, "data")


@pytest.mark.parametrize("number", ["1.0", "1e0", "0.5", str(1 << 63)])
def test_a_number_that_is_no_whole_one_is_named_as_bitcoin_core_does(number: str) -> None:
    code, message = _refusal(decode_json(f"[{number}]"))
    assert code == -1
    assert message.startswith("JSON integer out of range: height")
