"""Whatever is written reads back equal."""

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.sim.scenario.toml_text import toml_text

KEYS = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
VALUES = st.one_of(PLAIN, st.lists(PLAIN, max_size=4), st.lists(st.lists(PLAIN, max_size=3), min_size=1, max_size=3))
DOCUMENTS = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=4),
    lambda inner: st.dictionaries(KEYS, st.one_of(VALUES, inner, st.lists(inner, min_size=1, max_size=3)), max_size=4),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS)
def test_round_trip(document: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(document)) == document


def test_none_is_left_out_and_tables_follow_plain_keys() -> None:
    assert toml_text({"a": {"b": 1}, "c": None, "d": True, "e": [{"f": 1.5}, {}]}) == (
        "d = true\n\n[a]\nb = 1\n\n[[e]]\nf = 1.5\n\n[[e]]\n"
    )
