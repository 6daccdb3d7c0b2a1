"""What is voted on."""

from dataclasses import replace

import pytest
from tests.unit.consensus.ballots import BLOCK, NEXT, OTHER, prevotes
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.choice import Choice, justified
from minicoin.core.faults import MisuseError


def test_a_quorum_of_equal_prevotes_justifies_and_no_more_are_kept() -> None:
    held = justified(prevotes([4, 3, 2, 1, 0], round_=2), BANKS)
    assert (held.round, held.choice) == (2, Choice(BLOCK, NEXT))
    assert [one.member for one in held.prevotes] == list(BANKS.keys[: BANKS.quorum])


def test_less_does_not() -> None:
    with pytest.raises(MisuseError, match="quorum"):
        justified(prevotes([0, 1, 2]), BANKS)
    with pytest.raises(MisuseError, match="quorum"):
        justified([*prevotes([0, 1, 2]), *prevotes([3], OTHER)], BANKS)
    moved = prevotes([3])[0]
    moved = replace(moved, vote=replace(moved.vote, next_members=bytes(32)))
    with pytest.raises(MisuseError, match="quorum"):
        justified([*prevotes([0, 1, 2]), moved], BANKS)
