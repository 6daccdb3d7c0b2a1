"""The persisted book: it comes back as it was, and damage is named."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.addrmgr.entry import KnownAddress
from minicoin.core.addrmgr.tables import Tables
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

NOW = Micros(1_700_000_000 * SECOND_US)
PEER_ID = bytes.fromhex("0024080112 20") + bytes(32)
HEAD = 4 + 1 + 32 + 1 + 4


def make_book(allow_private: bool = False, count: int = 60) -> AddressBook:
    book = AddressBook(Rng(b"persist"), allow_private)
    for number in range(count):
        source = NodeAddress(f"{30 + number % 7}.1.1.1", 8333)
        peer_id = PEER_ID if number % 5 == 0 else b""
        host = f"2600:{number:x}::1" if number % 3 == 0 else f"{20 + number}.2.3.4"
        address = NodeAddress(host, 8000 + number, peer_id)
        for _ in range(3):
            book.add([TimedAddress(address, 1 << 63 | number, 1_699_990_000 + number)], source, NOW)
            source = NodeAddress(f"{60 + number % 11}.1.1.1", 8333)
        if number % 4 == 0:
            book.mark_good(address, NOW)
        if number % 10 == 9:
            book.mark_attempt(address, NOW)
    return book


def load(raw: bytes, allow_private: bool = False) -> AddressBook:
    return AddressBook.from_bytes(raw, Rng(b"other"), allow_private)


def seal(body: bytes) -> bytes:
    return body + sha256(body).digest()


def test_round_trip() -> None:
    book = make_book()
    raw = book.to_bytes()
    restored = load(raw)
    assert restored.to_bytes() == raw
    assert restored.snapshot() == book.snapshot()
    assert restored.snapshot().tried == 15
    assert restored.places(book.size) == book.places(book.size)
    for place in book.places(book.size):
        # When an attempt was made is not kept.
        record = book.find(place.timed.address)
        assert record is not None
        assert restored.find(place.timed.address) == replace(record, last_attempt=0)


def test_an_empty_book_keeps_its_key() -> None:
    book = AddressBook(Rng(b"key"), False)
    restored = load(book.to_bytes())
    assert restored.size == 0
    address = TimedAddress(NodeAddress("8.8.8.8", 1), 0, 1_699_990_000)
    for each in (book, restored):
        each.add([address], None, NOW)
    assert restored.to_bytes() == book.to_bytes()


def test_addresses_that_the_network_no_longer_allows_are_left_out() -> None:
    book = AddressBook(Rng(b"lab"), True)
    local, public = NodeAddress("127.0.0.1", 1000), NodeAddress("8.8.8.8", 1000)
    book.add([TimedAddress(each, 0, 1_699_990_000) for each in (local, public)], None, NOW)
    restored = load(book.to_bytes())
    assert restored.find(local) is None and restored.find(public) is not None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not an address book"),
        (b"{json}", "not an address book"),
        (b"mcab\x01", "is truncated"),
        (seal(b"mcab\x02" + bytes(HEAD - 5)), "format 2, only 1 is known"),
        (seal(b"mcab\x01" + bytes(HEAD - 5) + b"\0"), "1 bytes behind its last entry"),
        (seal(b"mcab\x01" + bytes(32) + b"\x03" + bytes(4)), "holds 3 anchors, which this version does not know"),
        (seal(b"mcab\x01" + bytes(32) + b"\0" + b"\xff" * 4), "addresses: too many"),
        (seal(b"mcab\x01" + bytes(33) + b"\x01" + bytes(3)), "ends within an entry"),
        (seal(b"mcab\x01" + bytes(33) + b"\x01" + bytes(3) + b"\x05" + bytes(20)), "not an IP address"),
    ],
)
def test_what_is_wrong_is_said(raw: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        load(raw)


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    raw = make_book(count=4).to_bytes()
    for at in range(len(raw)):
        with pytest.raises(DecodeError):
            load(raw[:at] + bytes((raw[at] ^ 0x10,)) + raw[at + 1 :])
        with pytest.raises(DecodeError):
            load(raw[:at])


def _one_entry(slots: bytes, count: int) -> bytes:
    identity = b"\x04\x08\x08\x08\x08\x20\x8d\x00"
    facts = bytes(8 + 8 + 8 + 4) + b"\0" + bytes((count,))
    return identity + facts + slots


def test_impossible_entries_are_refused_behind_a_good_checksum() -> None:
    head = b"mcab\x01" + bytes(32) + b"\0"
    address = NodeAddress("8.8.8.8", 8333)
    entry = KnownAddress(address, b"", b"", 0, 0)
    slot = Tables(bytes(32)).new_slot_in(entry, 3).to_bytes(2, "little")
    one, two = (1).to_bytes(4, "little"), (2).to_bytes(4, "little")
    for body, reason in (
        (head + two + _one_entry(b"", 0) * 2, r"holds 8\.8\.8\.8:8333 twice"),
        (head + one + _one_entry(bytes(18), 9), "in 9 slots of the new table"),
        (head + one + _one_entry(b"".join(bytes((slot, 0)) for slot in range(2)), 2), "where it cannot stand"),
        (head + one + _one_entry(slot * 2, 2), "where it cannot stand"),
        (head + one + _one_entry(b"\0", 1), "ends within an entry"),
    ):
        with pytest.raises(DecodeError, match=reason):
            load(seal(body))
    assert load(seal(head + one + _one_entry(slot, 1))).size == 1


@settings(max_examples=200, deadline=None)
@given(st.integers(5, 10**6), st.binary(max_size=12), st.integers(0, 12))
def test_damage_behind_a_good_checksum_is_a_book_or_a_decode_error(at: int, put: bytes, removed: int) -> None:
    body = make_book(count=6).to_bytes()[:-32]
    at %= len(body)
    try:
        book = load(seal(body[:at] + put + body[at + removed :]))
    except DecodeError:
        return
    assert load(book.to_bytes()).to_bytes() == book.to_bytes()
