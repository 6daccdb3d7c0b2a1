"""Votes of five banks with stand-ins for signatures: the rounds look at none."""

from tests.unit.signers.banks import BANKS

from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.votes import NIL, NO_ROUND, SignedVote, Vote, VoteKind

HEIGHT = 7
BLOCK, OTHER = BlockHash(b"b" * 32), BlockHash(b"o" * 32)
NEXT = BANKS.hash


def vote(kind, block=BLOCK, round_=0, height=HEIGHT, valid_round=NO_ROUND):
    return Vote(kind, height, round_, block, NIL if block == NIL else NEXT, valid_round)


def signed(member, kind, block=BLOCK, round_=0, height=HEIGHT, valid_round=NO_ROUND):
    """`member` is a place in the list."""
    what = vote(kind, block, round_, height, valid_round)
    return SignedVote(what, BANKS.keys[member], bytes((member,)) * 64)


def prevotes(members, block=BLOCK, round_=0, height=HEIGHT):
    return [signed(member, VoteKind.PREVOTE, block, round_, height) for member in members]


def precommits(members, block=BLOCK, round_=0, height=HEIGHT):
    return [signed(member, VoteKind.PRECOMMIT, block, round_, height) for member in members]
