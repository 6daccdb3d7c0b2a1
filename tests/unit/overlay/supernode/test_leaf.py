"""A leaf by hand: whom it attaches to, what it does when a parent goes, and what it refuses."""

from dataclasses import replace

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import (
    T0,
    Ledger,
    address,
    leaf_record,
    offer,
    pass_time,
    peer,
    peer_id,
    sent,
    setup_of,
    status_record,
)

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Reply, SaveState
from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.overlay.contract import Hops, Item, ItemKind, NetworkView, SpreadBy
from minicoin.core.overlay.supernode.entries import LEAF_KEY, attachment_of
from minicoin.core.overlay.supernode.leaf import LeafOverlay
from minicoin.core.overlay.supernode.memory import read_memory, write_memory
from minicoin.core.overlay.supernode.messages import (
    SuperAsk,
    SuperAttach,
    SuperFind,
    SuperFound,
    SuperNews,
    SuperPlace,
    Verdict,
    Wanted,
)
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import MINUTE_US, SECOND_US, Micros

ME = 99


class Bench:
    """A leaf whose world is the test: super node 1 has connection 1, and so on."""

    def __init__(self, **given):
        self.ledger = Ledger()
        self.leaf = LeafOverlay(setup_of(ME, "leaf", ledger=self.ledger, **given))
        self.now = T0
        self.peers = {}
        self.spend(1)

    def spend(self, seconds):
        until = Micros(self.now + int(seconds * SECOND_US))
        effects = pass_time(self.leaf, self.now, until)
        self.now = until
        return effects

    def wants(self):
        wants = self.leaf.wants(NetworkView(tuple(self.peers.values())), self.now)
        check_alarm(self.leaf)
        return wants

    def dialled(self):
        met = [known.address for known in self.peers.values()]
        return [one for one in self.wants().addresses if one not in met]

    def meet(self, number, **given):
        """A super node is connected, and says how it is."""
        self.peers[number] = peer(number, number, is_inbound=False)
        effects = offer(self.leaf, self.peers[number], self.now)
        return effects + self.hear(number, status_record(number, self.now, **given))

    def hear(self, conn, *records):
        effects = list(self.leaf.take_news(self.peers[conn], SuperNews(records), self.now))
        check_alarm(self.leaf)
        return effects

    def answer(self, conn, verdict=Verdict.PLACED, retry_s=0):
        return list(self.leaf.take_place(self.peers[conn], SuperPlace(verdict, retry_s), self.now))

    def close(self, conn):
        del self.peers[conn]
        effects = list(self.leaf.on_closed(conn, self.now))
        check_alarm(self.leaf)
        return effects

    def attach(self, *numbers):
        """It sits at these."""
        for number in numbers:
            assert asked_for_a_place(self.meet(number)) == [number]
            self.answer(number)

    @property
    def figures(self):
        return dict(self.leaf.about(tuple(self.peers.values()), self.now).figures)

    @property
    def says(self):
        return self.leaf.about((), self.now).says


def asked_for_a_place(effects):
    return [conn for conn, _ in sent(effects, SuperAttach)]


def test_it_learns_of_super_nodes_from_whom_the_book_draws_and_attaches_to_as_many_as_it_should():
    bench = Bench()
    assert bench.wants().full_relay == 3 and "no super node is known" in bench.says
    bench.peers[50] = peer(50, 50, is_inbound=False, kind=SlotKind.FULL_RELAY)
    assert sent(offer(bench.leaf, bench.peers[50], bench.now), SuperAsk) == [(50, SuperAsk())]
    bench.hear(50, *(status_record(number) for number in range(1, 6)))
    dialled = bench.dialled()
    assert len(dialled) == 3
    for number in [number for number in range(1, 6) if address(number) in dialled]:
        assert asked_for_a_place(bench.meet(number)) == [number]
        bench.answer(number)
    assert bench.figures["parents"] == 3 and bench.says == ""
    # Who was drawn from the book is of no use any more.
    wants = bench.wants()
    assert wants.unwanted == (50,) and wants.full_relay == 0 and bench.dialled() == []


