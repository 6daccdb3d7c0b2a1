"""The index model with whole nodes in a small world: joining, losing the index, and indexes that lie."""

from dataclasses import replace

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.overlay.index.members import NETWORK_ID, T0, address, entry, identity, peer, peer_id

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.commands import Generate
from minicoin.core.effects import Reply, SaveState, Send
from minicoin.core.events import CommandReceived
from minicoin.core.faults import PeerFault
from minicoin.core.limits import INDEX_NEWCOMER_US
from minicoin.core.overlay.contract import OVERLAY_KEY, Hops, Item, ItemKind, NetworkView, OverlaySetup
from minicoin.core.overlay.index.messages import IdxDelta, IdxFind, IdxHello, IdxJoin, IdxKnown, IdxNext, IdxPage
from minicoin.core.overlay.index.model import IndexOverlay
from minicoin.core.overlay.index.repair import SHORT_PERIOD_US
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World, host_address

ROW = OVERLAYS["index"]
NETWORK = replace(REGTEST, overlay="index", own_messages=True)


class Lying(IndexOverlay):
    """An index that names neither the last member it was told of nor whoever dials it as `hidden`."""

    hidden = b""

    def _tell(self, effects):
        return [
            Send(effect.conn, self._without(effect.message)) if isinstance(effect, Send) else effect
            for effect in effects
        ]

    def _without(self, message):
        match message:
            case IdxPage(at, total, entries, cursor):
                return IdxPage(at, total - 1, tuple(one for one in entries if one.peer_id != self.hidden), cursor)
            case IdxDelta(since, at, joins, leaves):
                return IdxDelta(since, at, tuple(one for one in joins if one.peer_id != self.hidden), leaves)
        return message

    def take_join(self, peer, message, now):
        return self._tell(super().take_join(peer, message, now))

    def on_deadline(self, now):
        return self._tell(super().on_deadline(now))


class Town:
    """A world of one model; `models` are the nodes' shares of it, by host."""

    def __init__(self, monkeypatch, settings=(), make=IndexOverlay):
        self.models = {}

        def remember(setup):
            made = (make if setup.role == "index" and setup.peer_id == self.liar else IndexOverlay)(setup)
            self.models[setup.peer_id] = made
            return made

        monkeypatch.setitem(OVERLAYS, "index", replace(ROW, make=remember))
        self.liar = b""
        network = replace(NETWORK, overlay_settings=ROW.check(dict(settings)))
        self.world = World(
            network, KernelVerifier(1), uniform(20_000), WorldSettings(b"town", encodes=True, has_peer_ids=True)
        )

    def add(self, role="", *dialled):
        host = self.world.add_host()
        self.start(host, role, *dialled)
        return host

    def start(self, host, role="", *dialled, **facts):
        policy = NodePolicy(overlay_role=role, add_nodes=tuple(one.address for one in dialled), **facts)
        self.world.start(host, policy)

    def model(self, host):
        return self.models[host.address.peer_id]

    def about(self, host):
        return self.model(host).about((), self.world.now)

    def figures(self, host):
        return dict(self.about(host).figures)

    def until(self, holds, seconds=120):
        assert self.world.wait(seconds * SECOND_US, holds)

    def height(self, host):
        return host.node.snapshot(self.world.now).height

    def mine(self, host):
        self.world.tell(host, CommandReceived(1, Generate(1, b"\x51")))


def test_members_find_each_other_through_the_index_and_follow_one_chain(monkeypatch):
    town = Town(monkeypatch, {"neighbours": 3})
    index = town.add("index")
    members = [town.add("", index) for _ in range(9)]
    town.until(lambda: all(town.figures(one)["known"] == 8 for one in members))
    town.until(lambda: all(len(one.links) >= 4 for one in members))
    assert town.figures(index)["members"] == 9
    town.mine(members[-1])
    town.until(lambda: all(town.height(one) == 1 for one in (index, *members)))


