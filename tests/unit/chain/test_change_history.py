"""Changes that a chain carried: which may come next."""

from dataclasses import replace

import pytest

from minicoin.core.chain.change_history import CarriedChange
from minicoin.core.chain.member_history import MemberHistory
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import member_list
from minicoin.testing.certified_chain import public

from .five_banks import FOUNDING, KEYS, NEW_KEYS

FOUR = member_list(map(public, KEYS[1:]))
SIX = member_list(map(public, (*KEYS[1:], *NEW_KEYS)))


def change(history: MemberHistory, from_height: int, members=FOUR) -> MemberChange:
    names = tuple(f"Bank {place}" for place in range(len(members)))
    return MemberChange(history.next_version, from_height, history.last_hash, members, names)


def carry(history: MemberHistory, height: int, carried: MemberChange) -> None:
    history.check(carried, height)
    history.append(CarriedChange(height, BlockHash(bytes((height,)) * 32), carried))


def refusal(history: MemberHistory, carried: MemberChange, height: int) -> str:
    with pytest.raises(BlockRejected) as caught:
        history.check(carried, height)
    assert caught.value.reason is BlockReason.MEMBER_CHANGE
    return caught.value.detail


def test_lists_follow_from_changes() -> None:
    history = MemberHistory(FOUNDING)
    assert history.members_at(1) == history.members_at(99) == FOUNDING
    carry(history, 5, change(history, 9))
    assert [history.members_at(height) for height in (8, 9, 10)] == [FOUNDING, FOUR, FOUR]
    carry(history, 9, change(history, 11, SIX))
    assert [history.members_at(height) for height in (8, 9, 10, 11)] == [FOUNDING, FOUR, FOUR, SIX]
    assert [carried.height for carried in history.carried()] == [5, 9]


def test_one_is_pending_until_its_list_signs() -> None:
    history = MemberHistory(FOUNDING)
    carry(history, 5, change(history, 9))
    assert history.pending(8) is not None
    assert "pending until height 9" in refusal(history, change(history, 20, SIX), 8)
    assert history.pending(9) is None
    carry(history, 9, change(history, 20, SIX))


def test_it_is_carried_two_blocks_ahead() -> None:
    history = MemberHistory(FOUNDING)
    assert "too late" in refusal(history, change(history, 6), 5)
    history.check(change(history, 7), 5)


def test_versions_rise_by_one_and_name_the_last() -> None:
    history = MemberHistory(FOUNDING)
    first = change(history, 9)
    assert "version 2, expected 1" in refusal(history, replace(first, version=2), 5)
    assert "it follows" in refusal(history, replace(first, previous=bytes(32)), 5)
    carry(history, 5, first)
    assert "version 1, expected 2" in refusal(history, replace(first, from_height=20), 10)
    assert "it follows" in refusal(history, replace(change(history, 20), previous=FOUNDING.hash), 10)
    assert history.last_hash == first.hash


def test_a_block_that_leaves_takes_its_change_along() -> None:
    history = MemberHistory(FOUNDING)
    carry(history, 5, change(history, 9))
    history.leave(BlockHash(bytes(32)))
    assert history.next_version == 2
    history.leave(BlockHash(b"\x05" * 32))
    assert (history.next_version, history.members_at(9)) == (1, FOUNDING)