def test_peers_that_know_no_super_node_make_room_for_others_one_by_one():
    bench = Bench()
    for number in range(50, 58):
        bench.peers[number] = peer(number, number, is_inbound=False, kind=SlotKind.FULL_RELAY)
        offer(bench.leaf, bench.peers[number], bench.now)
        bench.hear(number)
    bench.spend(5)
    assert bench.wants().unwanted == (), "they may hear of one yet"
    gone = []
    for _ in range(300):
        bench.spend(1)
        gone += bench.wants().unwanted
        for conn in gone:
            bench.peers.pop(conn, None)
    assert gone == [50], "the next not before its place is taken"
    bench.peers[58] = peer(58, 58, is_inbound=False, kind=SlotKind.FULL_RELAY)
    bench.spend(120)
    assert bench.wants().unwanted == (51,)


def test_who_finds_nobody_for_long_and_who_lost_all_parents_asks_as_many_as_there_are():
    bench = Bench()
    bench.spend(30)
    assert bench.wants().full_relay == 8
    bench = Bench(parents=1)
    bench.peers[50] = peer(50, 50, is_inbound=False, kind=SlotKind.FULL_RELAY)
    offer(bench.leaf, bench.peers[50], bench.now)
    bench.hear(50, status_record(1))
    assert bench.dialled() == [address(1)]
    bench.attach(1)
    bench.close(50), bench.close(1)
    bench.spend(4)
    assert bench.figures["parents"] == 0 and bench.wants().full_relay == 8


def test_what_it_signs_names_its_parents_and_they_are_remembered():
    bench = Bench(parents=2)
    bench.attach(1, 2)
    effects = bench.spend(3)
    ((first, news), (second, again)) = sent(effects, SuperNews)
    assert (first, second) == (1, 2) and news == again
    (record,) = news.records
    assert record.owner == peer_id(ME) and record.key == LEAF_KEY
    assert attachment_of(record).supers == (peer_id(1), peer_id(2)) and attachment_of(record).address == address(ME)
    (saved,) = [effect for effect in effects if isinstance(effect, SaveState)]
    assert read_memory(saved.value) == (address(1), address(2))
    renewed = sent(bench.spend(31 * 60), SuperNews)
    assert [attachment_of(one.records[0]) for _, one in renewed] == [attachment_of(record)] * 2


def test_one_that_knows_nobody_but_its_parents_asks_them_once_more():
    bench = Bench(parents=2)
    bench.attach(1, 2)
    assert [conn for conn, _ in sent(bench.spend(3), SuperAsk)] == [1, 2]
    bench = Bench(parents=2)
    bench.attach(1, 2)
    bench.hear(1, status_record(3))
    assert sent(bench.spend(3), SuperAsk) == []


def test_a_recorded_leaf_signs_nothing_and_sits_all_the_same():
    bench = Bench(parents=1, signs=False)
    bench.attach(1)
    assert sent(bench.spend(3), SuperNews) == [] and bench.figures["parents"] == 1


def test_one_of_the_remembered_comes_first():
    bench = Bench(saved=write_memory((address(7), address(8))))
    assert bench.dialled() == [address(7)]
    with pytest.raises(DecodeError):
        Bench(saved=b"damaged")


def test_parents_are_in_distinct_groups():
    setup = replace(setup_of(ME, "leaf"), is_private_network=False, group=lambda one: one.host[:6].encode())
    bench = Bench()
    bench.leaf = LeafOverlay(setup)
    bench.attach(1)
    far = replace(address(3), host="10.9.0.3")
    bench.hear(1, status_record(2), status_record(3, at=far))
    bench.spend(1)
    assert bench.dialled() == [far]


def test_who_is_refused_comes_again_when_it_was_told_to():
    bench = Bench(parents=1)
    bench.meet(1)
    bench.answer(1, Verdict.LATER, 20)
    assert bench.wants().unwanted == (1,) and bench.figures["refusals"] == 1
    bench.close(1)
    assert "no super node has taken it yet" in bench.says
    bench.spend(8)
    assert bench.dialled() == []
    for _ in range(40):
        bench.spend(1)
        if bench.dialled():
            break
    assert bench.dialled() == [address(1)]


def test_who_is_refused_asks_another_and_the_address_book_helps_out():
    bench = Bench(parents=1)
    bench.meet(1)
    bench.hear(1, status_record(2))
    bench.answer(1, Verdict.FULL, 30)
    bench.spend(3)
    assert bench.dialled() == [address(2)]
    bench.spend(13)
    assert address(2) not in bench.dialled() and bench.wants().full_relay == 8


