"""What a change would come to."""

from tests.unit.signers.banks import BANKS

from minicoin.core.members.judgement import halting_problem, key_problem, warnings
from minicoin.core.signers.changes import member_change

FIRST = BANKS.keys[0]
ALONE = member_change(1, 9, BANKS.hash, [(FIRST, "Bank")])
LESS = member_change(1, 9, BANKS.hash, [(key, f"Bank {place}") for place, key in enumerate(BANKS.keys[:4])])


def everybody(key: bytes) -> bool:
    return True


def test_a_list_halts_where_fewer_than_its_quorum_are_heard():
    assert halting_problem(LESS, everybody) is None
    assert halting_problem(LESS, lambda key: key in LESS.members.keys[:3]) is None
    problem = halting_problem(LESS, lambda key: key in LESS.members.keys[:2])
    assert problem is not None
    assert "3 of 4 members must sign, and only 2 of them were heard" in problem


def test_one_that_becomes_two_halts_unless_the_second_runs():
    two = member_change(1, 9, BANKS.hash, [(BANKS.keys[0], "One"), (BANKS.keys[1], "Two")])
    assert halting_problem(two, lambda key: key == FIRST) is not None


def test_warnings():
    assert any("tolerates no member" in told for told in warnings(ALONE, BANKS, everybody))
    told = warnings(LESS, BANKS, everybody)
    assert "whoever is removed signs and counts until height 9" in told
    assert any("exactly a quorum of 4" in one for one in told)
    another_away = warnings(LESS, BANKS, lambda key: key != FIRST)
    assert any("of those who stay 3 were heard" in one for one in another_away)
    one_silent = warnings(LESS, BANKS, lambda key: key != FIRST)
    assert any("one more failure would halt it" in one for one in one_silent)


def test_three_bear_one_that_is_down_and_two_bear_none():
    three, two = (
        member_change(1, 9, BANKS.hash, [(key, f"Bank {place}") for place, key in enumerate(BANKS.keys[:count])])
        for count in (3, 2)
    )
    assert not any("one of them is down" in told for told in warnings(three, BANKS, everybody))
    assert any(
        "a list of 2 makes no block while one of them is down" in told for told in warnings(two, BANKS, everybody)
    )


def test_adding_members_that_are_heard_needs_no_warning():
    same = member_change(1, 9, BANKS.hash, [(key, f"New {place}") for place, key in enumerate(BANKS.keys)])
    assert warnings(same, BANKS, everybody) == ()


def test_a_key_that_is_none_is_told_with_whose_it_is_to_be():
    rows = [*((key, "Bank") for key in BANKS.keys), (b"\xff" * 32, "New")]
    change = member_change(1, 9, BANKS.hash, rows)
    problem = key_problem(change.members, change.names, BANKS)
    assert problem is not None and "have New tell its key again" in problem
    # What is in the list already holds, as its founders wanted it.
    assert key_problem(change.members, change.names, change.members) is None
    assert key_problem(LESS.members, LESS.names, BANKS) is None
