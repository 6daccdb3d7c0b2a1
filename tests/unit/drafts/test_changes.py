"""Drafts as they stand in the records."""

import pytest
from tests.unit.members.board import HEIGHT, NETWORK, NOW, Board
from tests.unit.signers.banks import BANKS, KEYS

from minicoin.core.chain.settings_history import SettingsHistory
from minicoin.core.drafts.changes import MEMBER_CHANGES, SETTINGS_CHANGES, ChangeStanding, Drafts
from minicoin.core.params.rules import SignersKind
from minicoin.core.signers.changes import MemberChange, member_change
from minicoin.core.signers.settings import NONE_BEFORE, settings_change

NAMED = tuple((key, f"Bank {place}") for place, key in enumerate(BANKS.keys[1:]))


def change_of(version=1, from_height=HEIGHT + 10, previous=BANKS.hash) -> MemberChange:
    return member_change(version, from_height, previous, NAMED).signed_by(KEYS[0], NETWORK.network_id)


def open_with(*changes: MemberChange):
    board = Board()
    bank = board.banks[0]
    for number, change in enumerate(changes):
        bank.records.publish("change", str(number), change.encode(), NOW)
    return Drafts(MEMBER_CHANGES, bank.store, NETWORK.network_id).open(board.standing)


def test_signatures_of_several_records_come_together():
    first = change_of()
    second = member_change(1, HEIGHT + 10, BANKS.hash, NAMED).signed_by(KEYS[1], NETWORK.network_id)
    (draft,) = open_with(first, second)
    assert len(draft.change.signatures) == 2
    assert draft.missing == 2
    assert not draft.is_ready


@pytest.mark.parametrize(
    "change",
    [change_of(version=2), change_of(previous=bytes(32)), change_of(from_height=HEIGHT + 1)],
    ids=["another version", "another predecessor", "too late"],
)
def test_what_no_block_to_come_may_carry_is_not_shown(change):
    assert open_with(change) == ()


def test_a_change_that_nobody_signed_is_not_shown():
    assert open_with(member_change(1, HEIGHT + 10, BANKS.hash, NAMED)) == ()


def test_two_drafts_are_shown_side_by_side():
    assert len(open_with(change_of(), change_of(from_height=HEIGHT + 11))) == 2


def test_settings_collect_signatures_likewise_and_apart_from_members():
    board = Board()
    bank = board.banks[0]
    for number, key in enumerate(KEYS[:4]):
        change = settings_change(1, HEIGHT + 10, NONE_BEFORE, [("min_interval_s", "5")])
        signed = change.signed_by(key, NETWORK.network_id)
        bank.records.publish("settings-change", str(number), signed.encode(), NOW)
    bank.records.publish("settings-change", "garbage", b"\xff" * 60, NOW)
    history = SettingsHistory(SignersKind(BANKS.keys, board.standing.names))
    at = ChangeStanding(HEIGHT, BANKS, board.standing.names, history)
    (draft,) = Drafts(SETTINGS_CHANGES, bank.store, NETWORK.network_id).open(at)
    assert draft.is_ready and dict(draft.change.settings) == {"min_interval_s": "5"}
    assert Drafts(MEMBER_CHANGES, bank.store, NETWORK.network_id).open(board.standing) == ()