def test_a_parent_that_goes_is_replaced_after_a_time_of_its_own():
    times = []
    for seed in range(8):
        bench = Bench(seed=bytes((seed,)), parents=2)
        bench.attach(1, 2)
        bench.hear(1, status_record(3))
        gone_at = bench.now
        bench.close(2)
        assert bench.figures["parents"] == 1 and bench.dialled() == []
        while address(3) not in bench.dialled():
            bench.spend(0.1)
        times.append(bench.now - gone_at)
        bench.meet(3)
        bench.answer(3)
        assert bench.figures["re-attachments"] == 1 and bench.figures["parents"] == 2
    assert max(times) <= 11 * SECOND_US and len(dict.fromkeys(times)) > 4


def test_who_tries_one_after_the_other_of_those_that_vanished_has_found_none():
    bench = Bench(parents=1)
    bench.attach(1)
    bench.hear(1, *(status_record(number) for number in range(2, 8)))
    bench.close(1)
    bench.spend(5)
    assert bench.dialled() and not bench.leaf.supers_seen(bench.now).is_short
    bench.spend(120)
    for _ in range(12):
        assert bench.leaf.supers_seen(bench.now).is_short
        bench.spend(5)
    number = next(number for number in range(1, 8) if address(number) in bench.dialled())
    bench.attach(number)
    assert not bench.leaf.supers_seen(bench.now).is_short


def lonely(known, **given):
    """A leaf that has lost its parents, two unless told otherwise, and knows so many other super nodes."""
    bench = Bench(**{"parents": 2, **given})
    bench.attach(1, 2)
    bench.hear(1, *(status_record(number) for number in range(3, 3 + known)))
    bench.close(1)
    bench.close(2)
    return bench


def until(bench, reached):
    """How long it takes."""
    began = bench.now
    while not reached():
        assert bench.now < began + MINUTE_US
        bench.spend(0.1)
    return bench.now - began


def test_a_dial_that_fails_is_known_at_once_and_another_tried():
    bench = lonely(6)
    until(bench, bench.dialled)
    tried = bench.dialled()
    for _ in range(4):
        failed = bench.dialled()[0]
        assert list(bench.leaf.on_unreachable(failed, bench.now)) == []
        assert failed not in bench.dialled()
        assert until(bench, lambda: len(bench.dialled()) == 2) <= 1.1 * SECOND_US
        # Who failed is left alone meanwhile.
        assert bench.dialled()[-1] not in tried
        tried.append(bench.dialled()[-1])
    assert len(tried) == 6


def test_without_parents_others_are_tried_beside_those_that_are_silent():
    bench = lonely(6)
    until(bench, bench.dialled)
    first = bench.dialled()
    assert len(first) == 2
    assert until(bench, lambda: len(bench.dialled()) == 4) <= 2.6 * SECOND_US
    assert bench.dialled()[:2] == first
    # No more than that, until the time of the first is over.
    bench.spend(7)
    assert len(bench.dialled()) == 4
    bench.spend(2)
    assert first[0] not in bench.dialled() and len(bench.dialled()) == 4


def test_who_answers_first_is_taken_and_the_slowest_are_sought_no_more():
    bench = lonely(6)
    until(bench, lambda: len(bench.dialled()) == 4)
    quick = bench.dialled()[2:]
    for one in quick:
        number = next(number for number in range(3, 9) if address(number) == one)
        assert asked_for_a_place(bench.meet(number)) == [number]
        bench.answer(number)
    assert bench.figures["parents"] == 2 and bench.dialled() == []
    # One of them is there after all: it is of no use any more.
    late = next(number for number in range(3, 9) if number not in bench.peers)
    assert asked_for_a_place(bench.meet(late)) == [] and bench.wants().unwanted == (late,)


def test_with_a_parent_nobody_is_tried_beside_who_is_silent():
    bench = Bench(parents=2)
    bench.attach(1, 2)
    bench.hear(1, *(status_record(number) for number in range(3, 9)))
    bench.close(2)
    until(bench, bench.dialled)
    (silent,) = bench.dialled()
    bench.spend(9)
    assert bench.dialled() == [silent]


