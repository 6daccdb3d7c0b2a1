"""One well-formed message of each kind, as five banks send it."""

from dataclasses import replace

from tests.unit.signers.banks import BANKS, BLOCK, KEYS, NETWORK_ID, precommit, public

from minicoin.core.consensus.messages import (
    HeldVotes,
    MemberGreeting,
    ProposalMessage,
    VoteMessage,
    WantVotes,
    greeting_digest,
)
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.signers.votes import NIL, Vote, VoteKind, sign_vote

ALICE, BOB = b"\0\x24alice", b"\0\x24bob"
HEADER = BlockHeader(4, BlockHash(b"p" * 32), b"m" * 32, 1_800_000_000, 0x207FFFFF, 1)
RAW_BLOCK = RawBlock(HEADER, HEADER.raw + b"\0")
PROPOSAL = sign_vote(Vote(VoteKind.PROPOSAL, 7, 3, RAW_BLOCK.hash, BANKS.hash, 1), KEYS[0], NETWORK_ID)
PREVOTE = sign_vote(Vote(VoteKind.PREVOTE, 7, 3, NIL, NIL), KEYS[1], NETWORK_ID)
GREETING = MemberGreeting(public(KEYS[0]), KEYS[0].sign_schnorr(greeting_digest(NETWORK_ID, ALICE, BOB), bytes(32)))

SAMPLES = (
    GREETING,
    replace(GREETING, epoch=b"e" * 32),
    ProposalMessage(PROPOSAL, RAW_BLOCK),
    VoteMessage(PREVOTE),
    VoteMessage(precommit(KEYS[2], BLOCK)),
    WantVotes(7, 3, True, b"\x11", b""),
    WantVotes(7, 3, False, b"", b"\x01", 2),
    HeldVotes(7, (PREVOTE, PROPOSAL)),
    HeldVotes(0, ()),
    HeldVotes(7, (PREVOTE,), ALICE),
)
