"""Signed votes."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import BANKS, BLOCK, KEYS, NETWORK_ID, precommit, public

from minicoin.core.faults import DecodeError
from minicoin.core.signers.votes import NIL, SignedVote, Vote, VoteKind, is_public_key, sign_vote

PROPOSAL = Vote(VoteKind.PROPOSAL, 7, 3, BLOCK, BANKS.hash, 1)


def test_bytes_come_back_and_the_signature_holds() -> None:
    for vote in (PROPOSAL, Vote(VoteKind.PREVOTE, 7, 3, NIL, NIL), precommit(KEYS[0]).vote):
        signed = sign_vote(vote, KEYS[0], NETWORK_ID)
        assert SignedVote.decode(signed.encode()) == signed
        assert signed.member == public(KEYS[0])
        assert signed.holds(NETWORK_ID)


@pytest.mark.parametrize(
    "other",
    [
        replace(PROPOSAL, kind=VoteKind.PREVOTE, valid_round=-1),
        replace(PROPOSAL, height=8),
        replace(PROPOSAL, round=4),
        replace(PROPOSAL, block=type(BLOCK)(b"c" * 32)),
        replace(PROPOSAL, next_members=bytes(32)),
        replace(PROPOSAL, valid_round=2),
    ],
)
def test_a_signature_covers_every_field(other: Vote) -> None:
    signed = sign_vote(PROPOSAL, KEYS[0], NETWORK_ID)
    assert not replace(signed, vote=other).holds(NETWORK_ID)


def test_a_signature_is_of_one_network_and_one_member() -> None:
    signed = sign_vote(PROPOSAL, KEYS[0], NETWORK_ID)
    assert not signed.holds(b"m" * 32)
    assert not replace(signed, member=public(KEYS[1])).holds(NETWORK_ID)
    assert not replace(signed, member=b"\xff" * 32).holds(NETWORK_ID)


def test_equal_votes_have_equal_signatures() -> None:
    assert sign_vote(PROPOSAL, KEYS[0], NETWORK_ID) == sign_vote(PROPOSAL, KEYS[0], NETWORK_ID)


@pytest.mark.parametrize(
    "vote",
    [
        replace(PROPOSAL, block=NIL),
        replace(PROPOSAL, valid_round=3),
        replace(PROPOSAL, valid_round=-2),
        replace(PROPOSAL, kind=VoteKind.PREVOTE),
        Vote(VoteKind.PREVOTE, 7, 3, NIL, BANKS.hash),
        replace(PROPOSAL, round=1 << 31),
    ],
)
def test_votes_that_nobody_casts_are_refused(vote: Vote) -> None:
    with pytest.raises(DecodeError):
        SignedVote.decode(SignedVote(vote, BANKS.keys[0], bytes(64)).encode())


def test_broken_bytes_are_refused() -> None:
    raw = precommit(KEYS[0]).encode()
    for broken in (raw[:-1], raw + b"\0", b"\4" + raw[1:]):
        with pytest.raises(DecodeError):
            SignedVote.decode(broken)


def test_half_of_all_bytes_are_no_key() -> None:
    assert all(map(is_public_key, BANKS.keys))
    assert not is_public_key(bytes(32)) and not is_public_key(b"\xff" * 32) and not is_public_key(BANKS.keys[0][1:])
    assert 60 < sum(is_public_key(bytes(31) + bytes((number,))) for number in range(256)) < 196