def test_it_waits_for_its_place_where_it_is_to_come_again_soon():
    bench = Bench(parents=1)
    bench.meet(1)
    bench.answer(1, Verdict.LATER, 4)
    assert bench.wants().unwanted == () and bench.figures["refusals"] == 1
    assert asked_for_a_place(bench.spend(4)) == [] and asked_for_a_place(bench.spend(2)) == [1]
    bench.answer(1, Verdict.LATER, 4)
    assert asked_for_a_place(bench.spend(6)) == [1]
    bench.answer(1)
    assert bench.figures["parents"] == 1 and asked_for_a_place(bench.spend(30)) == []


def test_it_does_not_wait_at_one_super_node_for_ever():
    bench = Bench(parents=1)
    bench.meet(1)
    began = bench.now
    bench.answer(1, Verdict.LATER, 4)
    while bench.wants().unwanted == ():
        assert bench.now <= began + 20 * SECOND_US
        assert asked_for_a_place(bench.spend(5.2)) == [1]
        bench.answer(1, Verdict.LATER, 4)
    assert bench.now >= began + 10 * SECOND_US and bench.figures["parents"] == 0


def test_the_address_book_helps_out_after_dials_in_vain_and_not_before():
    bench = lonely(3)
    assert bench.wants().full_relay == 0, "all that lost the same super nodes would dial at this moment"
    until(bench, bench.dialled)
    first, second = bench.dialled()
    bench.leaf.on_unreachable(first, bench.now)
    assert bench.wants().full_relay == 0
    bench.leaf.on_unreachable(second, bench.now)
    assert bench.wants().full_relay == 8


def test_a_place_that_is_taken_back():
    bench = Bench(parents=2)
    bench.attach(1, 2)
    bench.answer(2, Verdict.ENDED)
    assert bench.figures["parents"] == 1 and bench.wants().unwanted == (2,)
    assert bench.answer(2, Verdict.ENDED) == []


def test_a_place_that_comes_too_late_is_given_back():
    bench = Bench(parents=1)
    bench.meet(1)
    bench.spend(11)
    assert sent(bench.answer(1), SuperPlace) == [(1, SuperPlace(Verdict.ENDED))]
    assert bench.figures["parents"] == 0


def test_a_parent_that_lags_is_noted_and_replaced():
    bench = Bench(parents=2, check=60)
    bench.attach(1, 2)
    ended = []
    for _ in range(4):
        bench.ledger.height += 1
        effects = bench.spend(61)
        ended += [conn for conn, one in sent(effects, SuperPlace) if one.verdict is Verdict.ENDED]
        height = bench.ledger.height
        bench.hear(1, status_record(1, bench.now, height=height, tip=bench.ledger.hash_at(height)))
        bench.hear(2, status_record(2, bench.now, height=3, tip=bench.ledger.hash_at(3)))
    assert ended == [2] and bench.figures["parents given up"] == 1 and bench.figures["parents"] == 1
    assert bench.wants().unwanted == (2,)


def test_a_doubt_is_said_and_the_last_parent_kept():
    bench = Bench(parents=1, check=60)
    bench.attach(1)
    bench.spend(240)
    assert bench.figures["parents"] == 1 and bench.says == "a parent is doubted: it does not answer"
    assert bench.figures["parents given up"] == 0


def test_one_that_has_not_caught_up_is_nobody_s_second_parent():
    bench = Bench(parents=2)
    bench.ledger.height = 1_000
    assert asked_for_a_place(bench.meet(1)) == [1], "better than nobody"
    bench.answer(1)
    assert asked_for_a_place(bench.meet(2)) == []


def test_an_item_of_its_own_goes_to_one_parent_whole_and_to_the_others_by_name():
    bench = Bench(parents=2)
    bench.peers[50] = peer(50, 50)
    bench.attach(1, 2)
    peers = tuple(bench.peers.values())
    own = bench.leaf.spread(Item(ItemKind.BLOCK, bytes(32)), peers, bench.now)
    assert {one.conn: one.by for one in own} == {50: SpreadBy.ANNOUNCE, 1: SpreadBy.PUSH, 2: SpreadBy.ANNOUNCE}
    heard = bench.leaf.spread(Item(ItemKind.BLOCK, bytes(32), origin=1), peers, bench.now)
    assert {one.conn: one.by for one in heard} == {50: SpreadBy.ANNOUNCE, 2: SpreadBy.ANNOUNCE}


