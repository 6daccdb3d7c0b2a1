"""What a node knows of evidence, and what of it the disk brings back."""

import pytest
from tests.unit.signers.banks import ADMISSIONS, CERTIFICATES, NETWORK_ID, VOTES

from minicoin.core.evidence.state import EvidenceState
from minicoin.core.faults import DecodeError
from minicoin.core.limits import EVIDENCE_DOCUMENT_BYTES_MAX


def full() -> EvidenceState:
    state = EvidenceState()
    assert state.add(VOTES) and state.add(CERTIFICATES)
    state.seen = 1
    return state


def test_of_a_member_and_height_the_first() -> None:
    state = full()
    assert not state.add(ADMISSIONS) and not state.add(VOTES)
    assert state.all == (VOTES, CERTIFICATES) and state.unseen == (CERTIFICATES,)
    assert state.has(VOTES.accused, 7) and not state.has(VOTES.accused, 8)


def test_it_comes_back() -> None:
    again = EvidenceState.from_bytes(full().to_bytes(NETWORK_ID), NETWORK_ID)
    assert [one.encode() for one in again.all] == [one.encode() for one in full().all]
    assert again.seen == 1


def test_a_damaged_a_foreign_and_an_odd_document_are_refused() -> None:
    raw = full().to_bytes(NETWORK_ID)
    for place in range(0, len(raw), 50):
        with pytest.raises(DecodeError):
            EvidenceState.from_bytes(raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :], NETWORK_ID)
    with pytest.raises(DecodeError, match="another network"):
        EvidenceState.from_bytes(raw, b"m" * 32)
    with pytest.raises(DecodeError):
        EvidenceState.from_bytes(raw.ljust(EVIDENCE_DOCUMENT_BYTES_MAX + 1, b"\0"), NETWORK_ID)
    odd = full()
    odd.seen = 3
    with pytest.raises(DecodeError, match="what was seen"):
        EvidenceState.from_bytes(odd.to_bytes(NETWORK_ID), NETWORK_ID)
