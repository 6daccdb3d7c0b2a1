"""The messages of the rounds and their bytes."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import KEYS, NETWORK_ID, public

from minicoin.core.consensus.messages import (
    CONSENSUS_MESSAGES,
    HeldVotes,
    MemberGreeting,
    ProposalMessage,
    VoteMessage,
    WantVotes,
)
from minicoin.core.faults import DecodeError
from minicoin.core.limits import CONSENSUS_HELD_VOTES_MAX
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.signers.votes import SIGNED_VOTE_BYTES
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages_extension import ExtensionMessage

from .samples import ALICE, BOB, GREETING, HEADER, PREVOTE, PROPOSAL, RAW_BLOCK, SAMPLES


def test_they_can_be_registered() -> None:
    assert len(make_extensions(CONSENSUS_MESSAGES)) == len(CONSENSUS_MESSAGES) + 1


@pytest.mark.parametrize("one", SAMPLES)
def test_each_survives_its_encoding(one: ExtensionMessage) -> None:
    raw = one.encode()
    assert type(one).decode(raw) == one
    assert len(raw) <= one.payload_bytes_max


@pytest.mark.parametrize("one", [sample for sample in SAMPLES if not isinstance(sample, ProposalMessage)])
def test_no_part_of_one_is_one(one: ExtensionMessage) -> None:
    raw = one.encode()
    # But for what stands behind all else, where it is: the epoch of a greeting, the other node of what is held.
    plain = raw
    if isinstance(one, MemberGreeting):
        plain = replace(one, epoch=NO_RECOVERY).encode()
    elif isinstance(one, HeldVotes):
        plain = replace(one, elsewhere=b"").encode()
    for broken in (*(raw[:end] for end in range(len(raw))), raw + b"\0"):
        if broken == plain:
            continue
        with pytest.raises(DecodeError):
            type(one).decode(broken)


def test_a_proposal_is_whole_to_its_header_and_names_its_block() -> None:
    raw = ProposalMessage(PROPOSAL, RAW_BLOCK).encode()
    for end in range(SIGNED_VOTE_BYTES + 80):
        with pytest.raises(DecodeError):
            ProposalMessage.decode(raw[:end])
    with pytest.raises(DecodeError, match="names the block"):
        ProposalMessage.decode(PROPOSAL.encode() + replace(HEADER, nonce=2).raw)
    with pytest.raises(DecodeError, match="names the block"):
        ProposalMessage.decode(PREVOTE.encode() + HEADER.raw)


def test_a_proposal_is_no_vote() -> None:
    with pytest.raises(DecodeError, match="comes with its block"):
        VoteMessage.decode(PROPOSAL.encode())


def test_flags_rounds_and_bitmaps_are_bounded() -> None:
    raw = WantVotes(7, 3, True, b"\x11", b"\x01").encode()
    assert raw[8] == 1
    with pytest.raises(DecodeError, match="0 or 1"):
        WantVotes.decode(raw[:8] + b"\2" + raw[9:])
    for at in (7, 12):
        with pytest.raises(DecodeError, match="a round that there is not"):
            WantVotes.decode(raw[:at] + b"\x80" + raw[at + 1 :])
    with pytest.raises(DecodeError, match="at most 13"):
        WantVotes.decode(WantVotes(7, 3, True, bytes(14), b"").encode())


def test_no_more_votes_are_held_than_fit() -> None:
    fits = HeldVotes(1, (PREVOTE,) * CONSENSUS_HELD_VOTES_MAX)
    assert HeldVotes.decode(fits.encode()) == fits
    with pytest.raises(DecodeError, match="at most"):
        HeldVotes.decode(HeldVotes(1, (PREVOTE,) * (CONSENSUS_HELD_VOTES_MAX + 1)).encode())


def test_a_greeting_holds_on_its_connection_only() -> None:
    assert GREETING.holds(NETWORK_ID, ALICE, BOB)
    assert not GREETING.holds(NETWORK_ID, BOB, ALICE)
    assert not GREETING.holds(NETWORK_ID, ALICE, ALICE)
    assert not GREETING.holds(bytes(32), ALICE, BOB)
    assert not MemberGreeting(public(KEYS[1]), GREETING.signature).holds(NETWORK_ID, ALICE, BOB)
