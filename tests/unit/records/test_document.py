"""What is written down comes back, and what is damaged says so."""

import pytest
from tests.unit.records.world import ALICE, BOB, GROUP, NETWORK, NOW, OTHER_GROUP, record_of, store_of

from minicoin.core import limits
from minicoin.core.faults import DecodeError
from minicoin.core.records import document
from minicoin.core.records.document import decode_records, encode_records
from minicoin.core.records.held import Held


def full() -> bytes:
    store = store_of()
    store.take(record_of(ALICE), GROUP, NOW)
    store.take(record_of(BOB), OTHER_GROUP, NOW)
    store.take(record_of(ALICE, BOB, kind="config"), GROUP, NOW)
    return encode_records(store.all_held(), NETWORK.network_id)


def test_records_and_who_brought_them_come_back() -> None:
    store = store_of()
    store.take(record_of(ALICE), GROUP, NOW)
    held = tuple(store.all_held())
    assert decode_records(encode_records(held, NETWORK.network_id), NETWORK.network_id) == held
    assert held == (Held(record_of(ALICE), GROUP, len(record_of(ALICE).encode())),)
    assert decode_records(encode_records((), NETWORK.network_id), NETWORK.network_id) == ()


def test_records_of_another_network_are_refused() -> None:
    with pytest.raises(DecodeError, match="of another network"):
        decode_records(full(), bytes(32))


def test_damage_is_seen_wherever_it_is() -> None:
    raw = full()
    for at in range(0, len(raw), 7):
        with pytest.raises(DecodeError):
            decode_records(raw[:at], NETWORK.network_id)
        with pytest.raises(DecodeError):
            decode_records(raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :], NETWORK.network_id)


def test_a_document_has_an_end(monkeypatch) -> None:
    monkeypatch.setattr(document, "SIGNED_RECORD_DOCUMENT_BYTES_MAX", len(full()) - 1)
    with pytest.raises(DecodeError, match="at most"):
        decode_records(full(), NETWORK.network_id)


def test_all_that_a_store_may_hold_fits_into_one() -> None:
    # What any node may sign, twice over for forms and signatures; and what the network's keys sign.
    strangers = 2 * 2 * limits.SIGNED_RECORDS_BYTES_MAX
    trusted = 2 * limits.SIGNED_RECORD_SIGNATURES_MAX * limits.SIGNED_RECORD_BYTES_PER_SIGNER_MAX
    assert strangers + trusted <= limits.SIGNED_RECORD_DOCUMENT_BYTES_MAX


def test_who_brought_a_record_counts_after_a_restart_too() -> None:
    store = store_of()
    store.restore(decode_records(full(), NETWORK.network_id), NOW)
    assert {held.group for held in store.all_held()} == {GROUP, OTHER_GROUP}
