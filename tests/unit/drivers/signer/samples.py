"""Frames of each kind."""

from tests.unit.consensus.samples import ALICE, BOB
from tests.unit.signers.banks import BANKS, BLOCK, DRAFT, KEYS, NETWORK_ID, public

from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import Vote, VoteKind
from minicoin.drivers.signer.protocol import (
    GreetingAsked,
    KeysHeld,
    SignatureGiven,
    SignatureRefused,
    StatementAsked,
    VoteAsked,
)

MEMBER = public(KEYS[0])
PREVOTE = Vote(VoteKind.PREVOTE, 7, 1, BLOCK, BANKS.hash)
FRAMES = (
    KeysHeld(NETWORK_ID, (MEMBER, public(KEYS[1]))),
    VoteAsked(1, MEMBER, PREVOTE),
    VoteAsked(1, MEMBER, PREVOTE, b"e" * 32),
    GreetingAsked(2, MEMBER, ALICE, BOB),
    GreetingAsked(2, MEMBER, ALICE, BOB, b"e" * 32),
    StatementAsked(3, MEMBER, StatementKind.ADMISSION, DRAFT.body()),
    SignatureGiven(4, b"s" * 64),
    SignatureRefused(5, "nein, der Satz enthält Umlaute"),
)
