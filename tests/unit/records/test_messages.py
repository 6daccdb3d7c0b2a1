"""The messages survive the wire, and what is out of order or too long is refused before it is believed."""

from struct import pack

import pytest
from tests.unit.records.world import ALICE, BOB, CAROL, record_of

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import (
    SIGNATURE_BYTES_MAX,
    SIGNED_RECORD_DIGEST_ENTRIES_MAX,
    SIGNED_RECORD_SIGNATURES_MAX,
    SIGNED_RECORDS_MESSAGE_BYTES_MAX,
)
from minicoin.core.records.messages import FIRST_SOURCE, LAST_SOURCE, RecordDelta, RecordDigest, RecordValues

RECORDS = (record_of(ALICE), record_of(BOB, kind="super"), record_of(ALICE, CAROL, kind="config"))
ENTRIES = ((b"\1" * 16, 5, 2**64 - 1), (b"\2" * 16, 2**64 - 1, 0))


@pytest.mark.parametrize(
    "message",
    [
        RecordValues(RECORDS),
        RecordValues(()),
        RecordDigest(FIRST_SOURCE, LAST_SOURCE, ENTRIES, True),
        RecordDigest(b"\1" * 16, b"\1" * 16, ENTRIES[:1], False),
        RecordDelta(RECORDS, True, ENTRIES),
        RecordDelta((), False, ()),
    ],
)
def test_it_survives_the_wire(message) -> None:
    raw = message.encode()
    assert type(message).decode(raw) == message
    assert len(raw) <= message.payload_bytes_max
    for length in range(len(raw)):
        with pytest.raises(DecodeError):
            type(message).decode(raw[:length])
    with pytest.raises(DecodeError):
        type(message).decode(raw + b"\0")


@pytest.mark.parametrize(
    ("digest", "reason"),
    [
        (RecordDigest(FIRST_SOURCE, LAST_SOURCE, ENTRIES[::-1], True), "ascending order"),
        (RecordDigest(FIRST_SOURCE, LAST_SOURCE, ENTRIES[:1] * 2, True), "ascending order"),
        (RecordDigest(b"\2" * 16, LAST_SOURCE, ENTRIES, True), "outside of its range"),
        (RecordDigest(FIRST_SOURCE, b"\1" * 16, ENTRIES, True), "outside of its range"),
        (RecordDigest(LAST_SOURCE, FIRST_SOURCE, (), True), "outside of its range"),
    ],
)
def test_a_digest_names_its_sources_in_order_within_its_range(digest, reason) -> None:
    with pytest.raises(DecodeError, match=reason):
        RecordDigest.decode(digest.encode())


def test_counts_are_believed_as_far_as_bytes_stand_behind_them() -> None:
    many = encode_compact(SIGNED_RECORD_DIGEST_ENTRIES_MAX + 1)
    with pytest.raises(DecodeError, match=f"at most {SIGNED_RECORD_DIGEST_ENTRIES_MAX}"):
        RecordDigest.decode(bytes(33) + many)
    with pytest.raises(DecodeError, match="more items than bytes"):
        RecordDigest.decode(bytes(33) + b"\x02" + bytes(32))
    with pytest.raises(DecodeError, match="at most"):
        RecordValues.decode(b"\xfe" + pack("<I", 1 << 24))


@pytest.mark.parametrize("kind", [RecordDigest, RecordDelta])
def test_a_flag_is_a_flag(kind) -> None:
    with pytest.raises(DecodeError, match="a flag is 0 or 1"):
        kind.decode(b"\2" + bytes(64))


def test_the_longest_record_fits_into_a_message() -> None:
    signers = [Identity.from_number(number) for number in range(SIGNED_RECORD_SIGNATURES_MAX)]
    longest = record_of(*signers, kind="config", key="k" * 64, value=bytes(16_384))
    # Its signatures by secp256k1 may be longer than these.
    room = SIGNED_RECORD_SIGNATURES_MAX * (SIGNATURE_BYTES_MAX - 64 + 1)
    assert len(longest.encode()) + room < SIGNED_RECORDS_MESSAGE_BYTES_MAX
