"""A member and its indexes: views read page by page, changes that follow, and indexes that misbehave."""

import pytest
from tests.unit.overlay.index.members import NETWORK_ID, T0, entry, forged, peer, peer_id

from minicoin.core.faults import PeerFault
from minicoin.core.limits import INDEX_PAGE_EVERY_US, INDEXES_FOLLOWED_MAX
from minicoin.core.overlay.index.known import KnownMembers
from minicoin.core.overlay.index.member import IndexMembership
from minicoin.core.overlay.index.messages import IdxDelta, IdxNext, IdxPage, IdxRefuse
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

RENEW_US = 1_200 * SECOND_US
INDEX = peer(100)


def met(*, asked=True):
    made = IndexMembership(KnownMembers(NETWORK_ID), Rng(b"test"), RENEW_US)
    made.meet(INDEX, entry(100), T0)
    if asked:
        assert made.due(T0) == ((INDEX.conn, True),)
    return made


def joined(*numbers, at=5):
    made = met()
    made.take_page(INDEX, IdxPage(at, len(numbers), tuple(map(entry, numbers))), T0)
    return made


def members(made):
    (view,) = made.views({})
    return view.members


def test_a_view_of_one_page_is_followed_from_its_version():
    made = joined(1, 2)
    assert members(made) == {peer_id(1), peer_id(2)} and made.views({})[0].is_complete
    made.take_delta(INDEX, IdxDelta(5, 6, (entry(3),), (peer_id(1),)), T0)
    assert members(made) == {peer_id(2), peer_id(3)}


def test_pages_are_asked_for_until_all_are_there_and_what_changed_meanwhile_is_not_lost():
    made = met()
    assert made.views({}) == ()
    made.take_page(INDEX, IdxPage(5, 3, (entry(1), entry(2)), bytes(32)), T0)
    assert made.pages_due(T0) == ()
    at = made.next_deadline()
    assert INDEX_PAGE_EVERY_US // 2 < at - T0 < 2 * INDEX_PAGE_EVERY_US
    with pytest.raises(PeerFault, match="unasked"):
        made.take_page(INDEX, IdxPage(6, 3, (entry(3),)), T0)
    assert made.pages_due(at) == ((INDEX.conn, IdxNext(bytes(32))),) and made.pages_due(at) == ()
    made.take_delta(INDEX, IdxDelta(5, 6, (entry(4),), (peer_id(1),)), T0)
    made.take_page(INDEX, IdxPage(6, 3, (entry(3),), bytes(32)), T0)
    assert made.next_deadline() > at + INDEX_PAGE_EVERY_US
    assert members(made) == {peer_id(number) for number in (2, 3, 4)}


def test_an_index_that_sends_the_same_page_for_ever_is_not_asked_for_ever():
    made = met()
    pages = 0
    for _ in range(99):
        pages += 1
        made.take_page(INDEX, IdxPage(5, 250, (entry(1),), bytes(32)), T0)
        if not made.pages_due(Micros(T0 + 2 * INDEX_PAGE_EVERY_US)):
            break
    assert pages == 5


def test_a_change_that_does_not_follow_makes_it_read_anew():
    made = joined(1)
    made.take_delta(INDEX, IdxDelta(7, 8, (entry(2),), ()), T0)
    assert made.due(T0) == ()
    assert made.due(Micros(T0 + 3 * SECOND_US)) == ((INDEX.conn, True),)
    made.take_page(INDEX, IdxPage(8, 2, (entry(1), entry(2))), T0)
    assert members(made) == {peer_id(1), peer_id(2)}


def test_of_a_part_not_every_version_is_told():
    made = met()
    made.take_page(INDEX, IdxPage(5, 2, (entry(1), entry(2)), is_whole=False), T0)
    made.take_delta(INDEX, IdxDelta(3, 9, (entry(3),), (), is_whole=False), T0)
    assert members(made) == {peer_id(number) for number in (1, 2, 3)} and not made.views({})[0].is_complete


def test_a_view_that_becomes_whole_again_is_read_anew_and_one_that_is_divided_is_complete_no_more():
    made = joined(1)
    made.take_delta(INDEX, IdxDelta(5, 6, (entry(2),), (), is_whole=False), T0)
    assert not made.views({})[0].is_complete and made.due(Micros(T0 + 3 * SECOND_US)) == ()
    made.take_delta(INDEX, IdxDelta(6, 7, (entry(3),), ()), T0)
    assert made.due(Micros(T0 + 3 * SECOND_US)) == ((INDEX.conn, True),)


def test_an_old_change_is_nothing():
    made = joined(1)
    made.take_delta(INDEX, IdxDelta(3, 4, (), (peer_id(1),)), T0)
    assert members(made) == {peer_id(1)}


def test_the_record_is_renewed_in_time_and_the_view_not_read_again():
    made = joined(1)
    at = made.next_deadline()
    assert T0 + RENEW_US // 2 < at <= T0 + RENEW_US
    assert made.due(at) == ((INDEX.conn, False),)


@pytest.mark.parametrize("number", [1, 2])
def test_a_forged_record_in_a_view_is_a_fault(number):
    made = met()
    with pytest.raises(PeerFault, match="forged"):
        made.take_page(INDEX, IdxPage(1, 1, (forged(number),)), T0)


def test_what_nobody_asked_is_a_fault():
    stranger = peer(7)
    page, delta = IdxPage(1, 1, (entry(1),)), IdxDelta(0, 1, (), ())
    with pytest.raises(PeerFault, match="unasked"):
        met().take_page(stranger, page, T0)
    with pytest.raises(PeerFault, match="unasked"):
        joined(1).take_page(INDEX, page, T0)
    with pytest.raises(PeerFault, match="nobody follows"):
        met().take_delta(stranger, delta, T0)
    with pytest.raises(PeerFault, match="nobody asked"):
        met().take_refusal(stranger, IdxRefuse("no", 1), T0)


def test_a_refusal_is_kept_and_asked_again_after_it():
    made = met()
    made.take_refusal(INDEX, IdxRefuse("the index is full", 60), T0)
    assert [view.refused for view in made.views({})] == ["the index is full"]
    assert made.due(Micros(T0 + 59 * SECOND_US)) == ()
    assert made.due(Micros(T0 + 76 * SECOND_US)) == ((INDEX.conn, True),)
    made.take_page(INDEX, IdxPage(1, 1, (entry(1),)), T0)
    assert [view.refused for view in made.views({})] == [""]


def test_a_refusal_cannot_keep_us_waiting_for_ever_nor_busy():
    for retry_s in (0, 1 << 60):
        made = met()
        made.take_refusal(INDEX, IdxRefuse("no", retry_s), T0)
        assert T0 + 10 * SECOND_US <= made.next_deadline() <= T0 + 2 * RENEW_US


def test_so_many_indexes_are_followed_and_no_more():
    made = IndexMembership(KnownMembers(NETWORK_ID), Rng(b"test"), RENEW_US)
    for number in range(INDEXES_FOLLOWED_MAX + 3):
        made.meet(peer(number + 1), None, T0)
    assert len(made) == INDEXES_FOLLOWED_MAX
    made.on_closed(1)
    assert len(made) == INDEXES_FOLLOWED_MAX - 1
