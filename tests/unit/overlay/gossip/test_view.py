"""The partial view: newer is news, silence is death, death is remembered, and no group fills it."""

from tests.unit.overlay.gossip.made import T0, address, group_of, heard, peer_id

from minicoin.core.limits import (
    GOSSIP_DEAD_KEPT_EXPIRIES,
    GOSSIP_VIEW_DEAD_MAX,
    GOSSIP_VIEW_MAX,
    GOSSIP_VIEW_PER_GROUP_MAX,
    GOSSIP_VIEW_PER_SOURCE_MAX,
)
from minicoin.core.overlay.gossip.view import PartialView
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

EXPIRY_S = 60


def view():
    return PartialView(EXPIRY_S * SECOND_US, group_of)


def at(seconds):
    return Micros(T0 + seconds * SECOND_US)


def hear(made, told, source=b"source", now=T0):
    """As membership does: only news is heard."""
    return made.is_news(told) and made.hear(told, source, now)


def test_a_newer_version_is_news_and_an_equal_one_is_not():
    made = view()
    assert hear(made, heard(1, (5, 5)))
    for old in ((5, 5), (5, 4), (4, 9)):
        assert not hear(made, heard(1, old))
    for newer in ((5, 6), (6, 1)):
        assert hear(made, heard(1, newer))
        assert made.find(peer_id(1), T0).alive.version == newer
    assert len(made) == 1


def test_who_is_silent_for_the_expiry_is_dead():
    made = view()
    hear(made, heard(1, age_s=20))
    assert made.find(peer_id(1), at(EXPIRY_S - 21)) is not None
    assert made.find(peer_id(1), at(EXPIRY_S - 20)) is None
    made.expire(at(EXPIRY_S))
    assert (len(made), made.dead_count) == (0, 1)


def test_an_age_counts_through_all_hands_and_never_shrinks():
    made = view()
    hear(made, heard(1, age_s=20))
    assert made.find(peer_id(1), T0).heard(Micros(T0 + 1)).age_s == 21
    assert not hear(view(), heard(2, age_s=EXPIRY_S))


def test_stale_gossip_does_not_revive_the_dead_but_a_newer_version_does():
    made = view()
    hear(made, heard(1, (5, 5)))
    made.expire(at(EXPIRY_S))
    assert not hear(made, heard(1, (5, 5)), now=at(EXPIRY_S))
    assert not hear(made, heard(1, (5, 4)), now=at(EXPIRY_S))
    assert hear(made, heard(1, (5, 6)), now=at(EXPIRY_S))
    assert made.dead_count == 0


def test_the_dead_are_forgotten_in_time_and_are_few():
    made = view()
    for number in range(1, GOSSIP_VIEW_DEAD_MAX + 40):
        hear(made, heard(number), number.to_bytes(2, "big"))
        made.expire(at(EXPIRY_S))
        assert made.dead_count == min(number, GOSSIP_VIEW_DEAD_MAX)
    made.expire(at(EXPIRY_S * (1 + GOSSIP_DEAD_KEPT_EXPIRIES)))
    assert made.dead_count == 0


def test_where_it_is_full_the_stalest_gives_way_to_what_is_fresher():
    made = view()
    for number in range(GOSSIP_VIEW_MAX):
        assert hear(made, heard(number, age_s=10 + number % 40), number.to_bytes(2, "big"))
    assert not hear(made, heard(100, age_s=50), b"another")
    assert hear(made, heard(101, age_s=30), b"another")
    assert len(made) == GOSSIP_VIEW_MAX
    assert made.find(peer_id(39), T0) is None


def test_one_source_group_has_its_part_and_no_more():
    made = view()
    for number in range(GOSSIP_VIEW_MAX):
        hear(made, heard(number, age_s=30), b"sybil")
    assert len(made) == GOSSIP_VIEW_PER_SOURCE_MAX
    # What comes fresher takes the place of its own, never of what others told.
    assert hear(made, heard(100, age_s=40), b"honest")
    for number in range(101, 130):
        hear(made, heard(number, age_s=1), b"sybil")
    assert len(made) == GOSSIP_VIEW_PER_SOURCE_MAX + 1
    assert made.find(peer_id(100), T0) is not None


def test_renewing_what_others_told_of_makes_it_nobody_s_own():
    made = view()
    for number in range(40):
        hear(made, heard(number, (1, 1), age_s=20), number.to_bytes(2, "big"))
    for number in range(40):
        hear(made, heard(number, (1, 2), age_s=10), b"sybil")
    assert len(made) == 40
    assert hear(made, heard(50, age_s=5), b"sybil")
    assert len(made) == 41


def test_one_group_of_addresses_has_its_part_and_no_more():
    made = view()
    for number in range(40):
        hear(made, heard(number, age_s=30, group=9), number.to_bytes(2, "big"))
    assert len(made) == GOSSIP_VIEW_PER_GROUP_MAX
    assert hear(made, heard(100, age_s=31), b"x")


def test_who_moves_into_a_full_group_stays_where_it_was():
    made = view()
    for number in range(GOSSIP_VIEW_PER_GROUP_MAX):
        hear(made, heard(number, age_s=0, group=9), number.to_bytes(2, "big"))
    hear(made, heard(100, (1, 1), age_s=5), b"x")
    assert not hear(made, heard(100, (1, 2), age_s=3, group=9), b"x")
    assert made.find(peer_id(100), T0).alive.address == address(100)
    assert hear(made, heard(100, (1, 3), age_s=0, group=10), b"x")
    assert made.find(peer_id(100), T0).alive.address == address(100, 10)
    # The place it left is free.
    assert hear(made, heard(100, (1, 4), age_s=0), b"x")


def test_two_do_not_live_at_one_endpoint():
    made = view()
    hear(made, heard(1, group=9))
    assert not hear(made, heard(257, group=9))
    made.expire(at(EXPIRY_S))
    assert hear(made, heard(257, group=9), now=at(EXPIRY_S))


def test_any_history_keeps_the_bounds():
    rng, made, now = Rng(b"history"), view(), T0
    for _ in range(4_000):
        now = Micros(now + rng.below(SECOND_US))
        told = heard(rng.below(120), (1, rng.below(30)), rng.below(EXPIRY_S), group=rng.below(20))
        hear(made, told, bytes([rng.below(5)]), now)
        if rng.below(20) == 0:
            made.expire(now)
        assert len(made) <= GOSSIP_VIEW_MAX and made.dead_count <= GOSSIP_VIEW_DEAD_MAX
        for name, most in (("group", GOSSIP_VIEW_PER_GROUP_MAX), ("source", GOSSIP_VIEW_PER_SOURCE_MAX)):
            crowds = [getattr(member, name) for member in made]
            assert max(map(crowds.count, crowds), default=0) <= most
        endpoints = [(member.alive.address.host, member.alive.address.port) for member in made]
        assert len(set(endpoints)) == len(endpoints)
    assert len(made) > 20
