"""Proposing and approving changes of the member list."""

import pytest
from coincurve import PrivateKey
from tests.unit.members.board import HEIGHT, NAMES, NETWORK, NOW, Bank, Board
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.chain.change_history import CarriedChange
from minicoin.core.commands import ApproveMembers, ProposeMembers
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CHANGES_AHEAD_BLOCKS
from minicoin.core.primitives.block import BlockHash

SIXTH = public(PrivateKey(b"\6" * 32))
ADD = ProposeMembers(added=(("Bank 5", SIXTH),))


@pytest.fixture
def board() -> Board:
    return Board()


def test_a_quorum_of_signatures_readies_a_change(board):
    drafted = board.banks[0].ask(ADD)
    assert (drafted.quorum, drafted.missing) == (4, 3)
    assert drafted.change.from_height == HEIGHT + CHANGES_AHEAD_BLOCKS
    prefix = drafted.change.hash.hex()[:8]
    for number in (1, 2):
        assert board.banks[number].ask(ApproveMembers(prefix)).missing == 3 - number
        assert board.banks[4].changes.ready(NOW) is None
    assert board.banks[3].ask(ApproveMembers(prefix)).missing == 0
    ready = board.banks[4].changes.ready(NOW)
    assert ready is not None
    assert ready.problem(BANKS, NETWORK.network_id) is None
    assert SIXTH in ready.members


def test_the_same_signature_twice_counts_once(board):
    drafted = board.banks[0].ask(ADD)
    again = board.banks[0].ask(ApproveMembers(drafted.change.hash.hex()))
    assert again.missing == drafted.missing


def test_a_key_rolls_in_one_change(board):
    change = board.banks[0].ask(ProposeMembers(added=((NAMES[1], SIXTH),), removed=(NAMES[1],))).change
    assert public(KEYS[1]) not in change.members
    assert change.names[change.members.keys.index(SIXTH)] == NAMES[1]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (ProposeMembers(), "changes nothing"),
        (ProposeMembers(removed=("Bank 9",)), "is no member at height 10; there are"),
        (ProposeMembers(added=(("New", BANKS.keys[0]),)), "has this key already"),
        (ProposeMembers(added=((NAMES[0], SIXTH),)), "has the name 'Bank 0' already"),
        (ProposeMembers(added=(("New", SIXTH),), from_height=HEIGHT + 1), "from height 12 at the earliest, not 11"),
        (ProposeMembers(added=(("New", SIXTH), ("Other", SIXTH))), "has this key already"),
        (ProposeMembers(added=(("New", b"\xff" * 32),), forced=True), "is no public key, and .* have New tell its key"),
        (ApproveMembers("abc"), "first 8 or more"),
        (ApproveMembers("00" * 32), "no open changes"),
    ],
)
def test_what_makes_no_sense_is_refused(board, command, problem):
    with pytest.raises(MisuseError, match=problem):
        board.banks[0].ask(command)


def test_who_signs_for_nobody_proposes_nothing(board):
    stranger = Bank(KEYS[0], 9, board, signs=False)
    with pytest.raises(MisuseError, match="signs for no member"):
        stranger.ask(ADD)


def test_a_change_that_would_halt_the_chain_needs_force(board):
    board.heard = set(BANKS.keys[:4])
    dead = BANKS.keys[4]
    gone = next(key for key in BANKS.keys if key != dead)
    with pytest.raises(MisuseError, match="would stand still"):
        board.banks[0].ask(
            ProposeMembers(added=(("A", SIXTH), ("B", public(PrivateKey(b"\7" * 32)))), removed=(gone.hex(),))
        )
    forced = ProposeMembers(
        added=(("A", SIXTH), ("B", public(PrivateKey(b"\7" * 32)))), removed=(gone.hex(),), forced=True
    )
    assert board.banks[0].ask(forced).change.members


def test_removing_warns_of_what_counts_until_then(board):
    board.heard = set(BANKS.keys)
    told = board.banks[0].ask(ProposeMembers(removed=(NAMES[4],))).warnings
    assert any("counts until height" in one for one in told)
    assert any("exactly a quorum of 4" in one for one in told)


def test_nothing_is_proposed_while_a_change_is_pending(board):
    change = board.banks[0].ask(ADD).change
    board.history.append(CarriedChange(HEIGHT - 1, BlockHash(b"b" * 32), change))
    with pytest.raises(MisuseError, match="a change is pending until height"):
        board.banks[0].ask(ProposeMembers(removed=(NAMES[4],)))
    assert board.banks[0].changes.open() == ()


def test_a_draft_of_a_stranger_counts_for_nothing(board):
    change = board.banks[0].ask(ADD).change
    forged = change.with_signature(public(KEYS[1]), bytes(64))
    bank = board.banks[2]
    bank.records.publish("change", "x", forged.encode(), NOW)
    bank.records.publish("change", "y", b"no change at all", NOW)
    assert [draft.missing for draft in bank.changes.open()] == [3]


def test_an_answer_waits_for_the_disk(board):
    bank = board.banks[0]
    bank.changes.handle(1, ADD, NOW)
    (sign,) = bank.effects
    bank.effects.clear()
    bank.changes.on_signed(bank.signer.answer(sign), NOW)
    assert [type(effect).__name__ for effect in bank.effects] == ["SaveState"]
