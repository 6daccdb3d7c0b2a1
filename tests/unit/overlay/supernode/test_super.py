"""A super node by hand: links, leaves, the directory, and what it refuses."""

from dataclasses import replace

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import (
    T0,
    Ledger,
    address,
    identity,
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
from minicoin.core.effects import Reply
from minicoin.core.faults import PeerFault
from minicoin.core.limits import SUPER_LINKS_MAX
from minicoin.core.overlay.contract import Hops, Item, ItemKind, NetworkView, SpreadBy
from minicoin.core.overlay.supernode import circle as circle_module
from minicoin.core.overlay.supernode import super as super_module
from minicoin.core.overlay.supernode.entries import attachment_of, status_of
from minicoin.core.overlay.supernode.messages import (
    SuperAsk,
    SuperAttach,
    SuperFind,
    SuperFound,
    SuperGet,
    SuperHave,
    SuperNews,
    SuperPage,
    SuperPlace,
    Verdict,
    Wanted,
)
from minicoin.core.overlay.supernode.settings import SETTINGS
from minicoin.core.overlay.supernode.super import SuperOverlay
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.records.store import RecordStore
from minicoin.core.units import MINUTE_US, SECOND_US, Micros

ME = 90


class Bench:
    """A super node whose world is the test: peer 1 has connection 1, and so on."""

    def __init__(self, **given):
        self.ledger = Ledger()
        self.model = SuperOverlay(setup_of(ME, "super", ledger=self.ledger, **given))
        self.now = T0
        self.peers = {}
        self.spend(3)

    def spend(self, seconds):
        until = Micros(self.now + int(seconds * SECOND_US))
        effects = pass_time(self.model, self.now, until)
        self.now = until
        return effects

    def wants(self):
        wants = self.model.wants(NetworkView(tuple(self.peers.values())), self.now)
        check_alarm(self.model)
        return wants

    def meet(self, number, **given):
        self.peers[number] = peer(number, number, **given)
        return offer(self.model, self.peers[number], self.now)

    def hear(self, conn, *records):
        effects = list(self.model.take_news(self.peers[conn], SuperNews(records), self.now))
        check_alarm(self.model)
        return effects

    def link(self, number, **given):
        self.meet(number, **given)
        return self.hear(number, status_record(number, self.now))

    def get(self, conn, of, *numbers):
        """The records it gives to a peer that asks for them."""
        effects = list(self.model.take_get(self.peers[conn], SuperGet(of, tuple(map(peer_id, numbers))), self.now))
        return [record for _, message in sent(effects, SuperNews) for record in message.records]

    def attach(self, number, parents=0):
        """A leaf takes a place: what was said to whom."""
        if number not in self.peers:
            self.meet(number)
        effects = list(self.model.take_attach(self.peers[number], SuperAttach(parents), self.now))
        check_alarm(self.model)
        return [(conn, one.verdict) for conn, one in sent(effects, SuperPlace)]

    @property
    def figures(self):
        return dict(self.model.about((), self.now).figures)

    @property
    def roles(self):
        neighbours = self.model.about(tuple(self.peers.values()), self.now).neighbours
        return {one.conn: one.role for one in neighbours}


def test_a_peer_hears_its_status_at_once_and_is_asked_whom_it_knows():
    bench = Bench()
    effects = bench.meet(1)
    ((_, news),) = sent(effects, SuperNews)
    (record,) = news.records
    said = status_of(record)
    assert record.owner == peer_id(ME) and (said.address, said.leaves, said.places) == (address(ME), 0, 64)
    assert (said.height, said.tip) == (5, bench.ledger.hash_at(5)) and sent(effects, SuperAsk) == [(1, SuperAsk())]
    assert list(bench.model.on_offer(peer(2, 2), (), bench.now)) == []


def test_it_links_to_so_many_others_and_draws_few_from_the_book():
    bench = Bench(links=2)
    assert bench.wants().full_relay == 8 and "no other super node" in bench.model.about((), T0).says
    bench.link(1)
    bench.hear(1, *(status_record(number) for number in range(2, 6)))
    bench.spend(2)
    (dialled,) = bench.wants().addresses
    (number,) = [number for number in range(2, 6) if address(number) == dialled]
    bench.link(number, is_inbound=False)
    bench.spend(20)
    wants = bench.wants()
    assert wants.full_relay == 2 and wants.addresses == (dialled,) and bench.figures["links"] == 2
    assert bench.roles == {1: "super", number: "super"}


def test_a_link_that_goes_is_replaced():
    bench = Bench(links=1)
    bench.link(1)
    bench.hear(1, status_record(2))
    bench.spend(2)
    assert bench.wants().addresses == ()
    del bench.peers[1]
    list(bench.model.on_closed(1, bench.now))
    check_alarm(bench.model)
    bench.spend(2)
    assert bench.wants().addresses == (address(2),)
    bench.spend(12)
    assert address(2) not in bench.wants().addresses, "it never came"


def test_a_link_that_cannot_be_reached_is_not_waited_for():
    bench = Bench(links=1)
    bench.link(1)
    bench.hear(1, status_record(2), status_record(3))
    del bench.peers[1]
    list(bench.model.on_closed(1, bench.now))
    bench.spend(2)
    (first,) = bench.wants().addresses
    assert list(bench.model.on_unreachable(first, bench.now)) == []
    check_alarm(bench.model)
    bench.spend(1)
    assert [*bench.wants().addresses, first] in ([address(2), address(3)], [address(3), address(2)])


def test_links_that_are_too_many_are_let_go(monkeypatch):
    assert SUPER_LINKS_MAX == super_module.SUPER_LINKS_MAX > max(row.high for row in SETTINGS if row.name == "links")
    monkeypatch.setattr(super_module, "SUPER_LINKS_MAX", 2)
    bench = Bench(links=1, check=60)
    for number in (1, 2, 3, 4):
        bench.link(number, is_inbound=False)
    bench.spend(61)
    for number in bench.peers:
        bench.now = Micros(bench.now + 1_000)
        bench.hear(number, status_record(number, bench.now))
    bench.spend(61)
    assert len(bench.wants().unwanted) == 2 and bench.wants().unwanted == ()


def test_news_go_to_the_links_by_name_and_replays_to_nobody():
    bench = Bench()
    for number in (1, 2):
        bench.link(number)
    bench.spend(3)
    record = status_record(7, bench.now)
    bench.hear(1, record)
    bench.hear(1, record)
    told = SuperHave(Wanted.ALL_SUPERS, ((record.owner, record.version),))
    assert sent(bench.spend(3), SuperHave) == [(1, told), (2, told)]
    bench.hear(2, record)
    assert sent(bench.spend(3), SuperHave) == []


def test_where_a_leaf_sits_goes_to_all_super_nodes():
    bench = Bench()
    bench.link(1)
    bench.spend(3)
    assert bench.attach(20) == [(20, Verdict.PLACED)] and bench.roles[20] == "leaf"
    record = leaf_record(20, (ME,), bench.now, at=address(20))
    bench.hear(20, record)
    assert sent(bench.spend(3), SuperHave) == [
        (1, SuperHave(Wanted.DIRECTORY, ((record.owner, record.version),))),
    ]
    far = leaf_record(21, (1,), bench.now)
    bench.hear(1, far)
    assert bench.figures["directory"] == 2
    assert bench.model.route(peer_id(21), tuple(bench.peers.values()), bench.now) == Hops((1,))


def test_a_leaf_says_where_it_sits_itself_and_nothing_of_others():
    bench = Bench()
    bench.meet(20)
    bench.hear(20, leaf_record(20, (ME,), bench.now))
    assert bench.figures["directory"] == 0, "it has no place here"
    bench.attach(20)
    with pytest.raises(PeerFault, match="where another leaf sits"):
        bench.hear(20, leaf_record(21, (ME,), bench.now))
    with pytest.raises(PeerFault, match="forged"):
        bench.hear(20, leaf_record(20, (ME,), bench.now, network_id=bytes(32)))
    bench.hear(20, leaf_record(20, (ME,), Micros(bench.now - 61 * MINUTE_US)))
    assert bench.figures["directory"] == 0, "it has expired"


def test_one_that_sits_elsewhere_or_gives_its_place_up_has_left():
    bench = Bench()
    for number in (20, 21, 22):
        bench.attach(number)
    bench.hear(20, leaf_record(20, (5, ME), bench.now))
    assert bench.figures["leaves"] == 3
    bench.hear(20, status_record(5, bench.now), leaf_record(20, (5,), Micros(bench.now + 2)))
    assert bench.figures["leaves"] == 2
    bench.model.take_place(bench.peers[21], SuperPlace(Verdict.FULL), bench.now)
    assert bench.figures["leaves"] == 2
    bench.model.take_place(bench.peers[21], SuperPlace(Verdict.ENDED), bench.now)
    list(bench.model.on_closed(22, bench.now))
    assert bench.figures["leaves"] == 0


def test_what_a_link_names_is_asked_for_once_and_given_to_super_nodes():
    bench = Bench()
    for number in (1, 2):
        bench.link(number)
    record = leaf_record(30, (1,), bench.now)
    told = SuperHave(Wanted.DIRECTORY, ((record.owner, record.version), (peer_id(ME), bench.now)))
    effects = list(bench.model.take_have(bench.peers[1], told, bench.now))
    check_alarm(bench.model)
    assert sent(effects, SuperGet) == [(1, SuperGet(Wanted.DIRECTORY, (record.owner,)))]
    assert list(bench.model.take_have(bench.peers[2], told, bench.now)) == []
    effects = bench.spend(6)
    assert sent(effects, SuperGet) == [(2, SuperGet(Wanted.DIRECTORY, (record.owner,)))], "the first was silent"
    bench.hear(2, record)
    assert list(bench.model.take_have(bench.peers[1], told, bench.now)) == []
    assert bench.get(1, Wanted.DIRECTORY, 30, 31) == [record]
    assert [one.owner for one in bench.get(1, Wanted.ALL_SUPERS, 2, ME)] == [peer_id(2), peer_id(ME)]
    early = SuperHave(Wanted.DIRECTORY, ((peer_id(31), bench.now + 24 * 3_600 * SECOND_US),))
    assert list(bench.model.take_have(bench.peers[1], early, bench.now)) == [], "no clock is so far ahead"
    bench.attach(20)
    assert bench.model.take_have(bench.peers[20], told, bench.now) == ()
    assert bench.get(20, Wanted.DIRECTORY, 30) == []


def test_what_is_forged_or_not_looked_at_is_asked_of_the_next(monkeypatch):
    monkeypatch.setattr(circle_module, "SUPER_RECORDS_BURST_PER_SUPER", 2)
    monkeypatch.setattr(circle_module, "SUPER_RECORDS_PER_SECOND_PER_SUPER", 1)
    bench = Bench()
    for number in (1, 2, 3):
        bench.link(number)
    bench.spend(9)
    records = [status_record(number, bench.now) for number in (5, 6, 7)]
    for conn in (1, 2, 3):
        told = SuperHave(Wanted.ALL_SUPERS, tuple((record.owner, record.version) for record in records))
        asked = list(bench.model.take_have(bench.peers[conn], told, bench.now))
        assert len(sent(asked, SuperGet)) == (conn == 1)
    bench.hear(1, *records)
    assert bench.figures["supers known"] == 5, "the third was too much"
    assert sent(bench.spend(6), SuperGet) == [(2, SuperGet(Wanted.ALL_SUPERS, (peer_id(7),)))]
    with pytest.raises(PeerFault, match="forged"):
        bench.hear(2, status_record(7, bench.now, network_id=bytes(32)))
    effects = list(bench.model.on_closed(2, bench.now))
    assert sent(effects, SuperGet) == [(3, SuperGet(Wanted.ALL_SUPERS, (peer_id(7),)))]
    bench.hear(3, records[2])
    assert bench.figures["supers known"] == 6 and sent(bench.spend(20), SuperGet) == []


def test_who_is_refused_hears_whom_to_try():
    bench = Bench(places=1)
    bench.link(1)
    bench.attach(20)
    bench.meet(21)
    effects = list(bench.model.take_attach(bench.peers[21], SuperAttach(0), bench.now))
    assert [(conn, one.verdict) for conn, one in sent(effects, SuperPlace)] == [(21, Verdict.FULL)]
    ((_, news),) = sent(effects, SuperNews)
    assert [record.owner for record in news.records] == [peer_id(ME), peer_id(1)]
    assert bench.figures["refused"] == 1


def test_a_leaf_that_turns_out_to_be_a_super_node_gives_its_place_back():
    bench = Bench()
    bench.attach(20)
    bench.hear(20, status_record(20, bench.now))
    assert bench.figures["leaves"] == 0 and bench.roles == {20: "super"}
    bench.spend(2)
    assert bench.attach(20) == [(20, Verdict.NO_SUPER)]


def test_it_learns_all_from_its_first_link_and_teaches_super_nodes_only():
    bench = Bench()
    assert (1, SuperAsk(Wanted.ALL_SUPERS)) in sent(bench.link(1), SuperAsk)
    page = SuperPage((status_record(5, bench.now),), has_more=False)
    assert sent(bench.model.take_page(bench.peers[1], page, bench.now), SuperAsk) == [(1, SuperAsk(Wanted.DIRECTORY))]
    page = SuperPage((leaf_record(30, (5,), bench.now),), has_more=False)
    assert list(bench.model.take_page(bench.peers[1], page, bench.now)) == []
    assert list(bench.model.take_page(bench.peers[1], page, bench.now)) == [], "not asked for any more"
    assert (bench.figures["supers known"], bench.figures["directory"]) == (2, 1)
    ((_, taught),) = sent(bench.model.take_ask(bench.peers[1], SuperAsk(Wanted.DIRECTORY), bench.now), SuperPage)
    assert taught == page
    ((_, taught),) = sent(bench.model.take_ask(bench.peers[1], SuperAsk(Wanted.ALL_SUPERS), bench.now), SuperPage)
    assert [record.owner for record in taught.records] == sorted(map(peer_id, (1, 5)))
    bench.meet(20)
    assert bench.model.take_ask(bench.peers[20], SuperAsk(Wanted.DIRECTORY), bench.now) == ()


def test_a_forged_page_is_the_teacher_s_fault():
    bench = Bench()
    bench.link(1)
    forged = SuperPage((status_record(5, bench.now, network_id=bytes(32)),), has_more=False)
    with pytest.raises(PeerFault, match="forged"):
        bench.model.take_page(bench.peers[1], forged, bench.now)


def test_a_silent_teacher_is_followed_by_another_link():
    bench = Bench()
    bench.link(1)
    bench.link(2)
    assert (2, SuperAsk(Wanted.ALL_SUPERS)) in sent(bench.spend(11), SuperAsk)


def test_items_go_to_super_nodes_first():
    bench = Bench()
    for number in (20, 21):
        bench.attach(number)
    bench.link(1)
    peers = tuple(bench.peers.values())
    spread = bench.model.spread(Item(ItemKind.TRANSACTION, bytes(32), origin=21), peers, bench.now)
    assert [(one.conn, one.by) for one in spread] == [(1, SpreadBy.ANNOUNCE), (20, SpreadBy.ANNOUNCE)]


def test_a_letter_goes_to_the_leaf_to_its_super_nodes_or_nowhere():
    bench = Bench()
    bench.link(1)
    bench.attach(20)
    bench.hear(1, status_record(2, bench.now), leaf_record(30, (2, 1, ME), bench.now))
    peers = tuple(bench.peers.values())
    assert bench.model.route(peer_id(20), peers, bench.now) == Hops((20,))
    assert bench.model.route(peer_id(30), peers, bench.now) == Hops((1,), (address(2),))
    assert bench.model.route(peer_id(30), peers[1:], bench.now) == Hops((), (address(2), address(1)))
    assert bench.model.route(peer_id(2), peers, bench.now) == Hops((), (address(2),))
    assert bench.model.route(peer_id(77), peers, bench.now) == Hops()
    late = Micros(bench.now + 61 * MINUTE_US)
    assert bench.model.route(peer_id(30), peers, late) == Hops(), "nobody renewed it"


def test_where_somebody_is_it_says_from_the_directory():
    bench = Bench()
    bench.link(1)
    bench.meet(20)
    at_home, roaming = leaf_record(30, (1,), bench.now, at=address(30)), leaf_record(31, (1, ME), bench.now)
    bench.hear(1, at_home, roaming)

    def ask(target):
        effects = bench.model.take_find(bench.peers[20], SuperFind(4, peer_id(target)), bench.now)
        ((_, found),) = sent(effects, SuperFound)
        return found

    assert ask(30).records[0] == at_home and ask(77) == SuperFound(4, ())
    assert [record.owner for record in ask(31).records] == [peer_id(31), peer_id(1), peer_id(ME)]
    assert attachment_of(ask(31).records[0]).supers == (peer_id(1), peer_id(ME))
    assert [record.owner for record in ask(ME).records] == [peer_id(ME)]
    view = NetworkView(tuple(bench.peers.values()))
    (reply,) = bench.model.find(8, peer_id(30), view, bench.now)
    assert reply == Reply(8, PeerFound((address(30),), FoundBy.RECORD, is_certain=True))
    assert list(bench.model.find(8, peer_id(77), view, bench.now)) == [Reply(8, PeerFound())]
    answers = [bench.model.take_find(bench.peers[20], SuperFind(1, peer_id(30)), bench.now) for _ in range(40)]
    assert answers[-1] == () and list(bench.model.take_found(bench.peers[1], SuperFound(1, (at_home,)), T0)) == []


def test_its_status_is_published_when_its_places_go():
    bench = Bench(places=4, links=1)
    bench.link(1)
    bench.spend(5)
    bench.attach(20)
    named = [message.names for _, message in sent(bench.spend(13), SuperHave)]
    assert [[signer for signer, _ in names] for names in named] == [[peer_id(ME)]]
    assert [status_of(record).leaves for record in bench.get(1, Wanted.ALL_SUPERS, ME)] == [1]


def test_its_status_is_a_record_for_everybody_and_renewed_now_and_then():
    store = RecordStore(replace(REGTEST, own_messages=True), identity(ME))
    bench = Bench(records=store, places=4)
    assert store.of_kind("super") == (), "it does not know yet whether others are"
    bench.spend(2 * 60)
    (first,) = store.of_kind("super")
    assert status_of(first).free == 4
    bench.attach(20)
    bench.spend(12)
    assert store.of_kind("super") == (first,), "all super nodes hear of it, and no others"
    bench.spend(35 * 60)
    (later,) = store.of_kind("super")
    assert later.version > first.version and status_of(later).free == 3


def test_of_many_super_nodes_a_few_are_records_for_everybody():
    kept = 0
    for seed in range(20):
        store = RecordStore(replace(REGTEST, own_messages=True), identity(ME))
        bench = Bench(records=store, seed=bytes((seed,)))
        bench.link(1)
        bench.hear(1, *(status_record(number) for number in range(2, 40)))
        bench.spend(2 * 60)
        kept += len(store.of_kind("super"))
    assert 0 < kept < 10


def test_equal_super_nodes_show_the_same():
    shown = []
    for leaves in ((20,), (20,), ()):
        bench = Bench()
        bench.link(1)
        for number in leaves:
            bench.attach(number)
        shown.append(tuple(bench.model.digest(bench.now, is_brief=False)))
    assert shown[0] == shown[1] != shown[2]


def test_a_peer_from_the_book_stays_one():
    bench = Bench()
    bench.meet(40, is_inbound=False, kind=SlotKind.FULL_RELAY)
    assert bench.roles == {40: ""} and bench.wants().unwanted == ()
