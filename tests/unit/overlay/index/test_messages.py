"""The messages of the index model: whole again after the wire, bounded, and refused where they are none."""

import pytest
from tests.unit.overlay.index.samples import SAMPLES

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import INDEX_LEAVES_MAX, INDEX_PAGE_RECORDS_MAX
from minicoin.core.overlay.index.messages import (
    IdxDelta,
    IdxFind,
    IdxHello,
    IdxNext,
    IdxPage,
    IdxRefuse,
)


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: message.command)
def test_each_is_whole_again_and_within_its_limit(message):
    payload = message.encode()
    assert type(message).decode(payload) == message
    assert len(payload) <= type(message).payload_bytes_max


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: message.command)
def test_what_is_cut_or_longer_is_refused(message):
    payload = message.encode()
    with pytest.raises(DecodeError):
        type(message).decode(payload + b"\0")
    if len(payload) > 1:
        with pytest.raises(DecodeError):
            type(message).decode(payload[:-1])


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (IdxHello, b"\2"),
        (IdxHello, b""),
        (IdxNext, bytes(31)),
        (IdxPage, bytes(16) + b"\0" + b"\5" + bytes(5)),
        (IdxPage, bytes(16) + encode_compact(INDEX_PAGE_RECORDS_MAX + 1) + bytes(99_999)),
        (IdxDelta, bytes(16) + b"\0" + encode_compact(INDEX_LEAVES_MAX + 1) + bytes(99_999)),
        (IdxRefuse, b"\2\x1b[\1"),
        (IdxFind, bytes(8) + b"\x41" + bytes(65)),
    ],
)
def test_what_breaks_a_rule_is_refused(kind, payload):
    with pytest.raises(DecodeError):
        kind.decode(payload)
