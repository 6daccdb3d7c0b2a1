"""What messages weigh: for every kind of message, exactly the bytes of its frame; and whose frame a chunk begins."""

import pytest
from hypothesis import given, settings
from tests.unit.wire.samples import SAMPLES
from tests.unit.wire.strategies import ANY_MESSAGE

from minicoin.core.params.builtin import REGTEST
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import Message, Reject, Unknown
from minicoin.core.wire.messages_extension import Offer
from minicoin.world.freight import encoded, freight_of
from minicoin.world.traffic import MESSAGE_TYPES, TYPE_INDEX, UNKNOWN_TYPE, Traffic, frame_kind, wire_size

SENT = [kind for kind in SAMPLES if kind is not Reject]


@given(ANY_MESSAGE)
@settings(max_examples=300, deadline=None)
def test_a_message_weighs_what_its_frame_is_long(message: Message) -> None:
    assert wire_size(message) == len(encode_frame(REGTEST.magic, message))


def test_every_message_has_a_number() -> None:
    assert set(SAMPLES) <= set(TYPE_INDEX)
    assert sorted(TYPE_INDEX.values()) == list(range(len(MESSAGE_TYPES)))
    assert len(Traffic().sent_bytes) == len(MESSAGE_TYPES)


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)
def test_a_frame_tells_its_type(kind: type) -> None:
    frame = encode_frame(REGTEST.magic, SAMPLES[kind])
    assert frame_kind(REGTEST.magic, frame) == TYPE_INDEX[kind]
    assert frame_kind(REGTEST.magic, frame[:16]) == TYPE_INDEX[kind]


def test_what_is_no_beginning_of_a_frame_tells_nothing() -> None:
    frame = encode_frame(REGTEST.magic, Unknown("something", bytes(100)))
    assert frame_kind(REGTEST.magic, frame) == UNKNOWN_TYPE
    assert frame_kind(REGTEST.magic, frame[:15]) is None
    assert frame_kind(REGTEST.magic, frame[1:]) is None
    assert frame_kind(b"\0\0\0\0", frame) is None


def test_a_message_beyond_bitcoins_weighs_what_its_frame_is_long_and_counts_as_unknown() -> None:
    offer = Offer((("greeting", 1),))
    frame = encode_frame(REGTEST.magic, offer)
    assert wire_size(offer) == freight_of(offer).size == len(frame)
    assert (
        freight_of(offer).kind == encoded(REGTEST.magic, offer).kind == frame_kind(REGTEST.magic, frame) == UNKNOWN_TYPE
    )
    assert freight_of(offer).key != freight_of(Offer((("greeting", 2),))).key
