"""What messages weigh: for every kind of message, exactly the bytes of its frame; and whose frame a chunk begins."""

import pytest
from hypothesis import given, settings
from tests.unit.wire.samples import SAMPLES
from tests.unit.wire.strategies import ANY_MESSAGE

from minicoin.core.overlay.gossip.messages import Seek
from minicoin.core.params.builtin import REGTEST
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import Message, Reject, Unknown
from minicoin.core.wire.messages_extension import Offer
from minicoin.world.freight import encoded, freight_of
from minicoin.world.traffic import MESSAGE_TYPES, TYPE_INDEX, TYPE_NAMES, UNKNOWN_TYPE, MessageKinds, Traffic, wire_size

ASKING = Seek(7, 2, b"peer id")
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
    assert MessageKinds().of_frame(REGTEST.magic, frame) == TYPE_INDEX[kind]
    assert MessageKinds().of_frame(REGTEST.magic, frame[:16]) == TYPE_INDEX[kind]


def test_what_is_no_beginning_of_a_frame_tells_nothing() -> None:
    frame = encode_frame(REGTEST.magic, Unknown("something", bytes(100)))
    assert MessageKinds().of_frame(REGTEST.magic, frame) == UNKNOWN_TYPE
    assert MessageKinds().of_frame(REGTEST.magic, frame[:15]) is None
    assert MessageKinds().of_frame(REGTEST.magic, frame[1:]) is None
    assert MessageKinds().of_frame(b"\0\0\0\0", frame) is None


def test_a_message_beyond_bitcoins_weighs_what_its_frame_is_long() -> None:
    kinds = MessageKinds()
    offer = Offer((("greeting", 1),))
    frame = encode_frame(REGTEST.magic, offer)
    assert wire_size(offer) == freight_of(offer, kinds).size == len(frame)
    assert freight_of(offer, kinds).mark() != freight_of(Offer((("greeting", 2),)), kinds).mark()


def test_a_message_beyond_bitcoins_has_a_number_of_its_world() -> None:
    kinds = MessageKinds()
    frame = encode_frame(REGTEST.magic, ASKING)
    # Nobody has sent one yet.
    assert kinds.of_frame(REGTEST.magic, frame) == UNKNOWN_TYPE
    number = kinds.of(ASKING)
    assert number == len(TYPE_NAMES) == kinds.of_frame(REGTEST.magic, frame)
    assert freight_of(ASKING, kinds).kind == encoded(REGTEST.magic, ASKING, kinds).kind == number
    # It says whose it is; that two nodes speak such messages at all belongs to no part.
    assert kinds.names[number] == "overlay/seek"
    assert kinds.names[kinds.of(Offer(()))] == "extensions"
    assert [kinds.of(SAMPLES[kind]) for kind in SENT] == [TYPE_INDEX[kind] for kind in SENT]
    assert MessageKinds().names == list(TYPE_NAMES)


def test_counters_have_room_for_every_number() -> None:
    traffic = Traffic()
    traffic.widen(len(MESSAGE_TYPES) + 4)
    traffic.received_bytes[len(MESSAGE_TYPES) + 4] += 3
    traffic.widen(2)
    assert len(traffic.sent_messages) == len(traffic.received_bytes) == len(MESSAGE_TYPES) + 5
    assert sum(traffic.received_bytes) == 3
