"""The messages of delivery and their bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.directed.post import identity, letter, message

from minicoin.core.answers import LetterProblem
from minicoin.core.directed.letter import LETTER_BYTES_MAX
from minicoin.core.directed.messages import LETTER_MESSAGES, LetterFailed, LetterMessage, LetterTaken, Receipt
from minicoin.core.faults import DecodeError
from minicoin.core.limits import LETTER_HOPS_MAX
from minicoin.core.wire.codec import make_extensions

HASH = bytes(range(32))
RECEIPT = Receipt(HASH, 2, identity(2).public_key, bytes(64))
SAMPLES = (message(letter()), message(letter(), 0, floods=True), LetterTaken(HASH), RECEIPT)


def test_they_can_be_registered():
    assert len(make_extensions(LETTER_MESSAGES)) == len(LETTER_MESSAGES) + 1


@pytest.mark.parametrize(
    "one", [*SAMPLES, *(LetterFailed(HASH, hop, problem) for hop in (1, 3) for problem in LetterProblem)]
)
def test_each_survives_its_encoding_and_no_part_of_it_does(one):
    raw = one.encode()
    assert type(one).decode(raw) == one
    assert len(raw) <= one.payload_bytes_max
    for broken in (*(raw[:end] for end in range(len(raw))), raw + b"\0"):
        with pytest.raises(DecodeError):
            type(one).decode(broken)


@given(st.integers(0, 255), st.integers(0, 255))
def test_hops_and_flags_are_bounded(hops_left, floods):
    raw = bytes((hops_left, floods)) + letter().encode()
    if hops_left < LETTER_HOPS_MAX and floods <= 1:
        assert LetterMessage.decode(raw).hops_left == hops_left
    else:
        with pytest.raises(DecodeError, match=r"hops left|floods"):
            LetterMessage.decode(raw)


@pytest.mark.parametrize("hop", [0, LETTER_HOPS_MAX + 1, 255])
def test_a_hop_beyond_the_last_is_none(hop):
    with pytest.raises(DecodeError, match="1 to 3 allowed"):
        LetterFailed.decode(HASH + bytes((hop, 0)))
    with pytest.raises(DecodeError, match="1 to 3 allowed"):
        Receipt.decode(HASH + bytes((hop,)) + RECEIPT.encode()[33:])


def test_a_reason_that_nobody_knows():
    with pytest.raises(DecodeError, match="unknown reason"):
        LetterFailed.decode(HASH + bytes((1, len(LetterProblem))))


def test_the_limit_of_a_letter_has_room_for_the_longest():
    assert LetterMessage.payload_bytes_max == LETTER_BYTES_MAX + 2