def test_a_letter_goes_to_the_parents_in_turn():
    bench = Bench(parents=2)
    peers = (peer(50, 50), *(peer(conn, conn, is_inbound=False) for conn in (1, 2)))
    assert bench.leaf.route(peer_id(7), peers, T0).is_flood
    bench.attach(1, 2)
    assert bench.leaf.route(peer_id(7), peers, T0) == Hops((1, 2))
    assert bench.leaf.route(peer_id(7), peers[:2], T0) == Hops((1,))
    assert bench.leaf.route(peer_id(50), peers, T0) == Hops((50,))


def test_it_asks_a_parent_where_somebody_is():
    bench = Bench(parents=1)
    bench.attach(1)
    view = NetworkView(tuple(bench.peers.values()))
    assert sent(bench.leaf.find(5, peer_id(7), view, bench.now), SuperFind) == [(1, SuperFind(1, peer_id(7)))]
    check_alarm(bench.leaf)
    record = leaf_record(7, (3,), bench.now, at=address(7))
    (reply,) = bench.leaf.take_found(bench.peers[1], SuperFound(1, (record,)), bench.now)
    assert reply == Reply(5, PeerFound((address(7),), FoundBy.RECORD, peer_id(1), 1, is_certain=True))
    bench.leaf.find(6, peer_id(7), view, bench.now)
    forged = leaf_record(7, (3,), bench.now, network_id=bytes(32))
    with pytest.raises(PeerFault, match="forged"):
        bench.leaf.take_found(bench.peers[1], SuperFound(2, (forged,)), bench.now)
    assert bench.close(1) == [Reply(6, PeerFound(asked=1))]


def test_who_takes_it_for_a_super_node_is_told_and_hears_whom_it_knows():
    bench = Bench(parents=1)
    bench.attach(1)
    bench.peers[50] = peer(50, 50)
    offer(bench.leaf, bench.peers[50], bench.now)
    refused = bench.leaf.take_attach(bench.peers[50], SuperAttach(0), bench.now)
    assert sent(refused, SuperPlace) == [(50, SuperPlace(Verdict.NO_SUPER))]
    ((_, news),) = sent(bench.leaf.take_ask(bench.peers[50], SuperAsk(), bench.now), SuperNews)
    assert [record.owner for record in news.records] == [peer_id(1)]
    assert bench.leaf.take_ask(bench.peers[50], SuperAsk(Wanted.DIRECTORY), bench.now) == ()
    found = bench.leaf.take_find(bench.peers[50], SuperFind(3, peer_id(1)), bench.now)
    assert sent(found, SuperFound) == [(50, SuperFound(3, ()))]


def test_a_forged_status_is_a_fault_and_an_old_one_ignored():
    bench = Bench()
    bench.peers[1] = peer(1, 1, is_inbound=False)
    offer(bench.leaf, bench.peers[1], bench.now)
    with pytest.raises(PeerFault, match="forged"):
        bench.hear(1, status_record(2, network_id=bytes(32)))
    old = Micros(bench.now - 61 * MINUTE_US)
    bench.hear(1, status_record(3, old), leaf_record(4, (1,)))
    assert bench.figures["supers known"] == 0


def test_equal_leaves_show_the_same():
    shown = []
    for parents in ((1, 2), (1, 2), (1,)):
        bench = Bench()
        bench.attach(*parents)
        shown.append(tuple(bench.leaf.digest(bench.now, is_brief=False)))
    assert shown[0] == shown[1] != shown[2]


def test_peers_that_speak_nothing_of_it_are_peers_like_others():
    bench = Bench(parents=1)
    bench.peers[60] = peer(60, 60)
    assert list(bench.leaf.on_offer(bench.peers[60], (), bench.now)) == []
    assert list(bench.leaf.on_closed(60, bench.now)) == []
    neighbours = bench.leaf.about((bench.peers[60],), bench.now).neighbours
    assert [(one.conn, one.role) for one in neighbours] == [(60, "")]
