"""The model's own messages: their bytes, their one form, and what they may not hold."""

import pytest
from tests.unit.overlay.kademlia.samples import QUESTION, SAMPLES

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.protobuf import encode_int_field
from minicoin.core.overlay.kademlia.messages import (
    KadAnswer,
    KadAsk,
    KadCast,
    KadHello,
    KadRole,
)
from minicoin.core.wire.codec import decode_payload, encode_payload


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: message.command)
def test_what_is_written_is_read_again_and_fits(message):
    raw = encode_payload(message)
    assert len(raw) <= type(message).payload_bytes_max
    assert decode_payload(message.command, raw, {message.command: type(message)}) == message
    for cut in (raw[:-1], raw + b"\0"):
        with pytest.raises(DecodeError):
            decode_payload(message.command, cut, {message.command: type(message)})


def test_the_bytes_of_each():
    assert KadHello(KadRole.SERVER, 8333).encode() == b"\x01\x8d\x20"
    assert KadAsk(1, QUESTION).encode() == b"\x01\x00\x00\x00" + QUESTION.encode()
    assert KadCast(b"i" * 32, 200).encode() == b"i" * 32 + b"\xc8\x00"


@pytest.mark.parametrize(
    ("kind", "raw", "says"),
    [
        (KadHello, b"\x02\x01\x00", "unknown role 2"),
        (KadHello, b"\x01\x00\x00", "a server that listens nowhere"),
        (KadCast, bytes(32) + b"\x00\x01", "height 256"),
        (KadAsk, bytes(4) + QUESTION.encode() + encode_int_field(99, 1), "one form"),
        (KadAnswer, bytes(4) + b"\x12\x00\x08\x04", "one form"),
        (KadAsk, bytes(4) + b"\x08\x09", "no DhtType"),
    ],
)
def test_what_they_may_not_hold_is_refused(kind, raw, says):
    with pytest.raises(DecodeError, match=says):
        kind.decode(raw)
