"""The model as one part: who is a partner, what is due when, and how an item goes to whom."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

from tests.unit.alarms import check_alarm
from tests.unit.overlay.gossip.made import T0, TIP, address, heard, meet, peer, peer_id, setup, started

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Reply, SaveState
from minicoin.core.overlay.contract import Item, ItemKind, NetworkView, SpreadBy
from minicoin.core.overlay.gossip.messages import MESSAGES, Seek, Shuffle
from minicoin.core.overlay.gossip.model import GossipOverlay
from minicoin.core.overlay.repair.messages import Pull
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import MINUTE_US, SECOND_US, Micros

PEERS = tuple(peer(number, number) for number in range(1, 11))


def run(made, duration_us, start=T0):
    """What it sends until then, with the times; wants are asked as node does."""
    sent = []
    now = start
    while (at := made.next_deadline()) <= start + duration_us:
        assert at > now or at == now == start
        now = at
        check_alarm(made)
        sent += [(now, effect) for effect in made.on_deadline(now)]
        made.wants(NetworkView(PEERS), now)
        made.alarm.set(made.next_deadline())
    return sent


def test_it_begins_with_its_first_event_and_saves_the_number_of_its_life():
    made = GossipOverlay(setup())
    assert made.alarm.at <= T0
    (save,) = made.on_deadline(T0)
    assert isinstance(save, SaveState)
    assert T0 < made.next_deadline() < T0 + 4 * SECOND_US


def test_rounds_come_at_their_periods_with_jitter():
    made = started()
    meet(made, *PEERS)
    sent = run(made, 20 * MINUTE_US)
    counted = Counter(type(effect.message) for _, effect in sent)
    assert abs(counted[Pull] - 300) <= 10 and abs(counted[Shuffle] - 120) <= 5
    shuffles = [now for now, effect in sent if isinstance(effect.message, Shuffle)]
    gaps = {later - earlier for earlier, later in pairwise(shuffles)}
    assert len(gaps) > 100 and min(gaps) >= 9 * SECOND_US and max(gaps) <= 11 * SECOND_US + 1


def test_two_nodes_do_not_stay_in_step():
    assert started(seed=b"one").next_deadline() != started(seed=b"two").next_deadline()


def test_a_partner_speaks_all_there_is_on_a_connection_that_is_for_it():
    made = started()
    made.on_offer(peer(2), MESSAGES[1:], T0)
    for conn, kind in ((4, SlotKind.BLOCK_ONLY), (6, SlotKind.FEELER), (8, SlotKind.SEED)):
        made.on_offer(peer(conn, kind=kind), MESSAGES, T0)
    assert made.snapshot(T0).partners == ()
    meet(made, peer(10), peer(12, kind=SlotKind.MANUAL), peer(14, kind=SlotKind.INBOUND))
    assert made.snapshot(T0).partners == (10, 12, 14)
    made.on_closed(12, T0)
    assert made.snapshot(T0).partners == (10, 14)


def test_who_is_no_partner_is_answered_where_it_was_offered_and_told_of_to_nobody():
    made = started()
    hidden = peer(4, kind=SlotKind.BLOCK_ONLY)
    made.on_offer(hidden, MESSAGES, T0)
    take = {one.message: one.handle for one in made.routes()}
    assert len(take[Shuffle](hidden, Shuffle(1, (heard(4),)), T0)) == 1
    assert len(take[Pull](hidden, Pull(1, TIP, 0), T0)) == 1
    assert len(take[Seek](hidden, Seek(1, 0, peer_id(200)), T0)) == 1
    assert run(made, MINUTE_US) == []
    meet(made, *PEERS[:1])
    (answer,) = take[Shuffle](PEERS[0], Shuffle(2, ()), T0)
    assert [entry.alive.peer_id for entry in answer.message.entries] == [peer_id(200)]
    # Nor is anybody else answered.
    assert take[Shuffle](peer(6), Shuffle(1, ()), T0) == take[Pull](peer(6), Pull(1, TIP, 0), T0) == ()


def spread_of(made, peers, *, kind=ItemKind.BLOCK, origin=None):
    return made.spread(Item(kind, bytes(32), origin), peers, T0)


def test_an_item_is_pushed_to_some_partners_but_never_back():
    made = started(fanout=3)
    meet(made, *PEERS)
    heard_it = Counter()
    for _ in range(300):
        spread = spread_of(made, PEERS, origin=5)
        assert len(spread) == 3 and {one.by for one in spread} == {SpreadBy.PUSH}
        heard_it.update(one.conn for one in spread)
    assert sorted(heard_it) == [conn for conn in range(1, 11) if conn != 5]
    assert min(heard_it.values()) > 60


def test_peers_of_another_model_are_told_as_bitcoin_does():
    made = started(fanout=2)
    meet(made, *PEERS[:5])
    by = Counter(one.by for one in spread_of(made, PEERS))
    assert by == {SpreadBy.PUSH: 2, SpreadBy.ANNOUNCE: 5}


def test_transactions_go_to_who_takes_them():
    peers = (*(replace(each, takes_transactions=False) for each in PEERS[:8]), *PEERS[8:])
    made = started(fanout=8)
    meet(made, *peers[1:])
    spread = spread_of(made, peers, kind=ItemKind.TRANSACTION)
    assert sorted((one.conn, one.by) for one in spread) == [(9, SpreadBy.PUSH), (10, SpreadBy.PUSH)]
    assert len(spread_of(made, peers)) == 9


def test_a_connected_peer_is_found_at_once_and_nobody_is_asked():
    made = started()
    meet(made, *PEERS)
    found = list(made.find(7, peer_id(3), NetworkView(PEERS), T0))
    assert found == [Reply(7, PeerFound((address(3),), FoundBy.CONNECTED, is_certain=True))]


def test_who_is_not_found_is_answered_in_time():
    made = started()
    meet(made, *PEERS)
    made.alarm.set(made.next_deadline())
    asked = list(made.find(7, peer_id(50), NetworkView(PEERS), T0))
    assert len(asked) == 4 and all(isinstance(effect.message, Seek) for effect in asked)
    check_alarm(made)
    replies = [effect for _, effect in run(made, MINUTE_US) if isinstance(effect, Reply)]
    assert replies == [Reply(7, PeerFound(asked=4))]


def test_it_knows_no_way_so_a_letter_floods():
    made = started()
    hops = made.route(peer_id(50), PEERS, T0)
    assert hops.is_flood and set(hops.conns) <= {each.conn for each in PEERS}
    assert made.route(peer_id(3), PEERS, T0).conns == (3,)


def test_what_it_shows():
    made = started()
    peers = (*PEERS[:2], peer(20, kind=SlotKind.INBOUND), peer(22, kind=SlotKind.MANUAL))
    meet(made, *peers[:3])
    run(made, 30 * SECOND_US)
    shown = made.about(peers, T0)
    assert [neighbour.role for neighbour in shown.neighbours] == ["neighbour", "neighbour", "partner", ""]
    figures = dict(shown.figures)
    assert (shown.role, figures["partners"], figures["view"]) == ("member", 3, 0)
    assert figures["shuffles"] in (2, 3) and figures["pulls"] >= 6


def test_equal_nodes_have_equal_digests_and_others_not():
    def digest(made):
        return dict(made.digest(Micros(T0), is_brief=False))

    one, other = started(), started()
    assert digest(one) == digest(other)
    meet(one, PEERS[0])
    assert digest(one) != digest(other)
