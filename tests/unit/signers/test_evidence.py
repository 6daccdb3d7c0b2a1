"""Evidence: what proves itself, and what does not."""

from dataclasses import replace

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.limits import EVIDENCE_BYTES_MAX
from minicoin.core.signers.evidence import TwoAdmissions, TwoCertificates, TwoVotes, accused_of, decode_evidence
from minicoin.core.signers.members import member_list

from .banks import (
    ADMISSIONS,
    BANKS,
    BLOCK,
    CERTIFICATES,
    CONFIGURATIONS,
    DRAFT,
    KEYS,
    NETWORK_ID,
    OTHER_BLOCK,
    VOTES,
    precommit,
    public,
)

ALL = (VOTES, CERTIFICATES, ADMISSIONS, CONFIGURATIONS)


@pytest.mark.parametrize("evidence", ALL)
def test_it_comes_back_and_holds(evidence) -> None:
    raw = evidence.encode()
    again = decode_evidence(raw)
    assert again.encode() == raw
    assert again.problem(BANKS, NETWORK_ID) is None
    assert (again.accused, again.height) == (evidence.accused, 7)
    assert accused_of(raw) == evidence.accused
    assert "at height 7" in again.text


@pytest.mark.parametrize("evidence", ALL)
def test_whoever_finds_it_has_the_same_bytes(evidence) -> None:
    assert type(evidence)(evidence.second, evidence.first).encode() == evidence.encode()


@pytest.mark.parametrize("evidence", ALL)
def test_it_holds_in_its_network_and_under_its_list_only(evidence) -> None:
    assert evidence.problem(BANKS, b"m" * 32) is not None
    strangers = member_list(key for key in BANKS.keys if key != public(KEYS[1]))
    assert evidence.problem(strangers, NETWORK_ID) is not None


def test_who_is_accused() -> None:
    assert VOTES.accused == ADMISSIONS.accused == public(KEYS[1])
    assert CERTIFICATES.accused == b""


def test_a_vote_of_somebody_else_convicts_nobody() -> None:
    framed = TwoVotes(VOTES.first, replace(precommit(KEYS[2], OTHER_BLOCK), member=public(KEYS[1])))
    assert "not signed by the member that it accuses" in str(framed.problem(BANKS, NETWORK_ID))


def test_an_admission_that_it_did_not_sign_convicts_nobody() -> None:
    other = ADMISSIONS.second.with_signature(public(KEYS[1]), bytes(64))
    assert "not signed by the member" in str(TwoAdmissions(ADMISSIONS.first, other).problem(BANKS, NETWORK_ID))


@pytest.mark.parametrize(
    "odd",
    [
        TwoVotes(VOTES.first, VOTES.first),
        TwoVotes(precommit(KEYS[1]), precommit(KEYS[1], OTHER_BLOCK, round_=1)),
        TwoVotes(precommit(KEYS[1]), precommit(KEYS[1], OTHER_BLOCK, height=8)),
        TwoCertificates(CERTIFICATES.first, CERTIFICATES.first),
        TwoCertificates(CERTIFICATES.first, replace(CERTIFICATES.first, height=8, block=OTHER_BLOCK)),
        TwoAdmissions(ADMISSIONS.first, ADMISSIONS.first),
        TwoAdmissions(ADMISSIONS.first, replace(DRAFT, version=2).with_signature(public(KEYS[1]), bytes(64))),
        TwoAdmissions(ADMISSIONS.first, replace(DRAFT, height=8).with_signature(public(KEYS[1]), bytes(64))),
    ],
)
def test_what_contradicts_nothing_is_no_evidence(odd) -> None:
    with pytest.raises(DecodeError, match="evidence"):
        decode_evidence(odd.encode())


@pytest.mark.parametrize("evidence", ALL)
def test_other_bytes_for_the_same_are_refused(evidence) -> None:
    """Or there would be any number of proofs of one lie."""
    raw = evidence.encode()
    with pytest.raises(DecodeError):
        decode_evidence(raw[:33] + bytes((raw[33] ^ 1,)) + raw[34:])
    with pytest.raises(DecodeError):
        decode_evidence(raw + b"\0")
    with pytest.raises(DecodeError):
        decode_evidence(b"\7" + raw[1:])
    for cut in range(0, len(raw), 7):
        with pytest.raises(DecodeError):
            decode_evidence(raw[:cut])


def test_the_two_stand_in_order() -> None:
    raw, head, size = VOTES.encode(), 37, 141
    turned = raw[:head] + raw[head + size :] + raw[head : head + size]
    assert len(turned) == len(raw)
    with pytest.raises(DecodeError, match="stand in order"):
        decode_evidence(turned)


def test_it_is_not_longer_than_a_record_carries() -> None:
    with pytest.raises(DecodeError, match=f"at most {EVIDENCE_BYTES_MAX}"):
        decode_evidence(VOTES.encode().ljust(EVIDENCE_BYTES_MAX + 1, b"\0"))
    assert BLOCK != OTHER_BLOCK
