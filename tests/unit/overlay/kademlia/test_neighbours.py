"""Whom to be connected to."""

import pytest
from tests.unit.overlay.kademlia.contacts import OWN, contact, in_bucket, peer_view

from minicoin.core.limits import (
    KAD_HEARD_PER_BUCKET_MAX,
    KAD_NEAREST,
    KAD_NEIGHBOUR_PATIENCE_US,
    KAD_NEIGHBOURS_MAX,
)
from minicoin.core.overlay.kademlia.keyspace import Contact, bucket_of
from minicoin.core.overlay.kademlia.links import KadLinks
from minicoin.core.overlay.kademlia.neighbours import KadNeighbours
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

T0 = Micros(1_700_000_000_000_000)


class Around:
    """Neighbours with what they look at."""

    def __init__(self, known=(), per_bucket: int = 1, seed: bytes = b"neighbours") -> None:
        self.table = RoutingTable(OWN.key, 20)
        self.links = KadLinks(OWN.key)
        self.neighbours = KadNeighbours(OWN.key, self.table, self.links, per_bucket, Rng(seed))
        for each in known:
            self.table.see(each)

    def choose(self, now: Micros = T0) -> list[Contact]:
        self.neighbours.choose(now)
        return self.neighbours.contacts()


KNOWN = [contact(number) for number in range(1, 200)]


def test_one_of_each_bucket_and_the_nearest():
    around = Around(KNOWN)
    chosen = around.choose()
    indexes = [index for index, _ in around.table.sizes()]
    assert {bucket_of(OWN.key, each.key) for each in chosen} == set(indexes)
    assert set(around.table.closest(OWN.key, KAD_NEAREST)) <= set(chosen)
    assert len(chosen) <= len(indexes) + KAD_NEAREST
    for each in chosen:
        assert each.peer_id in around.neighbours


def test_so_many_of_a_bucket_as_items_go_to():
    around = Around(KNOWN, per_bucket=3)
    chosen = [bucket_of(OWN.key, each.key) for each in around.choose()]
    for index, size in around.table.sizes():
        assert chosen.count(index) >= min(size, 3)
    assert len(chosen) <= KAD_NEIGHBOURS_MAX


def test_the_choice_is_by_chance_and_stays():
    first, second = Around(KNOWN, seed=b"1"), Around(KNOWN, seed=b"2")
    chosen = first.choose()
    assert chosen != second.choose()
    for each in in_bucket(255, 40):
        first.table.see(each)
    assert first.choose(Micros(T0 + 1)) == chosen


def test_who_is_nearer_takes_the_place_of_one_of_the_nearest():
    known = sorted(KNOWN, key=lambda each: each.key ^ OWN.key)
    around = Around(known[1:])
    before = around.choose()
    around.table.see(known[0])
    assert known[0] in around.choose() and known[0] not in before


def test_what_counts_for_nothing_has_nothing_chosen_anew():
    known = sorted(KNOWN, key=lambda each: each.key ^ OWN.key)
    far = in_bucket(255, 40)
    around = Around(known)
    assert around.neighbours.has_changed
    before = around.choose()
    assert not around.neighbours.has_changed
    around.neighbours.hear_of([*known, *far])
    for each in (known[-1], *far):
        around.table.see(each)
    assert not around.neighbours.has_changed
    around.neighbours.on_closed(before[0].peer_id, T0)
    assert not around.neighbours.has_changed
    around.neighbours.forget(before[0])
    assert around.neighbours.has_changed and around.choose() != before


@pytest.mark.parametrize("per_bucket", [1, 3])
@pytest.mark.parametrize("seed", range(20))
def test_it_is_chosen_as_if_it_were_each_time(per_bucket: int, seed: int):
    """Against neighbours that look at all of it after each step."""
    rng, one, other = Rng(b"steps", str(seed)), Around(per_bucket=per_bucket), Around(per_bucket=per_bucket)
    contacts = [*KNOWN[:100], *in_bucket(254, 30), *sorted(KNOWN, key=lambda each: each.key ^ OWN.key)[:30]]
    skipped = 0
    for _ in range(300):
        step, some = rng.below(8), rng.sample(contacts, 1 + rng.below(4))
        for around in (one, other):
            for each in some:
                match step:
                    case 0:
                        around.table.see(each)
                    case 1:
                        around.table.fail(each)
                        around.neighbours.forget(each)
                    case 2:
                        around.table.remove(each)
                        around.neighbours.forget(each)
                    case _:
                        around.neighbours.hear_of([each])
        skipped += not one.neighbours.has_changed
        other.neighbours.forget(OWN)
        assert other.neighbours.has_changed
        assert one.choose() == other.choose()
    assert skipped


def test_who_was_only_heard_of_is_chosen_where_nobody_is_known():
    far, near = in_bucket(255, 3), in_bucket(254, 1)
    around = Around(far[:1])
    around.neighbours.hear_of([*far[1:], *near, OWN])
    assert around.neighbours.has_heard(254) and not around.neighbours.has_heard(253)
    # In a small network all are among the nearest.
    assert set(around.choose()) == {*far, *near}
    assert around.neighbours.find(near[0].key, near[0].peer_id) == near[0]
    around.neighbours.forget(near[0])
    assert near[0] not in around.choose() and around.neighbours.find(near[0].key, near[0].peer_id) is None


def test_of_hearsay_so_many_a_bucket_are_remembered():
    around = Around()
    heard = in_bucket(255, 2 * KAD_HEARD_PER_BUCKET_MAX)
    around.neighbours.hear_of(heard)
    kept = [each for each in heard if around.neighbours.find(each.key, each.peer_id)]
    assert kept == heard[KAD_HEARD_PER_BUCKET_MAX:]


def test_who_is_not_connected_in_time_is_chosen_no_more():
    here, away = in_bucket(255, 2)
    around = Around([here, away])
    assert set(around.choose()) == {here, away}
    around.links.add(peer_view(int.from_bytes(here.group, "big"), 1))
    assert around.neighbours.next_deadline() == T0 + KAD_NEIGHBOUR_PATIENCE_US
    late = Micros(T0 + KAD_NEIGHBOUR_PATIENCE_US)
    assert around.neighbours.take_silent(Micros(late - 1)) == []
    assert around.neighbours.take_silent(late) == [away]
    assert away.peer_id not in around.neighbours and around.neighbours.next_deadline() is None
    # It left: there is patience with it from then on.
    around.links.pop(1)
    around.neighbours.on_closed(here.peer_id, late)
    assert around.neighbours.next_deadline() == late + KAD_NEIGHBOUR_PATIENCE_US


def test_where_all_of_a_bucket_are_silent_one_is_wanted_all_the_same():
    one, two, three = in_bucket(255, 3)
    around = Around([one, two])
    for each in (one, two):
        around.table.fail(each)
        around.neighbours.forget(each)
    assert len(set(around.choose()) & {one, two}) >= 1
    # Not beside somebody who may be there.
    around.neighbours.hear_of([three])
    beside = Around([one, two, three])
    beside.table.fail(one)
    beside.table.fail(two)
    assert beside.choose() == [three]
