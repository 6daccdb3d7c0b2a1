"""When a node stands for super node, and when it steps back: rule by rule, without a network."""

from dataclasses import replace

import pytest

from minicoin.core.overlay.supernode.election import (
    ALONE_UP_LOOKS,
    DELAY_MAX_MS,
    EMPTY_PERMILLE,
    FULL_PERMILLE,
    TERM_LOOKS,
    TRIAL_LOOKS,
    UP_LOOKS,
    Election,
    SupersSeen,
)
from minicoin.core.rng import Rng

PARENTS = 3
CROWDED = SupersSeen((1_000,) * PARENTS, 60, is_short=False, is_reachable=True, delay_ms=100)
EMPTY = SupersSeen((100,) * PARENTS, 6, is_short=False, is_reachable=True, delay_ms=100, own_load=100)


def elections(count=200):
    return [Election(PARENTS, Rng(b"election", str(number))) for number in range(count)]


def looks_to_stand(seen, looks=400):
    """Of many leaves that see this, after how many looks each stood."""
    stood = []
    for election in elections():
        stood += next(([look] for look in range(1, looks) if election.leaf_stands(seen)), [])
    return stood


def test_nobody_stands_who_came_just_now_and_all_together_bring_what_is_missing():
    stood = looks_to_stand(CROWDED, UP_LOOKS + 1)
    assert set(stood) <= {UP_LOOKS}
    # 200 leaves at super nodes with 60 each, twice as full as they should be: ten more are wanted.
    assert 4 <= len(stood) <= 18


def test_where_there_is_nobody_they_stand_soon():
    nobody = SupersSeen((), 0, is_short=True, is_reachable=True, delay_ms=0)
    stood = looks_to_stand(nobody, 100)
    assert len(stood) == 200 and min(stood) >= ALONE_UP_LOOKS and sorted(stood)[100] < UP_LOOKS


@pytest.mark.parametrize(
    "seen",
    [
        replace(CROWDED, is_reachable=False),
        replace(CROWDED, delay_ms=DELAY_MAX_MS + 1),
        replace(CROWDED, loads=(FULL_PERMILLE - 1,) * PARENTS),
        # One that says that it is full is one of three.
        replace(CROWDED, loads=(1_000, 500, 500)),
    ],
)
def test_who_is_not_capable_or_not_needed_never_stands(seen):
    assert looks_to_stand(seen) == []


def test_what_was_seen_once_is_looked_at_again():
    calm = replace(CROWDED, loads=(500,) * PARENTS)
    for election in elections(50):
        assert not any(election.leaf_stands(seen) for _ in range(100) for seen in (CROWDED, calm))


def test_too_many_step_back_after_their_term_and_not_all_at_once():
    went = {}
    for number, election in enumerate(elections()):
        went[number] = next((look for look in range(1, 300) if election.super_steps_back(EMPTY)), None)
    assert None not in went.values()
    assert sum(look <= 4 for look in went.values()) < 100
    fresh = elections(1)[0]
    while not fresh.leaf_stands(CROWDED):
        pass
    assert not any(fresh.super_steps_back(EMPTY) for _ in range(TERM_LOOKS - 1))


@pytest.mark.parametrize(
    "seen",
    [
        replace(EMPTY, loads=(100,) * (PARENTS - 1)),
        replace(EMPTY, loads=(EMPTY_PERMILLE,) * PARENTS),
        # Others who say that they are empty do not send away one whose places are taken.
        replace(EMPTY, loads=(0,) * 9, own_load=EMPTY_PERMILLE),
    ],
)
def test_who_is_needed_stays(seen):
    assert not any(election.super_steps_back(seen) for election in elections(50) for _ in range(100))


def test_who_is_reached_by_nobody_steps_back_and_waits_longer_each_time():
    unreached = replace(EMPTY, is_reachable=False, own_load=0)
    election = elections(1)[0]
    waits = []
    for _ in range(3):
        waits.append(next(look for look in range(1, 10_000) if election.leaf_stands(CROWDED)))
        assert next(look for look in range(1, 100) if election.super_steps_back(unreached)) == TRIAL_LOOKS
    assert waits[1] > 2 * TERM_LOOKS - 1 and waits[2] > 4 * TERM_LOOKS - 1
