"""What holds the key signs one vote for each slot."""

from dataclasses import replace

from tests.unit.signers.banks import BANKS, BLOCK, DRAFT, KEYS, NETWORK_ID, public

from minicoin.core.consensus.messages import MemberGreeting
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.effects import SignGreeting, SignStatement, SignVote
from minicoin.core.events import GreetingSigned, StatementSigned, VoteSigned
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery, domain_of
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


RECOVERY = Recovery(NO_RECOVERY, 6, BLOCK, BANKS, ("Bank",) * len(BANKS))


def test_behind_a_recovery_it_signs_for_that_and_never_again_for_what_was_before() -> None:
    signer = VoteSigner(KEYS[:1], NETWORK_ID, ALICE)
    answer(signer, PREVOTE)
    lower = replace(PREVOTE, round=0)
    found = signer.answer(SignVote(MEMBER, lower, RECOVERY.hash))
    assert isinstance(found, VoteSigned) and found.signed is not None
    assert found.signed.holds(domain_of(NETWORK_ID, RECOVERY.hash))
    assert not found.signed.holds(NETWORK_ID)
    assert answer(signer, replace(PREVOTE, round=9)).signed is None
    greeting = signer.answer(SignGreeting(MEMBER, ConnId(3), BOB, RECOVERY.hash))
    assert isinstance(greeting, GreetingSigned)
    assert MemberGreeting(MEMBER, greeting.signature, RECOVERY.hash).holds(NETWORK_ID, ALICE, BOB)
    assert not MemberGreeting(MEMBER, greeting.signature).holds(NETWORK_ID, ALICE, BOB)


def test_who_signs_a_recovery_signs_no_vote_before_it_and_no_other_recovery() -> None:
    signer = VoteSigner(KEYS[:1], NETWORK_ID, ALICE)
    found = signer.answer(SignStatement(MEMBER, StatementKind.RECOVERY, RECOVERY.statement(None)))
    assert isinstance(found, StatementSigned)
    signed = RECOVERY.stated(MEMBER, None, (), found.signature)
    assert signed.flaw(BANKS, NETWORK_ID) is None
    assert "a recovery behind block 6 was signed" in answer(signer, PREVOTE).reason
    other = replace(RECOVERY, height=7)
    refused = signer.answer(SignStatement(MEMBER, StatementKind.RECOVERY, other.statement(None)))
    assert isinstance(refused, StatementSigned) and refused.signature is None
    assert "another recovery" in refused.reason
