"""What holds the key signs one vote for each slot."""

from dataclasses import replace

from tests.unit.signers.banks import BANKS, BLOCK, DRAFT, KEYS, NETWORK_ID, public

from minicoin.core.consensus.messages import MemberGreeting
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.effects import SignGreeting, SignStatement, SignVote
from minicoin.core.events import GreetingSigned, StatementSigned, VoteSigned
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import NIL, Vote, VoteKind
from minicoin.core.units import ConnId

from .samples import ALICE, BOB

MEMBER = public(KEYS[0])
PREVOTE = Vote(VoteKind.PREVOTE, 7, 1, BLOCK, BANKS.hash)


def answer(signer: VoteSigner, vote: Vote) -> VoteSigned:
    found = signer.answer(SignVote(MEMBER, vote))
    assert isinstance(found, VoteSigned)
    return found


def test_a_vote_comes_back_signed_and_again_the_same() -> None:
    signer = VoteSigner(KEYS[:1], NETWORK_ID, ALICE)
    first = answer(signer, PREVOTE)
    assert first.signed is not None
    assert first.signed.member == MEMBER
    assert first.signed.holds(NETWORK_ID)
    assert answer(signer, PREVOTE) == first


def test_a_statement_comes_back_signed() -> None:
    signer = VoteSigner(KEYS[:1], NETWORK_ID, ALICE)
    found = signer.answer(SignStatement(MEMBER, StatementKind.ADMISSION, DRAFT.body()))
    assert isinstance(found, StatementSigned)
    assert DRAFT.with_signature(MEMBER, found.signature) == DRAFT.signed_by(KEYS[0], NETWORK_ID)


def test_no_other_vote_of_its_slot_and_none_of_a_lower_one() -> None:
    signer = VoteSigner(KEYS[:1], NETWORK_ID, ALICE)
    answer(signer, PREVOTE)
    nil = replace(PREVOTE, block=NIL, next_members=NIL)
    for refused in (nil, replace(PREVOTE, round=0), replace(PREVOTE, height=6)):
        found = answer(signer, refused)
        assert found.signed is None
        assert "signed" in found.reason
    assert answer(signer, replace(nil, kind=VoteKind.PRECOMMIT)).signed is not None


def test_a_greeting_is_for_one_peer() -> None:
    signer = VoteSigner(KEYS[:1], NETWORK_ID, ALICE)
    found = signer.answer(SignGreeting(MEMBER, ConnId(3), BOB))
    assert isinstance(found, GreetingSigned)
    assert found.conn == ConnId(3)
    assert MemberGreeting(MEMBER, found.signature).holds(NETWORK_ID, ALICE, BOB)
