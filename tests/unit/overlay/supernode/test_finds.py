"""Questions where a peer is."""

from tests.unit.overlay.supernode.made import T0, address, leaf_record, peer, peer_id, sent, status_record

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Reply
from minicoin.core.limits import SUPER_FINDS_WAITING_MAX
from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.finds import PATIENCE_US, LeafFinds, places_in
from minicoin.core.overlay.supernode.messages import SuperFind, SuperFound
from minicoin.core.units import Micros

PARENTS = tuple(Near(peer(conn, conn), T0) for conn in (1, 2))
TARGET = peer_id(9)
NOTHING = PeerFound()


def begin(finds, request=7, known=NOTHING):
    return finds.begin(request, TARGET, known, PARENTS, T0)


def answer(finds, near, number, *records):
    return finds.take(near, SuperFound(number, records), lambda record: True, PARENTS, T0)


def test_the_leaf_s_own_word_is_certain():
    finds = LeafFinds()
    assert sent(begin(finds), SuperFind) == [(1, SuperFind(1, TARGET))]
    found = answer(finds, PARENTS[0], 1, leaf_record(9, (3,), at=address(9)))
    assert found == [Reply(7, PeerFound((address(9),), FoundBy.RECORD, peer_id(1), 1, is_certain=True))]
    assert finds.next_deadline() is None and answer(finds, PARENTS[0], 1) == []


def test_parents_are_asked_one_after_the_other_and_then_we_say_what_we_know():
    finds = LeafFinds()
    known = PeerFound((address(9),), FoundBy.BOOK)
    begin(finds, known=known)
    assert answer(finds, PARENTS[1], 1, leaf_record(9, (3,), at=address(9))) == [], "it was not asked"
    assert sent(answer(finds, PARENTS[0], 1), SuperFind) == [(2, SuperFind(1, TARGET))]
    assert answer(finds, PARENTS[1], 1) == [Reply(7, PeerFound((address(9),), FoundBy.BOOK, asked=2))]


def test_silence_and_a_broken_connection_lead_to_the_next():
    finds = LeafFinds()
    begin(finds)
    late = Micros(T0 + PATIENCE_US)
    assert finds.next_deadline() == late and finds.on_deadline(PARENTS, T0) == []
    assert [conn for conn, _ in sent(finds.on_deadline(PARENTS, late), SuperFind)] == [2]
    assert finds.on_closed(1, PARENTS, late) == []
    assert finds.on_closed(2, PARENTS, late) == [Reply(7, PeerFound(asked=2))]


def test_without_a_parent_or_a_doubt_the_answer_comes_at_once_and_waiting_is_bounded():
    finds = LeafFinds()
    certain = PeerFound((address(9),), FoundBy.CONNECTED, is_certain=True)
    assert begin(finds, known=certain) == [Reply(7, certain)]
    assert finds.begin(7, TARGET, NOTHING, (), T0) == [Reply(7, NOTHING)]
    replies = [begin(finds, request) for request in range(SUPER_FINDS_WAITING_MAX + 1)]
    assert replies[-1] == [Reply(SUPER_FINDS_WAITING_MAX, NOTHING)]


def test_what_is_not_believed_says_nothing():
    finds = LeafFinds()
    begin(finds)
    record = leaf_record(9, (3,), at=address(9))
    effects = finds.take(PARENTS[0], SuperFound(1, (record,)), lambda one: False, PARENTS, T0)
    assert sent(effects, SuperFind) != []


def test_where_a_record_says_somebody_is():
    assert places_in(TARGET, [leaf_record(9, (3, 4)), status_record(4), status_record(5)]) == (address(4),)
    assert places_in(TARGET, [status_record(9)]) == (address(9),)
    assert places_in(TARGET, [leaf_record(8, (3,), at=address(8))]) is None
    assert places_in(TARGET, [leaf_record(9, (3,))]) is None
