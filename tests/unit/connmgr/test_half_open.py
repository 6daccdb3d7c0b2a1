"""Who gives way among the silent: bounds by source and group, and the newcomer's chance in a crowd."""

from minicoin.core.connmgr.half_open import HalfOpen, longest_of_most, who_gives_way
from minicoin.core.limits import HALF_OPEN_PER_ADDRESS_MAX, HALF_OPEN_PER_GROUP_MAX
from minicoin.core.units import ConnId


def crowd(count: int, source: bytes = b"crowd", group: bytes = b"", first: int = 1) -> list[HalfOpen]:
    return [HalfOpen(ConnId(first + number), source, group) for number in range(count)]


def test_where_there_is_room_nobody_gives_way() -> None:
    assert who_gives_way(b"crowd", b"", crowd(HALF_OPEN_PER_ADDRESS_MAX - 1), is_full=False) is None
    assert who_gives_way(b"other", b"", crowd(HALF_OPEN_PER_ADDRESS_MAX), is_full=False) is None


def test_the_longest_silent_of_the_same_source_gives_way() -> None:
    others = crowd(3, b"other")
    neighbours = crowd(HALF_OPEN_PER_ADDRESS_MAX, first=50)
    assert who_gives_way(b"crowd", b"", others + neighbours, is_full=False) == neighbours[0]


def test_in_a_full_group_the_one_gives_way_whose_source_holds_most() -> None:
    honest = crowd(1, b"honest", b"g")
    many = [one for number in range(21) for one in crowd(3, bytes((number,)), b"g", first=100 + 10 * number)]
    assert len(honest + many) == HALF_OPEN_PER_GROUP_MAX
    assert who_gives_way(b"new", b"g", honest + many, is_full=False) == many[0]
    assert who_gives_way(b"new", b"elsewhere", honest + many, is_full=False) is None


def test_an_empty_group_is_bounded_by_nothing() -> None:
    lab = [HalfOpen(ConnId(number), number.to_bytes(4, "big"), b"") for number in range(200)]
    assert who_gives_way(b"new", b"", lab, is_full=False) is None


def test_when_all_places_are_taken_a_crowd_loses_its_own_before_anybody_else() -> None:
    honest = crowd(1, b"honest")
    loser = who_gives_way(b"new", b"", honest + crowd(30, first=10), is_full=True)
    assert loser is not None and loser.source == b"crowd"
    assert who_gives_way(b"new", b"", [], is_full=True) is None


def test_of_equals_the_oldest_goes() -> None:
    first, second = crowd(1, b"a"), crowd(1, b"b", first=2)
    assert longest_of_most(first + second) == first[0]
    assert longest_of_most([]) is None
