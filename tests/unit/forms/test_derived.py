"""The derived forms: what is written is read back, sets are in order, and what has no form is refused at once."""

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import NamedTuple, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.forms.derived import make_codec
from minicoin.core.forms.plain import FixedBytes
from minicoin.core.wire.reader import Reader

Hash = NewType("Hash", bytes)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Flags(IntFlag):
    ONE = 1
    EIGHT = 8


class Place(NamedTuple):
    row: int
    name: str


@dataclass(frozen=True, slots=True)
class Inner:
    colour: Colour
    flags: Flags = Flags.ONE


@dataclass(frozen=True, slots=True)
class Outer:
    number: int
    ratio: float
    raw: bytes
    text: str
    is_it: bool
    hashes: tuple[Hash, ...]
    inners: tuple[Inner, ...]
    pair: tuple[int, str]
    place: Place
    either: int | str
    maybe: Inner | None = None


CODEC = make_codec(Outer, {Hash: FixedBytes(4)})
outers = st.builds(
    Outer,
    number=st.integers(),
    ratio=st.floats(allow_nan=False),
    hashes=st.lists(st.binary(min_size=4, max_size=4), max_size=3).map(tuple),
)


def written(codec, value):
    out = bytearray()
    codec.write(value, out)
    return bytes(out)


def read(codec, raw):
    reader = Reader(raw, "test")
    value = codec.read(reader)
    reader.end()
    return value


@given(outers)
def test_what_is_written_is_read_back(value):
    assert read(CODEC, written(CODEC, value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_decode_error(raw):
    try:
        value = CODEC.read(Reader(raw, "test"))
    except DecodeError:
        return
    assert isinstance(value, Outer)


@pytest.mark.parametrize("number", [0, -1, 127, 128, -128, -129, 2**63, 2**64 - 1, -(2**63) - 1])
def test_integers_of_any_size(number):
    codec = make_codec(int, {})
    assert read(codec, written(codec, number)) == number


def test_a_set_is_written_in_the_order_of_its_bytes():
    codec = make_codec(frozenset[bytes], {})
    members = [bytes((i,)) * 8 for i in range(50)]
    assert written(codec, frozenset(members)) == written(codec, frozenset(reversed(members)))
    assert written(codec, frozenset(members))[1:] == b"".join(b"\x08" + member for member in members)
    assert read(codec, written(codec, frozenset(members))) == frozenset(members)


def test_a_lone_surrogate_survives():
    codec = make_codec(str, {})
    assert read(codec, written(codec, "a\ud800b")) == "a\ud800b"


def test_a_field_of_another_type_is_refused_without_showing_it():
    inner = Inner("a secret")
    with pytest.raises(MisuseError, match="a str where Colour") as refused:
        written(make_codec(Inner, {}), inner)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("hint", [object, dict[str, int], list[int], set[int], int | dict[str, int]])
def test_a_type_without_a_form_is_refused_when_the_codec_is_made(hint):
    with pytest.raises(MisuseError, match="no form"):
        make_codec(hint, {})


def test_the_shape_tells_fields_apart():
    assert make_codec(tuple[int, str], {}).shape != make_codec(tuple[str, int], {}).shape
    assert "ratio:float" in CODEC.shape
