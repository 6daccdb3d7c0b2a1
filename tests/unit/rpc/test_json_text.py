import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.rpc.json_text import Amount, decode_json, encode_json, format_json


@pytest.mark.parametrize(
    ("sat", "text"),
    [
        (0, "0.00000000"),
        (1, "0.00000001"),
        (-141, "-0.00000141"),
        (10_000_000, "0.10000000"),
        (30_000_000, "0.30000000"),
        (5_000_000_000, "50.00000000"),
        (2_100_000_000_000_000, "21000000.00000000"),
    ],
)
def test_amounts_have_eight_decimals(sat: int, text: str) -> None:
    assert encode_json({"value": Amount(sat)}) == '{"value":' + text + "}"


@given(st.integers(-(2**60), 2**60))
def test_amounts_are_exact(sat: int) -> None:
    value = decode_json(encode_json(Amount(sat)))
    assert isinstance(value, Decimal)
    assert value * 100_000_000 == sat


_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_documents)
def test_text_means_the_same_to_the_standard_library(document: object) -> None:
    assert json.loads(encode_json(document)) == document
    assert json.loads(format_json(document)) == document


def test_fractions_come_in_exact() -> None:
    assert decode_json(b"[0.1, 1e-8, 3]") == [Decimal("0.1"), Decimal("1e-8"), 3]


@pytest.mark.parametrize("text", ["", "{", "[1,]", "NaN", "[Infinity]", "nul", "{'a':1}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_json(text)


def test_people_get_one_member_a_line() -> None:
    assert format_json({"a": [1, {}], "b": "x"}) == '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x"\n}'
