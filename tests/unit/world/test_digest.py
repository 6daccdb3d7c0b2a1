"""The trace digest: everything that tells two events apart changes it, and listeners hear what it hashes."""

import hashlib

import pytest
from tests.unit.chain.five_banks import FOUNDING, maker
from tests.unit.wire.samples import SAMPLES

from minicoin.core.events import BlockStored, DeadlineReached, MessageReceived, ProposalVerified
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, InvalidBlock
from minicoin.core.signers.members import member_list
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import GetData, Inv, InventoryVector, InvType, NotFound, Ping, Pong
from minicoin.world.digest import TraceDigest, event_key, message_key

HASH = bytes(range(32))


def digest_of(*events: tuple[int, int, int, bytes]) -> str:
    digest = TraceDigest()
    for event in events:
        digest.note(*event)
    return digest.hexdigest()


BASE = (1_000, 2, 3, b"headers ab")


@pytest.mark.parametrize(
    "other",
    [(1_001, 2, 3, b"headers ab"), (1_000, 4, 3, b"headers ab"), (1_000, 2, 5, b"headers ab"), (1_000, 2, 3, b"inv")],
    ids=["time", "host", "connection", "what"],
)
def test_each_part_of_an_event_counts(other: tuple[int, int, int, bytes]) -> None:
    assert digest_of(BASE) != digest_of(other)


def test_order_counts() -> None:
    other = (1_000, 4, 3, b"headers ab")
    assert digest_of(BASE, other) != digest_of(other, BASE)
    assert digest_of(BASE, other) == digest_of(BASE, other)


def test_long_traces_are_hashed_in_parts_without_a_difference() -> None:
    events = [(number, number % 7, 0, b"deadline") for number in range(10_000)]
    whole = TraceDigest()
    for event in events:
        whole.note(*event)
    parted = TraceDigest()
    for number, event in enumerate(events):
        parted.note(*event)
        if number % 999 == 0:
            parted.hexdigest()
    assert whole.hexdigest() == parted.hexdigest() == digest_of(*events)


def test_messages_of_different_types_with_equal_contents_differ() -> None:
    vectors = (InventoryVector(InvType.BLOCK, HASH),)
    keys = {message_key(kind(vectors)) for kind in (Inv, GetData, NotFound)}
    assert len(keys) == 3
    assert message_key(Ping(7)) != message_key(Pong(7))
    assert message_key(Ping(7)) != message_key(Ping(8))


def test_every_message_has_a_key_of_its_own() -> None:
    keys = [message_key(message) for message in SAMPLES.values() if type(message).__name__ != "Reject"]
    assert len(set(keys)) == len(keys)


def test_events_have_keys() -> None:
    stored = BlockStored(BlockHash(HASH), 1)
    assert event_key(stored) == b"stored " + HASH
    assert event_key(DeadlineReached()) == b"deadline"
    assert event_key(MessageReceived(ConnId(4), Ping(1), 32)) != event_key(MessageReceived(ConnId(6), Ping(1), 32))


def test_listeners_hear_lines_of_text_and_change_nothing() -> None:
    heard: list[tuple[int, int, str]] = []
    digest = TraceDigest()
    digest.listener = lambda time_us, host, what: heard.append((time_us, host, what))
    digest.note(5, 1, 0, b"deadline")
    digest.note(6, 2, 3, message_key(Ping(0x0A)))
    digest.note(7, 2, 3, b"bytes \n\xff")
    digest.note(8, 2, 0, b"\x00\xff")
    assert heard == [
        (5, 1, "deadline"),
        (6, 2, "connection 3: ping 0a00000000000000"),
        (7, 2, "connection 3: bytes 0aff"),
        (8, 2, "00ff"),
    ]
    quiet = TraceDigest()
    quiet.note(5, 1, 0, b"deadline")
    quiet.note(6, 2, 3, message_key(Ping(0x0A)))
    quiet.note(7, 2, 3, b"bytes \n\xff")
    quiet.note(8, 2, 0, b"\x00\xff")
    assert quiet.hexdigest() == digest.hexdigest()


def test_an_empty_trace() -> None:
    assert TraceDigest().hexdigest() == hashlib.sha256().hexdigest()


def test_verdicts_on_proposals_differ_in_block_reason_and_list() -> None:
    made = maker(0)
    one, other = made.next_block(), made.next_block(time=made.tip.time + 9)
    refusal = InvalidBlock(one.hash, BlockReason.BAD_BITS, "", is_permanent=True)
    fewer = member_list(FOUNDING.keys[1:])
    verdicts = [
        ProposalVerified(one.hash, None, FOUNDING),
        ProposalVerified(other.hash, None, FOUNDING),
        ProposalVerified(one.hash, None, fewer),
        ProposalVerified(one.hash, refusal),
    ]
    assert len({event_key(verdict) for verdict in verdicts}) == len(verdicts)