def test_members_that_nobody_can_dial_hear_of_each_block(monkeypatch):
    town = Town(monkeypatch, {"neighbours": 1})
    index = town.add("index")
    members = [town.world.add_host() for _ in range(12)]
    for one in members:
        town.start(one, "", index, listens=False)
    town.until(lambda: town.figures(index)["readers"] == 12)
    town.world.run(town.world.now + INDEX_NEWCOMER_US)
    assert all(len(one.links) == 1 for one in members)
    town.mine(members[0])
    # The longest pause, and the way of the block.
    town.until(lambda: all(town.height(one) == 1 for one in (index, *members)), 3 * SHORT_PERIOD_US // (2 * SECOND_US))


def test_the_index_gone_those_connected_stay_a_joiner_waits_and_says_why_and_is_in_when_it_is_back(monkeypatch):
    town = Town(monkeypatch, {"neighbours": 3})
    index = town.add("index")
    members = [town.add("", index) for _ in range(6)]
    town.until(lambda: all(town.figures(one)["known"] == 5 for one in members))
    town.until(lambda: all(len(one.links) >= 4 for one in members))
    town.world.stop(index, "lost")
    town.world.run(town.world.now + 30 * SECOND_US)
    joiner = town.add("", index)
    town.mine(members[0])
    town.until(lambda: all(town.height(one) == 1 for one in members))
    assert all(len(one.links) >= 3 for one in members)
    assert town.about(joiner).says == "waits for an index: none is connected, and it is dialled again"
    assert "known from before: 5" in town.about(members[0]).says
    town.start(index, "index")
    town.until(lambda: town.figures(joiner)["known"] == 6 and town.height(joiner) == 1, 300)
    town.until(lambda: town.figures(index)["members"] == 7, 300)


def test_what_a_member_knows_survives_a_stop_and_leads_it_back_without_the_index(monkeypatch):
    town = Town(monkeypatch, {"neighbours": 3})
    index = town.add("index")
    members = [town.add("", index) for _ in range(5)]
    town.until(lambda: all(town.figures(one)["known"] == 4 for one in members))
    town.until(lambda: OVERLAY_KEY in members[0].disk.documents)
    town.world.stop(index, "lost")
    town.world.stop(members[0], "kill -9")
    town.start(members[0], "", index)
    assert town.figures(members[0])["known"] >= 4
    town.until(lambda: len(members[0].links) >= 3)


def test_an_index_that_leaves_a_member_out_is_exposed_by_a_second_one_and_parts_nobody(monkeypatch):
    town = Town(monkeypatch, {"neighbours": 2}, make=Lying)
    honest_at, liar_at = host_address(0), host_address(1)
    honest, liar = town.world.add_host(), town.world.add_host()
    assert (honest.address.host, liar.address.host) == (honest_at.host, liar_at.host)
    town.liar = liar.address.peer_id
    town.start(honest, "index"), town.start(liar, "index")
    members = [town.world.add_host() for _ in range(5)]
    Lying.hidden = members[0].address.peer_id
    for one in members:
        town.start(one, "", honest, liar)
    town.until(
        lambda: all("leaves out 1 that a witness is connected to" in town.about(one).says for one in members[1:]), 300
    )
    assert all(f"the index at {liar_at.host}:" in town.about(one).says for one in members[1:])
    town.mine(members[0])
    town.until(lambda: all(town.height(one) == 1 for one in members))


def test_an_index_alone_is_unconfirmed_and_a_peer_that_the_operator_named_confirms_it(monkeypatch):
    town = Town(monkeypatch, {"neighbours": 2})
    index = town.add("index")
    alone = [town.add("", index) for _ in range(3)]
    town.until(lambda: all(town.figures(one)["known"] == 2 for one in alone))
    named = town.add("", index, alone[0])
    town.until(lambda: town.figures(named)["witnesses"] >= 1 and town.about(named).says == "")


# --- one node's share, by hand ---


def share(role="member", settings=(), number=1, saved=None):
    class Desk:
        def __init__(self):
            self.answers = []

        def emit(self, *effects):
            raise AssertionError("effects are returned")

        def reply(self, request, answer):
            self.answers.append((request, answer))

        def refuse(self, request, reason, text):
            self.answers.append((request, reason))

    desk = Desk()
    setup = OverlaySetup(
        Rng(b"share"),
        8,
        2,
        settings=ROW.complete(ROW.check(dict(settings))),
        role=role,
        own_address=lambda: address(number),
        identity=identity(number),
        peer_id=peer_id(number),
        network_id=NETWORK_ID,
        outbox=desk,
        saved=saved,
    )
    return IndexOverlay(setup), desk


SPEAKS = (IdxHello, IdxJoin, IdxPage)


def sent(effects):
    return [effect.message for effect in effects if isinstance(effect, Send)]


def joined(*numbers):
    made, desk = share()
    index = peer(100)
    made.on_offer(index, SPEAKS, T0)
    made.take_hello(index, IdxHello(is_index=True), T0)
    (join,) = sent(made.on_deadline(T0))
    assert join.wants_view and join.entry.address == address(1)
    made.take_page(index, IdxPage(1, len(numbers), tuple(map(entry, numbers))), T0)
    return made, desk, index


def test_a_peer_that_speaks_the_model_is_told_what_we_are_and_another_is_not():
    made, _ = share()
    (hello,) = sent(made.on_offer(peer(2), SPEAKS, T0))
    assert not hello.is_index and hello.entry.peer_id == peer_id(1)
    assert made.on_offer(peer(3), (), T0) == ()


def test_all_peers_are_told_one_record_until_it_is_no_longer_fresh():
    made, _ = share()

    def told(conn, now):
        return sent(made.on_offer(peer(conn), SPEAKS, now))[0].entry

    first = told(2, T0)
    assert told(3, Micros(T0 + 599 * SECOND_US)) is first
    later = told(4, Micros(T0 + 600 * SECOND_US))
    assert later.record.version == T0 + 600 * SECOND_US and later.address == first.address


def test_a_member_that_begins_waits_for_the_index_before_it_looks_for_others():
    made, _ = share(settings={"index": ["10.0.0.100:8333"]})
    assert made.wants(NetworkView(), T0).full_relay == 1
    check_alarm(made)
    later = Micros(T0 + 10 * SECOND_US)
    made.on_deadline(later)
    assert made.wants(NetworkView(), later).full_relay == 8
    assert share()[0].wants(NetworkView(), T0).full_relay == 8, "no index is named"


def test_where_the_network_names_indexes_no_other_is_believed():
    made, _ = share(settings={"index": ["10.0.0.100:8333"]})
    made.take_hello(peer(99), IdxHello(is_index=True), T0)
    assert made.about((), T0).says.startswith("waits for an index")
    made.take_hello(peer(100), IdxHello(is_index=True), T0)
    assert dict(made.about((), T0).figures)["indexes"] == 1
    wanted = made.wants(NetworkView(), T0).addresses
    assert [str(one) for one in wanted] == ["10.0.0.100:8333"]


def test_members_wanted_and_not_reached_make_room_for_others():
    made, _, index = joined(*range(2, 40))
    first = made.wants(NetworkView((index,)), T0)
    assert len(first.addresses) == 8 and first.full_relay == 1
    assert made.wants(NetworkView((index,)), T0) == first
    met = tuple(peer(number) for number in range(2, 40) if address(number) in first.addresses[:3])
    later = made.next_deadline()
    while made.wants(NetworkView((index, *met)), later) == first:
        made.on_deadline(later)
        later = made.next_deadline()
    second = made.wants(NetworkView((index, *met)), later).addresses
    assert set(first.addresses[:3]) <= set(second) and len(second) == 8 and set(second) != set(first.addresses)


def test_who_turns_out_to_be_an_index_is_no_neighbour():
    made, _, index = joined(2, 3)
    assert {address(2), address(3)} <= set(made.wants(NetworkView((index,)), T0).addresses)
    made.on_offer(peer(2), SPEAKS, T0)
    made.take_hello(peer(2), IdxHello(is_index=True), T0)
    assert address(2) not in made.wants(NetworkView((index, peer(2))), T0).addresses


def test_a_letter_goes_to_the_addressee_whose_address_is_known_or_by_way_of_the_index():
    made, _, index = joined(2)
    assert made.route(peer_id(2), (index, peer(2)), T0) == Hops((2,))
    assert made.route(peer_id(2), (index,), T0) == Hops(reach=(address(2),))
    made.take_delta(index, IdxDelta(1, 2, (), (peer_id(2),)), T0)
    assert made.route(peer_id(2), (index,), T0) == Hops((index.conn,), (address(2),))
    assert made.route(peer_id(9), (index,), T0) == Hops((index.conn,))


def test_an_index_tells_some_of_an_item_and_newcomers_who_may_have_no_neighbours_yet():
    made, _ = share("index", number=100)
    peers = tuple(peer(number) for number in range(1, 60))
    item = Item(ItemKind.BLOCK, bytes(32))
    for one in peers[:20]:
        made.take_join(one, IdxJoin(None), T0)
    told = {spread.conn for spread in made.spread(item, peers, T0)}
    assert {one.conn for one in peers[:20]} <= told and len(told) <= 20 + 8
    later = Micros(T0 + INDEX_NEWCOMER_US)
    assert len(made.spread(item, peers, later)) == 8
    assert len(made.spread(item, peers[:5], later)) == 5
    plain, _ = share()
    assert len(plain.spread(item, peers, later)) == len(peers)


def test_a_search_is_answered_from_what_is_known_or_by_the_index():
    made, desk, index = joined(2)
    (reply,) = made.find(5, peer_id(2), NetworkView((index,)), T0)
    assert reply == Reply(5, PeerFound((address(2),), FoundBy.RECORD, is_certain=True))
    (question,) = sent(made.find(6, peer_id(3), NetworkView((index,)), T0))
    assert isinstance(question, IdxFind) and question.peer_id == peer_id(3)
    made.take_known(index, IdxKnown(question.nonce, (entry(3),)), T0)
    assert desk.answers == [(6, PeerFound((address(3),), FoundBy.RECORD, index.address.peer_id, 1, is_certain=True))]
    lonely, _ = share()
    assert lonely.find(7, peer_id(3), NetworkView(), T0) == (Reply(7, PeerFound()),)


def test_an_index_answers_searches_pages_and_witnesses_and_a_member_does_none_of_that():
    made, _ = share("index", number=100)
    member = peer(2)
    made.on_offer(member, SPEAKS, T0)
    made.take_join(member, IdxJoin(entry(2)), T0)
    assert sent(made.take_find(member, IdxFind(9, peer_id(2)), T0)) == [IdxKnown(9, (entry(2),))]
    assert sent(made.take_find(member, IdxFind(9, peer_id(3)), T0)) == [IdxKnown(9, ())]
    assert len(sent(made.take_next(member, IdxNext(bytes(32)), T0))) == 1
    plain, _ = share()
    for ask in (
        lambda: plain.take_join(member, IdxJoin(None), T0),
        lambda: plain.take_next(member, IdxNext(bytes(32)), T0),
        lambda: plain.take_find(member, IdxFind(9, peer_id(2)), T0),
    ):
        with pytest.raises(PeerFault, match="asks a member for what indexes do"):
            ask()


def test_forged_and_foreign_introductions_are_faults():
    made, _ = share()
    with pytest.raises(PeerFault, match="another's record"):
        made.take_hello(peer(2), IdxHello(is_index=False, entry=entry(3)), T0)
    with pytest.raises(PeerFault, match="forged"):
        made.take_hello(peer(2), IdxHello(is_index=False, entry=entry(2, network_id=bytes(32))), T0)


def test_who_dials_us_is_no_witness_and_whom_the_address_book_named_is():
    made, _, _ = joined(2, 3)
    made.on_offer(peer(2), SPEAKS, T0)
    later = made.next_deadline()
    assert sent(made.on_deadline(later)) == []
    made.on_offer(peer(3, kind=SlotKind.FULL_RELAY), SPEAKS, T0)
    asked = []
    while not asked:
        later = made.next_deadline()
        asked = [effect for effect in made.on_deadline(later) if isinstance(effect, Send) and effect.conn == 3]
    made.take_known(peer(3), IdxKnown(asked[0].message.nonce, (entry(2),)), later)
    assert made.about((), later).says == ""


def test_what_is_known_is_saved_after_a_while_and_read_again():
    made, _, _ = joined(2, 3)
    saves = []
    while not saves:
        later = made.next_deadline()
        saves = [effect for effect in made.on_deadline(later) if isinstance(effect, SaveState)]
    assert saves[0].key == OVERLAY_KEY
    again, _ = share(saved=saves[0].value)
    assert set(again.wants(NetworkView(), Micros(later)).addresses) == {address(2), address(3)}
