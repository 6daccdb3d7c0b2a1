"""Recoveries: their bytes, who must sign them, and what binds."""

from dataclasses import replace

import pytest
from tests.unit.chain.five_banks import FOUNDING, KEYS, NETWORK, NEW_KEYS
from tests.unit.chain.recovered_banks import LEFT, draft, lock_on, prevotes_for, statement

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.members import member_list
from minicoin.core.signers.recovery import (
    NO_RECOVERY,
    RECOVERY_BYTES_MAX,
    Recovery,
    RecoverySignature,
    SignerLock,
    combine,
    domain_of,
    order_recoveries,
    signers_needed,
)
from minicoin.testing.certified_chain import public

BLOCK = BlockHash(b"b" * 32)
BARE = draft(7, BLOCK)
LOCK = lock_on(BlockHash(b"l" * 32), 3)
SIGNED = combine(statement(BARE, key) for key in LEFT)
LOCKED = combine([statement(BARE, LEFT[0], LOCK), *(statement(BARE, key) for key in LEFT[1:])])


def problem(recovery: Recovery) -> str | None:
    return recovery.problem(FOUNDING, NETWORK.network_id)


def list_of(count: int):
    return member_list(bytes((number,)) * 32 for number in range(1, count + 1))


def test_the_rest_with_the_liars_is_never_a_quorum_and_a_certificate_has_an_honest_signer() -> None:
    for count in range(1, 101):
        members = list_of(count)
        needed, quorum, faults = signers_needed(members), members.quorum, members.faults
        assert count - needed + faults < quorum
        assert needed + quorum - count > faults
        assert needed <= quorum
    assert [signers_needed(list_of(count)) for count in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)] == [
        1, 1, 2, 3, 3, 4, 5, 5, 7, 7,
    ]  # fmt: skip


@pytest.mark.parametrize("one", [BARE, SIGNED, LOCKED, statement(BARE, LEFT[0], LOCK)])
def test_it_is_read_back(one) -> None:
    assert Recovery.decode(one.encode()) == one
    with pytest.raises(DecodeError):
        Recovery.decode(one.encode()[:-1])
    with pytest.raises(DecodeError, match="behind"):
        Recovery.decode(one.encode() + b"\0")


def test_statements_are_read_back() -> None:
    assert Recovery.decode_statement(BARE.statement(LOCK)) == (BARE, LOCK)
    assert Recovery.decode_statement(BARE.statement(None)) == (BARE, None)


def test_the_largest_is_read_back() -> None:
    members = list_of(100)
    lock = SignerLock(5, BLOCK, bytes(32))
    pairs = tuple((key, bytes(64)) for key in members.keys)
    signed = tuple(RecoverySignature(key, lock, bytes(64)) for key in members.keys)
    largest = Recovery(bytes(32), 9, BLOCK, members, ("n" * 64,) * 100, lock, pairs, signed)
    assert Recovery.decode(largest.encode()) == largest
    assert len(largest.encode()) == RECOVERY_BYTES_MAX
    with pytest.raises(DecodeError, match="bytes"):
        Recovery.decode(bytes(RECOVERY_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(LOCKED, signatures=LOCKED.signatures[::-1]), "order"),
        (replace(LOCKED, prevotes=LOCKED.prevotes[::-1]), "order"),
        (replace(LOCKED, bound=None), "behind a lock"),
        (replace(LOCKED, bound=replace(LOCK, block=BlockHash(bytes(32)))), "of a block"),
    ],
)
def test_it_has_one_form(wrong, reason) -> None:
    with pytest.raises(DecodeError, match=reason):
        Recovery.decode(wrong.encode())


def test_three_of_five_make_it() -> None:
    assert problem(SIGNED) is None
    assert problem(LOCKED) is None
    assert "2 members signed it, and it takes 3" in str(problem(replace(SIGNED, signatures=SIGNED.signatures[:2])))


def test_forged_foreign_and_moved_signatures_do_not_hold() -> None:
    first, *rest = SIGNED.signatures
    forged = replace(SIGNED, signatures=(replace(first, signature=bytes(64)), *rest))
    assert "does not hold" in str(problem(forged))
    stranger = combine([SIGNED, statement(BARE, NEW_KEYS[0])])
    assert "is no member" in str(problem(stranger))
    moved = replace(SIGNED, height=8)
    assert "does not hold" in str(problem(moved))
    assert "does not hold" in str(SIGNED.problem(FOUNDING, b"x" * 32))
    # Who said it is locked has not said that it is not.
    unlocked = replace(
        LOCKED, bound=None, prevotes=(), signatures=tuple(replace(one, lock=None) for one in LOCKED.signatures)
    )
    assert "does not hold" in str(problem(unlocked))


def test_a_lock_without_its_quorum_of_prevotes_is_made_up() -> None:
    few = replace(LOCKED, prevotes=LOCKED.prevotes[1:])
    assert "3 members prevoted" in str(problem(few))
    other_round = replace(LOCKED, prevotes=prevotes_for(replace(LOCK, round=2), 8))
    assert "0 members prevoted" in str(problem(other_round))
    other_domain = replace(LOCKED, prevotes=prevotes_for(LOCK, 8, previous=b"r" * 32))
    assert "0 members prevoted" in str(problem(other_domain))


def test_the_highest_round_binds() -> None:
    low = lock_on(BlockHash(b"m" * 32), 1)
    both = combine([statement(BARE, LEFT[0], low), statement(BARE, LEFT[1], LOCK), statement(BARE, LEFT[2])])
    assert (both.bound, problem(both)) == (LOCK, None)
    assert both.hash == LOCKED.hash != SIGNED.hash
    hidden = replace(both, bound=low, prevotes=prevotes_for(low, 8))
    assert "highest round" in str(problem(hidden))
    assert "highest round" in str(problem(replace(both, bound=None, prevotes=())))
    twins = combine([statement(BARE, LEFT[0], replace(LOCK, block=BLOCK)), statement(BARE, LEFT[1], LOCK)])
    assert "highest round" in str(problem(twins))


def test_only_what_is_for_one_end_is_combined() -> None:
    with pytest.raises(MisuseError, match="one recovery"):
        combine([SIGNED, statement(draft(8, BLOCK), KEYS[4])])
    with pytest.raises(MisuseError, match="one recovery"):
        combine([])


def test_who_signs_makes_no_other_hash() -> None:
    other = combine(statement(BARE, key) for key in (LEFT[0], *KEYS[3:]))
    assert other.hash == SIGNED.hash == BARE.hash
    assert other.subject == LOCKED.subject


def test_they_follow_each_other() -> None:
    second = draft(9, BLOCK, previous=SIGNED.hash)
    assert order_recoveries([second, SIGNED, SIGNED]) == (SIGNED, second)
    assert order_recoveries(()) == ()
    for wrong in ([second], [SIGNED, draft(6, BLOCK, previous=SIGNED.hash)], [SIGNED, draft(7, BLOCK, KEYS[:2])]):
        with pytest.raises(MisuseError, match="do not follow each other"):
            order_recoveries(wrong)


def test_votes_behind_it_are_for_a_domain_of_their_own() -> None:
    domains = {domain_of(NETWORK.network_id, one) for one in (NO_RECOVERY, SIGNED.hash, LOCKED.hash)}
    assert len(domains) == 3
    assert NETWORK.network_id in domains
    assert public(LEFT[0]) in SIGNED.signers()
