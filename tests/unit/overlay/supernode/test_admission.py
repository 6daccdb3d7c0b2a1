"""Who gets a place, and when the others are to come again."""

from tests.unit.overlay.supernode.made import T0

from minicoin.core.overlay.supernode.admission import LeafDoor, PlacedLeaf, who_makes_room
from minicoin.core.overlay.supernode.messages import Verdict
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros


def ask(door, leaves=0, parents=0, now=T0, *, room=False):
    return door.ask(Micros(now), leaves, parents=parents, can_make_room=room)


def test_in_no_second_more_are_admitted_than_may_be_however_they_come():
    for seed in range(10):
        rng, door, now, admitted = Rng(bytes((seed,))), LeafDoor(1_000, 5), T0, []
        for _ in range(500):
            now = Micros(now + rng.below(200_000))
            if ask(door, now=now).verdict is Verdict.PLACED:
                admitted.append(now)
        assert all(admitted[place + 5] - admitted[place] >= SECOND_US for place in range(len(admitted) - 5))
        assert len(admitted) >= 0.9 * 5 * (now - T0) / SECOND_US


def test_those_who_come_too_early_are_told_times_of_their_own():
    door = LeafDoor(1_000, 4)
    answers = [ask(door) for _ in range(44)]
    assert [answer.verdict for answer in answers[:5]] == [Verdict.PLACED] * 4 + [Verdict.LATER]
    waits = [answer.retry_s for answer in answers[4:]]
    assert waits == sorted(waits) and waits[0] == 1 and waits[-1] == 10
    assert max(ask(door).retry_s for _ in range(500)) == 60


def test_a_part_of_the_places_is_for_leaves_without_parents():
    assert ask(LeafDoor(16, 99), 13, parents=1).verdict is Verdict.PLACED
    assert ask(LeafDoor(16, 99), 14, parents=1).verdict is Verdict.FULL
    assert ask(LeafDoor(16, 99), 14).verdict is ask(LeafDoor(16, 99), 15).verdict is Verdict.PLACED
    assert ask(LeafDoor(1, 99), 0, parents=2).verdict is Verdict.PLACED


def test_the_full_one_takes_a_leaf_without_parents_where_another_makes_room():
    assert ask(LeafDoor(16, 99), 16).verdict is Verdict.FULL
    assert ask(LeafDoor(16, 99), 16, room=True).verdict is Verdict.PLACED
    assert ask(LeafDoor(16, 99), 16, parents=1, room=True).verdict is Verdict.FULL


def test_room_is_made_by_who_has_most_and_never_by_who_has_no_other():
    leaves = [PlacedLeaf(conn, b"", Micros(conn), parents) for conn, parents in ((1, 1), (2, 3), (3, 3), (4, 2))]
    assert who_makes_room(leaves).conn == 3
    assert who_makes_room(leaves[:1]) is None
