"""Who sits where."""

from tests.unit.overlay.supernode.made import T0, leaf_record, peer_id

from minicoin.core.limits import SUPER_DIRECTORY_MAX
from minicoin.core.overlay.supernode import directory as directory_module
from minicoin.core.overlay.supernode.directory import Directory, Entered
from minicoin.core.overlay.supernode.entries import LIFE_US
from minicoin.core.units import Micros

KNOWN = tuple(map(peer_id, range(1, 5)))


def made(per_super=3):
    return Directory(per_super, KNOWN.__contains__)


def test_a_leaf_moves_or_only_renews():
    directory = made()
    assert directory.take(leaf_record(10, (1, 2))) is Entered.MOVED
    assert directory.take(leaf_record(10, (1, 2), Micros(T0 + 1))) is Entered.RENEWED
    assert directory.take(leaf_record(10, (2, 3), Micros(T0 + 2))) is Entered.MOVED
    assert directory.supers_of(peer_id(10), T0) == (peer_id(2), peer_id(3))
    assert not directory.is_news(leaf_record(10, (1,), Micros(T0 + 1)), T0)
    assert directory.supers_of(peer_id(11), T0) == ()


def test_each_super_node_has_room_for_so_many_and_an_unknown_one_for_none():
    directory = made(per_super=2)
    assert [directory.take(leaf_record(number, (1,))) for number in (10, 11, 12)] == [
        Entered.MOVED,
        Entered.MOVED,
        Entered.REFUSED,
    ]
    assert directory.take(leaf_record(10, (1, 2), Micros(T0 + 1))) is Entered.MOVED, "who is there stays"
    assert directory.take(leaf_record(12, (9,))) is Entered.REFUSED
    assert directory.take(leaf_record(11, (3,), Micros(T0 + 1))) is Entered.MOVED
    assert directory.take(leaf_record(12, (1,))) is Entered.MOVED, "a place became free"


def test_what_expires_gives_room_back():
    directory = made(per_super=1)
    directory.take(leaf_record(10, (1,)))
    late = Micros(T0 + LIFE_US)
    assert directory.supers_of(peer_id(10), late) == ()
    directory.expire(late)
    assert len(directory) == 0 and directory.take(leaf_record(11, (1,), late)) is Entered.MOVED


def test_it_is_bounded_in_all(monkeypatch):
    assert SUPER_DIRECTORY_MAX == directory_module.SUPER_DIRECTORY_MAX
    monkeypatch.setattr(directory_module, "SUPER_DIRECTORY_MAX", 2)
    directory = made()
    assert [directory.take(leaf_record(number, (number,))) for number in (1, 2, 3)][-1] is Entered.REFUSED
    page, has_more = directory.page(b"", 5)
    assert [record.owner for record in page] == sorted(map(peer_id, (1, 2))) and not has_more
