"""The versions a node went by, and what of them the disk brings back."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import BANKS, DRAFT, FIRST, KEYS, NETWORK_ID, peer

from minicoin.core.admission.state import AdmissionState
from minicoin.core.faults import DecodeError
from minicoin.core.limits import STATEMENT_DOCUMENT_BYTES_MAX, STATEMENT_HISTORY_MAX
from minicoin.core.signers.admission import AdmissionRecord, AdmittedRole
from minicoin.core.signers.members import member_list


def signed(record: AdmissionRecord) -> AdmissionRecord:
    for key in KEYS[:4]:
        record = record.signed_by(key, NETWORK_ID)
    return record


def test_the_highest_version_holds_and_none_goes_back() -> None:
    state = AdmissionState(FIRST)
    assert state.role_of(peer(0)) is AdmittedRole.SIGNER
    assert state.take(replace(DRAFT, version=3))
    assert not state.take(DRAFT) and not state.take(replace(DRAFT, version=3, rows=FIRST.rows))
    assert state.role_of(peer(0)) is None and state.row_of(peer(0)) is None
    assert state.role_of(peer(8)) is AdmittedRole.OBSERVER
    assert peer(0) not in state.peer_ids and peer(1) in state.peer_ids


def test_who_is_admitted_to_sign_for_which_members() -> None:
    state = AdmissionState(FIRST)
    some = member_list(BANKS.keys[:2])
    signing = [row for row in FIRST.rows if row.key in some.keys]
    assert state.signers_of(some) == tuple(peer_id for row in signing for peer_id in row.peer_ids)
    # Whoever only looks on signs for nobody.
    assert state.take(DRAFT) and peer(8) not in state.signers_of(BANKS)


def test_a_list_that_is_long_gone_decides_nothing_new() -> None:
    state = AdmissionState(FIRST)
    assert state.take(replace(DRAFT, version=2, height=50))
    assert not state.take(replace(DRAFT, version=9, height=49))
    assert state.current.version == 2


def test_of_many_versions_the_last_are_remembered() -> None:
    state = AdmissionState(FIRST)
    for version in range(1, STATEMENT_HISTORY_MAX + 5):
        assert state.take(replace(DRAFT, version=version))
    assert len(state.history) == STATEMENT_HISTORY_MAX
    assert state.history[-1] is state.current


def test_two_contents_are_kept_as_evidence_once() -> None:
    state = AdmissionState(FIRST)
    state.take(signed(DRAFT))
    other = signed(replace(DRAFT, rows=FIRST.rows))
    assert not state.note_split(signed(DRAFT))
    assert not state.note_split(replace(other, version=4))
    assert state.note_split(other) and not state.note_split(other)
    assert state.split == (signed(DRAFT), other)
    assert state.current == signed(DRAFT)


def full() -> AdmissionState:
    state = AdmissionState(FIRST)
    state.take(signed(DRAFT))
    state.note_split(signed(replace(DRAFT, rows=FIRST.rows)))
    state.take(signed(replace(DRAFT, version=2)))
    state.signed = replace(DRAFT, version=3)
    return state


def test_the_disk_brings_it_back() -> None:
    raw = full().to_bytes(NETWORK_ID)
    state = AdmissionState.from_bytes(raw, FIRST, NETWORK_ID)
    assert state.to_bytes(NETWORK_ID) == raw
    assert state.current.version == 2 and state.signed == replace(DRAFT, version=3)
    assert (state.split, state.history, state.peer_ids) == (full().split, full().history, full().peer_ids)
    empty = AdmissionState.from_bytes(AdmissionState(FIRST).to_bytes(NETWORK_ID), FIRST, NETWORK_ID)
    assert (empty.current, empty.split, empty.signed) == (FIRST, None, None)


def test_damage_is_seen() -> None:
    raw = full().to_bytes(NETWORK_ID)
    for broken in (raw[:-1], raw[:60], b"", raw[:-40] + bytes((raw[-40] ^ 1,)) + raw[-39:]):
        with pytest.raises(DecodeError):
            AdmissionState.from_bytes(broken, FIRST, NETWORK_ID)
    with pytest.raises(DecodeError, match="another network"):
        AdmissionState.from_bytes(raw, FIRST, bytes(32))
    with pytest.raises(DecodeError, match="not a document"):
        AdmissionState.from_bytes(raw + bytes(STATEMENT_DOCUMENT_BYTES_MAX), FIRST, NETWORK_ID)
