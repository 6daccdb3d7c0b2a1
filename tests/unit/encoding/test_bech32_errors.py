"""Bitcoin Core's own cases of wrong addresses, and a naive search for letters that would be right."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.encoding.bech32 import BECH32, BECH32M, decode_bech32, encode_segwit
from minicoin.core.encoding.bech32_errors import locate_errors

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@pytest.mark.parametrize(
    ("text", "problem", "positions"),
    [
        ("bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Invalid Bech32 checksum", [9]),
        ("BCRT1QPLMTZKC2XHARPPZDLNPAQL78RSHJ68U32RAH7R", "Invalid Bech32 checksum", [38]),
        ("bcrt1qax9suht3qv95sw33xavx8crpxduefdrsvgsklu", "Invalid Bech32 checksum", [22, 43]),
        ("bcrt1qdg3myrgvzw7ml8q0ejxhlkyxn7vl9r56yzkfgvzclrf4hkpx9yfqhpsuks", "Invalid Bech32 checksum", [19, 30]),
        ("bcrt1ptmp74ayg7p24uslctssvjm06q5phz4yrxucgnv", "Invalid Bech32 checksum", [5]),
        ("bcrtq049ldschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Missing separator", []),
        ("bcrt1q04oldschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Invalid Base 32 character", [8]),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3t4", "Invalid character or mixed case", [40]),
        ("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "Invalid Base 32 character", [59]),
        ("bcrt1" + "q" * 103, "Bech32 string too long", list(range(90, 108))),
        ("1qqqqqqqqq", "Invalid separator position", [0]),
        ("bcrt1qqqqq", "Invalid separator position", [4]),
        ("bcrt1\x7fqqqqqqq", "Invalid character or mixed case", [5]),
    ],
)
def test_known_cases(text: str, problem: str, positions: list[int]) -> None:
    assert locate_errors(text) == (problem, tuple(positions))


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from([0, 1, 16]),
    st.sampled_from([20, 32]),
    st.data(),
)
def test_one_or_two_changed_letters_are_found(version: int, size: int, data) -> None:
    text = encode_segwit("bcrt", version, bytes(range(size)))
    places = data.draw(st.lists(st.integers(5, len(text) - 1), min_size=1, max_size=2, unique=True))
    changed = list(text)
    for place in places:
        changed[place] = data.draw(st.sampled_from([letter for letter in LETTERS if letter != text[place]]))
    problem, found = locate_errors("".join(changed))
    wanted = BECH32 if problem == "Invalid Bech32 checksum" else BECH32M
    assert problem in ("Invalid Bech32 checksum", "Invalid Bech32m checksum")
    # Two changes may be as near to the other checksum: then that is an explanation as good.
    assert found == tuple(sorted(places)) or (len(found) <= len(places) and wanted != (BECH32M if version else BECH32))
    assert any(_kind(changed, found, letters) == wanted for letters in product(LETTERS, repeat=len(found)))


def _kind(text: list[str], places: tuple[int, ...], letters: tuple[str, ...]) -> int | None:
    """What checksum a text has once the letters at `places` are exchanged."""
    mended = list(text)
    for place, letter in zip(places, letters, strict=True):
        mended[place] = letter
    decoded = decode_bech32("".join(mended))
    return None if decoded is None else decoded[2]


def test_too_many_changes_are_not_guessed_at() -> None:
    text = encode_segwit("bcrt", 0, bytes(20))
    assert locate_errors(text[:10] + "pppppppp" + text[18:]) == ("Invalid checksum", ())
