"""Every plain form reads back what it wrote and nothing behind it, and refuses another type without showing it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.forms.plain import PLAIN, FixedBytes
from minicoin.core.wire.reader import Reader

VALUES = {
    int: st.integers(-(2**300), 2**300),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    bytes: st.binary(max_size=300),
    # Lone surrogates come in through JSON.
    str: st.text(st.characters(exclude_categories=()), max_size=40),
    type(None): st.none(),
}
CASES = st.sampled_from(list(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind]))
WRONG = {int: "1", bool: 1, float: "1", bytes: "x", str: b"x", type(None): 0}


def written(kind: object, value: object) -> bytes:
    out = bytearray()
    PLAIN[kind].write(value, out)
    return bytes(out)


@given(CASES, st.binary(max_size=3))
@example((str, "a lone \ud800"), b"")
def test_what_was_written_is_read_and_nothing_behind_it(case: tuple[type, object], behind: bytes) -> None:
    kind, value = case
    reader = Reader(written(kind, value) + behind, "test")
    assert PLAIN[kind].read(reader) == value
    assert reader.remaining == len(behind)


@pytest.mark.parametrize("kind", [int, bool, float, bytes, str])
def test_what_is_cut_is_damage(kind: type) -> None:
    samples = {int: 70_000, bool: True, float: 1.5, bytes: b"abc", str: "abc"}
    raw = written(kind, samples[kind])
    for length in range(len(raw)):
        with pytest.raises(DecodeError):
            PLAIN[kind].read(Reader(raw[:length], "test"))


@pytest.mark.parametrize("kind", list(VALUES))
def test_another_type_is_the_writers_mistake(kind: type) -> None:
    with pytest.raises(MisuseError):
        written(kind, WRONG[kind])


def test_a_secret_of_another_type_stays_out_of_the_error() -> None:
    with pytest.raises(MisuseError) as mistake:
        written(int, "a passphrase")
    assert "passphrase" not in str(mistake.value)


def test_bytes_that_are_no_text_are_damage() -> None:
    with pytest.raises(DecodeError, match="not text"):
        PLAIN[str].read(Reader(b"\x01\xff", "test"))


def test_bytes_of_one_size_have_no_length_and_no_other_size() -> None:
    form, out = FixedBytes(4), bytearray()
    form.write(b"four", out)
    assert bytes(out) == b"four" and form.read(Reader(bytes(out), "test")) == b"four"
    with pytest.raises(MisuseError):
        form.write(b"three", out)


def test_each_form_has_its_own_shape() -> None:
    shapes = [form.shape for form in (*PLAIN.values(), FixedBytes(4), FixedBytes(32))]
    assert len(set(shapes)) == len(shapes)
