"""The leaves of one super node."""

from tests.unit.overlay.supernode.made import T0, peer, peer_id, sent, status

from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.messages import SuperPlace, Verdict
from minicoin.core.overlay.supernode.places import LeafPlaces
from minicoin.core.units import SECOND_US, Micros


class House:
    def __init__(self, places=8, per_second=99):
        self.changes = []
        self.places = LeafPlaces(places, per_second, self.changes.append)

    def ask(self, conn, parents=0, now=T0, known=None):
        near = Near(peer(conn, conn), now)
        near.status = known
        effects, _ = self.places.ask(near, parents, now)
        return [(to, message.verdict) for to, message in sent(effects, SuperPlace)]


def test_a_leaf_is_placed_once_and_hears_so_again():
    house = House()
    assert house.ask(1) == [(1, Verdict.PLACED)] and 1 in house.places and house.places.free == 7
    assert house.ask(1) == [], "too soon"
    assert house.ask(1, now=Micros(T0 + SECOND_US)) == [(1, Verdict.PLACED)]
    assert len(house.places) == 1 and house.changes == [T0]


def test_a_super_node_sits_nowhere():
    assert House().ask(1, known=status(1)) == [(1, Verdict.NO_SUPER)]


def test_where_all_is_full_a_leaf_with_parents_makes_room_for_one_without():
    house = House(places=8)
    for conn in range(1, 8):
        house.ask(conn, parents=0 if conn != 5 else 2)
    house.ask(8)
    assert house.places.free == 0
    assert house.ask(9, parents=1) == [(9, Verdict.FULL)]
    assert house.ask(10) == [(5, Verdict.ENDED), (10, Verdict.PLACED)]
    assert 5 not in house.places and len(house.places) == 8 and house.places.sent_on == 1
    assert house.ask(11) == [(11, Verdict.FULL)], "nobody gives up his last"


def test_what_a_leaf_signs_counts_and_one_that_sits_elsewhere_has_left():
    house = House(places=2)
    house.ask(1)
    house.ask(2)
    house.places.on_word(1, (peer_id(90), peer_id(91)), peer_id(90), T0)
    assert house.ask(3) == [(1, Verdict.ENDED), (3, Verdict.PLACED)]
    house.places.on_word(2, (peer_id(91),), peer_id(90), T0)
    assert house.places.conns() == (3,)
    house.places.on_closed(3, T0)
    house.places.on_closed(3, T0)
    assert len(house.places) == 0
