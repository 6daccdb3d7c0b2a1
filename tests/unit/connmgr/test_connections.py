"""Slots, dials, back-off, duplicates, inbound limit, bans: what the manager decides in each case."""

from dataclasses import replace

import pytest

from minicoin.core.connmgr.bans import Ban, BanList, BanPolicy, parse_subject
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.connmgr.door import NOT_ADMITTED
from minicoin.core.connmgr.slots import ConnectionPolicy
from minicoin.core.effects import Close, Dial, SaveState
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import (
    DIALS_IN_FLIGHT_MAX,
    HALF_OPEN_PER_ADDRESS_MAX,
    INBOUND_PER_ADDRESS_MAX,
    INBOUND_PER_GROUP_MAX,
    INBOUND_SLOTS,
    SEED_CONNECTION_US,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import DAY_US, MINUTE_US, SECOND_US, Micros

T0 = Micros(1_700_000_000_000_000)


def address(index, peer_id=b""):
    return NodeAddress(f"{8 + index}.1.2.3", 8333, peer_id)


def group_of(found):
    return found.host.split(".")[0].encode()


class Book:
    """An address book that hands out its addresses in turn."""

    def __init__(self, *addresses):
        self.addresses = list(addresses)
        self.at = 0
        self.asked = 0

    def __call__(self, groups):
        self.asked += 1
        for _ in self.addresses:
            self.at = (self.at + 1) % len(self.addresses)
            if group_of(self.addresses[self.at]) not in groups:
                return self.addresses[self.at]
        return None


EMPTY = Book()


class OpenManager(ConnectionManager):
    """A manager that shows whom it would dial, and how often that failed."""

    def may_dial(self, address, now):
        return self._may_dial(address, now)

    def failures(self, place):
        return self._backoff.failures(place)


def manager(**policy):
    usual = {
        "full_relay_slots": 8,
        "block_only_slots": 0,
        "overlay_slots": 8,
        "inbound_slots": 115,
        "bans": BanPolicy(),
    }
    return OpenManager(ConnectionPolicy(**usual | policy), group_of, Rng(b"test"))


def dials(effects):
    return [effect for effect in effects if isinstance(effect, Dial)]


def settle(connections, book, now=T0):
    """Fill until nothing more is dialled; every dial succeeds."""
    opened = []
    while fresh := dials(connections.fill(now, book)):
        for dial in fresh:
            assert connections.on_opened(dial.conn, dial.address, False, now) == []
            connections.on_ready(dial.conn)
            opened.append(dial)
    return opened


def test_fills_its_slots_with_distinct_groups_and_even_ids():
    connections = manager(full_relay_slots=3, block_only_slots=1)
    twins = [NodeAddress(f"8.1.2.{last}", 8333) for last in range(4, 9)]
    opened = settle(connections, Book(*twins, *(address(i) for i in range(6))))
    assert len(opened) == 4
    assert len({group_of(dial.address) for dial in opened}) == 4
    assert all(dial.conn % 2 == 0 for dial in opened)
    assert len({dial.conn for dial in opened}) == 4
    assert [slot.kind for slot in connections.snapshot()] == [SlotKind.FULL_RELAY] * 3 + [SlotKind.BLOCK_ONLY]
    assert connections.count_ready(SlotKind.FULL_RELAY) == 3
    assert connections.next_deadline() is None


def test_private_networks_know_no_groups():
    lab = [NodeAddress("127.0.0.1", port) for port in range(1, 6)]
    assert len(settle(manager(is_private_network=True), Book(*lab))) == 5
    assert len(settle(manager(), Book(*lab))) == 1


def test_dials_in_flight_are_bounded():
    connections = manager(full_relay_slots=30)
    book = Book(*(address(i) for i in range(30)))
    first = dials(connections.fill(T0, book))
    assert len(first) == DIALS_IN_FLIGHT_MAX
    assert connections.next_deadline() is None
    connections.on_opened(first[0].conn, first[0].address, False, T0)
    assert connections.next_deadline() <= T0
    assert len(dials(connections.fill(T0, book))) == 1


def test_an_empty_book_is_asked_less_and_less_until_woken():
    connections = manager()
    waits, now = [], T0
    for _ in range(8):
        connections.fill(now, EMPTY)
        waits.append(connections.next_deadline() - now)
        now = connections.next_deadline()
    assert waits == [s * SECOND_US for s in (1, 2, 4, 8, 16, 30, 30, 30)]
    connections.wake()
    assert connections.next_deadline() <= now
    assert len(dials(connections.fill(now, Book(address(1))))) == 1


def test_failed_addresses_wait_twice_as_long_each_time():
    connections = manager(full_relay_slots=1, retry_us=SECOND_US, retry_max_us=8 * SECOND_US)
    book, now, waits = Book(address(1)), T0, []
    for _ in range(7):
        (dial,) = dials(connections.fill(now, book))
        connections.on_failed(dial.conn, now)
        start = now
        connections.wake()
        while not dials_possible(connections, book, now):
            now = Micros(now + SECOND_US // 20)
            connections.wake()
        waits.append(now - start)
    expected = [1, 2, 4, 8, 8, 8, 8]
    assert all(0.75 * e * SECOND_US <= w <= 1.3 * e * SECOND_US for w, e in zip(waits, expected, strict=True))


def dials_possible(connections, book, now):
    return connections.may_dial(book.addresses[0], now)


def test_a_good_connection_clears_its_failures():
    connections = manager(full_relay_slots=1, retry_us=SECOND_US)
    book, now = Book(address(1)), T0
    for _ in range(5):
        (dial,) = dials(connections.fill(now, book))
        connections.on_failed(dial.conn, now)
        now = Micros(now + DAY_US)
    assert connections.failures(("9.1.2.3", 8333)) == 5
    (dial,) = dials(connections.fill(now, book))
    connections.on_opened(dial.conn, dial.address, False, now)
    connections.on_ready(dial.conn)
    connections.on_closed(dial.conn, Micros(now + MINUTE_US))
    assert connections.failures(("9.1.2.3", 8333)) == 1


def test_never_twice_to_one_address():
    connections = manager(is_private_network=True)
    assert len(settle(connections, Book(address(1)))) == 1
    with pytest.raises(MisuseError, match="already connected"):
        connections.dial(address(1), SlotKind.MANUAL, T0)


def test_never_to_itself():
    connections = manager(full_relay_slots=1)
    book = Book(address(1))
    (dial,) = dials(connections.fill(T0, book))
    connections.on_opened(dial.conn, dial.address, False, T0)
    connections.mark_self(dial.conn)
    connections.on_closed(dial.conn, T0)
    assert dials(connections.fill(Micros(T0 + DAY_US), book)) == []
    with pytest.raises(MisuseError, match="itself"):
        connections.dial(address(1), SlotKind.MANUAL, T0)


def test_connect_means_these_and_no_others():
    connections = manager(connect=(address(1), address(2)), seed_nodes=(address(3),))
    book = Book(address(4))
    opened = settle(connections, book)
    assert [dial.address for dial in opened] == [address(1), address(2)]
    assert book.asked == 0
    assert all(slot.kind is SlotKind.CONNECT for slot in connections.snapshot())
    assert manager(connect=()).fill(T0, book) == []


def test_added_nodes_are_dialled_for_ever():
    connections = manager(add_nodes=(address(1),), full_relay_slots=0)
    now = T0
    for _ in range(20):
        (dial,) = dials(connections.fill(now, EMPTY))
        connections.on_failed(dial.conn, now)
        connections.fill(now, EMPTY)
        assert now < connections.next_deadline() <= now + 75 * SECOND_US
        now = connections.next_deadline()


def test_whom_all_are_told_of_does_not_dial_itself():
    own, other = address(1, b"own"), address(2, b"other")
    connections = manager(add_nodes=(own, other), own_peer_id=b"own")
    assert connections.added_nodes() == (other,)
    assert [dial.address for dial in dials(connections.fill(T0, Book()))] == [other]


def waits(connections, failures=9):
    """For how long after so many failures in a row the one address that is wanted is not dialled."""
    now = failed_at = T0
    for failure in range(failures + 1):
        while not (found := dials(connections.fill(now, EMPTY))):
            now = Micros(now + SECOND_US)
        if failure == failures:
            break
        connections.on_failed(found[0].conn, now)
        failed_at = now
    return now - failed_at


@pytest.mark.parametrize(("needed", "answered", "is_short"), [((), (), False), ((1,), (), True), ((), (1,), True)])
def test_who_is_needed_or_answered_once_is_tried_again_sooner_than_who_was_only_named(needed, answered, is_short):
    policy = ConnectionPolicy(0, 0, 8, 0, BanPolicy(), known_retry_max_us=15 * SECOND_US)
    answered = [address(index) for index in answered]
    connections = ConnectionManager(policy, group_of, Rng(b"needed"), lambda one: one in answered)
    connections.set_wants(full_relay=0, block_only=0, addresses=(address(1),), needed=tuple(map(address, needed)))
    assert (waits(connections) <= 15 * SECOND_US * 5 // 4 + SECOND_US) == is_short


def test_who_is_needed_from_now_on_is_dialled_at_once_however_often_it_failed():
    connections = manager(full_relay_slots=0, overlay_slots=8)
    connections.set_wants(full_relay=0, block_only=0, addresses=(address(1),))
    (dial,) = dials(connections.fill(T0, EMPTY))
    connections.on_failed(dial.conn, T0)
    assert dials(connections.fill(T0, EMPTY)) == []
    connections.retry((address(1), address(2)))
    assert [again.address for again in dials(connections.fill(T0, EMPTY))] == [address(1)]


def test_adding_and_removing_nodes():
    connections = manager(full_relay_slots=0)
    connections.fill(T0, EMPTY)
    connections.add_node(address(1))
    assert connections.added_nodes() == (address(1),)
    with pytest.raises(MisuseError, match="on the list already"):
        connections.add_node(address(1))
    (dial,) = dials(connections.fill(T0, EMPTY))
    connections.remove_node(address(1))
    connections.on_failed(dial.conn, T0)
    assert dials(connections.fill(Micros(T0 + DAY_US), EMPTY)) == []
    with pytest.raises(MisuseError, match="not on the list"):
        connections.remove_node(address(1))


def test_a_seed_node_is_left_after_its_answer_or_a_minute():
    connections = manager(seed_nodes=(address(1), address(2)), full_relay_slots=0)
    first, second = settle(connections, EMPTY)
    assert [slot.kind for slot in connections.snapshot()] == [SlotKind.SEED] * 2
    assert connections.on_addresses(first.conn) == [Close(first.conn, "addresses fetched")]
    assert connections.on_addresses(first.conn) == []
    assert connections.next_deadline() == T0 + SEED_CONNECTION_US
    (close,) = connections.fill(connections.next_deadline(), EMPTY)
    assert close.conn == second.conn
    assert connections.next_deadline() is None
    for dial in (first, second):
        connections.on_closed(dial.conn, T0)
    assert connections.fill(Micros(T0 + DAY_US), EMPTY) == []


def test_inbound_limit_refuses_in_words():
    connections = manager(inbound_slots=2)
    for conn in (1, 3):
        assert connections.on_opened(conn, address(conn), True, T0) == []
        connections.on_ready(conn)
    (close,) = connections.on_opened(5, address(5), True, T0)
    assert close.conn == 5
    assert "inbound slots are taken" in close.reason
    assert connections.get(5) is None
    connections.on_closed(5, T0)
    connections.on_closed(1, T0)
    assert connections.on_opened(7, address(3), True, T0) == []


def crowd(connections, hosts, count):
    """How many of `count` inbound connections were let in, each shaking hands; the hosts take turns."""
    let_in = 0
    for index in range(count):
        conn = 1 + 2 * len(connections.snapshot())
        while connections.get(conn) is not None:
            conn += 2
        remote = NodeAddress(hosts[index % len(hosts)], 1_024 + index)
        if connections.on_opened(conn, remote, True, T0) == []:
            connections.on_ready(conn)
            let_in += 1
    return let_in


@pytest.mark.parametrize(
    "hosts",
    [["8.8.8.8"], ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::77"], ["::ffff:8.8.8.8", "8.8.8.8"]],
)
def test_idle_inbound_connections_of_one_address_leave_room_for_others_on_a_public_network(hosts):
    connections = manager()
    assert crowd(connections, hosts, INBOUND_SLOTS) == INBOUND_PER_ADDRESS_MAX
    (close,) = connections.on_opened(901, NodeAddress(hosts[0], 9), True, T0)
    assert "from one address" in close.reason
    assert connections.on_opened(903, address(1), True, T0) == []
    # Whoever leaves makes room.
    connections.on_closed(1, T0)
    assert connections.on_opened(905, NodeAddress(hosts[0], 9), True, T0) == []


def test_inbound_connections_of_one_network_group_leave_room_for_others_on_a_public_network():
    connections = manager()
    hosts = [f"8.8.{number}.1" for number in range(60)]
    assert crowd(connections, hosts, INBOUND_SLOTS) == INBOUND_PER_GROUP_MAX
    (close,) = connections.on_opened(901, NodeAddress("8.8.200.1", 9), True, T0)
    assert "from one network group" in close.reason
    assert connections.on_opened(903, address(1), True, T0) == []


def test_a_private_network_and_a_list_of_allowed_peers_know_no_bound_by_address():
    connections = manager(is_private_network=True)
    assert crowd(connections, ["127.0.0.1"], INBOUND_SLOTS + 1) == INBOUND_SLOTS
    allowed = [bytes([number]) for number in range(20)]
    connections = manager(allowed_peers=frozenset(allowed))
    for number, peer_id in enumerate(allowed):
        assert connections.on_opened(1 + 2 * number, NodeAddress("8.8.8.8", 9 + number, peer_id), True, T0) == []


@pytest.mark.parametrize("inbound", [True, False])
def test_one_connection_per_peer_id_the_older_stays(inbound):
    connections = manager(full_relay_slots=2, own_peer_id=b"m")
    if inbound:
        assert connections.on_opened(1, address(1, b"peer"), True, T0) == []
        assert connections.on_opened(3, address(2, b"peer"), True, T0) == [Close(3, "already connected to this peer")]
    else:
        one, two = dials(connections.fill(T0, Book(address(1), address(2))))
        assert connections.on_opened(one.conn, address(1, b"peer"), False, T0) == []
        (close,) = connections.on_opened(two.conn, address(2, b"peer"), False, T0)
        assert close.conn == two.conn


@pytest.mark.parametrize("order", ["dial first", "inbound first"])
def test_both_ends_of_crossed_dials_keep_the_same_connection(order):
    """A (id a) and B (id b) dial each other; A's dial arrives at B as inbound and the other way round."""
    ends = {name: manager(full_relay_slots=1, own_peer_id=name) for name in (b"a", b"b")}
    survivors = {}
    for name, other in ((b"a", b"b"), (b"b", b"a")):
        connections = ends[name]
        (dial,) = dials(connections.fill(T0, Book(address(1))))
        steps = [
            lambda c=connections, d=dial, o=other: c.on_opened(d.conn, address(1, o), False, T0),
            lambda c=connections, o=other: c.on_opened(1, NodeAddress("9.1.2.3", 40_000, o), True, T0),
        ]
        if order == "inbound first":
            steps.reverse()
        closes = [close for step in steps for close in step()]
        assert len(closes) == 1
        survivors[name] = "inbound" if closes[0].conn == dial.conn else "dialled"
    assert survivors == {b"a": "dialled", b"b": "inbound"}


def test_switching_the_network_off_and_on():
    connections = manager(full_relay_slots=1)
    book = Book(address(1), address(2))
    (dial,) = settle(connections, book)
    assert [close.conn for close in connections.set_active(False)] == [dial.conn]
    connections.on_closed(dial.conn, T0)
    assert connections.next_deadline() is None
    assert connections.fill(T0, book) == []
    (close,) = connections.on_opened(1, address(2), True, T0)
    assert "switched off" in close.reason
    with pytest.raises(MisuseError, match="switched off"):
        connections.dial(address(2), SlotKind.MANUAL, T0)
    assert connections.set_active(True) == []
    assert len(dials(connections.fill(Micros(T0 + DAY_US), book))) == 1


def test_the_overlay_sets_the_numbers():
    connections = manager(full_relay_slots=8)
    connections.set_wants(full_relay=1, block_only=0)
    assert len(settle(connections, Book(*(address(i) for i in range(5))))) == 1


# --- blame ---


def test_scores_add_up_to_a_ban():
    connections = manager()
    connections.on_opened(1, address(1), True, T0)
    assert connections.misbehaving(1, 60, "first", T0) == []
    close, save = connections.misbehaving(1, 40, "second", T0)
    assert close == Close(1, "second")
    assert isinstance(save, SaveState)
    assert connections.misbehaving(1, 100, "third", T0) == []
    connections.on_closed(1, T0)
    (refusal,) = connections.on_opened(3, address(1), True, T0)
    assert refusal.reason == "banned: second"
    assert connections.on_opened(5, address(1), True, Micros(T0 + DAY_US)) == []


def test_a_ban_closes_the_peers_other_connections():
    connections = manager()
    connections.on_opened(1, NodeAddress("9.1.2.3", 5), True, T0)
    connections.on_opened(3, NodeAddress("9.1.2.3", 6), True, T0)
    effects = connections.misbehaving(1, 100, "bad block", T0)
    assert [e.conn for e in effects if isinstance(e, Close)] == [1, 3]


def test_banned_addresses_are_not_dialled():
    connections = manager(full_relay_slots=1)
    connections.ban(parse_subject("9.0.0.0/8"), Micros(T0 + DAY_US), "by hand", T0)
    assert dials(connections.fill(T0, Book(address(1)))) == []
    connections.unban("9.0.0.0/8")
    connections.wake()
    assert len(dials(connections.fill(Micros(T0 + SECOND_US), Book(address(1))))) == 1
    with pytest.raises(MisuseError):
        connections.unban("9.0.0.0/8")


def test_addresses_that_help_nothing_are_searched_through_once_a_second():
    connections = manager(full_relay_slots=1)
    connections.ban(parse_subject("9.0.0.0/8"), Micros(T0 + DAY_US), "by hand", T0)
    book = Book(address(1))
    assert dials(connections.fill(T0, book)) == []
    asked = book.asked
    for later_ms in range(1, 1_000, 10):
        connections.wake()
        assert connections.next_deadline() >= T0 + SECOND_US
        connections.fill(Micros(T0 + later_ms * 1_000), book)
    assert book.asked == asked
    connections.wake()
    connections.fill(Micros(T0 + SECOND_US), book)
    assert book.asked > asked


def test_named_peers_are_closed_but_not_banned():
    connections = manager(add_nodes=(address(1),), full_relay_slots=0)
    (dial,) = settle(connections, EMPTY)
    assert connections.misbehaving(dial.conn, 100, "bad block", T0) == [Close(dial.conn, "bad block")]
    assert connections.bans.active(T0) == ()
    connections.on_closed(dial.conn, T0)
    assert len(dials(connections.fill(Micros(T0 + MINUTE_US), EMPTY))) == 1


def test_a_bad_peer_on_loopback_does_not_cut_off_the_lab():
    connections = manager(is_private_network=True, full_relay_slots=2)
    bad, good = NodeAddress("127.0.0.1", 1001), NodeAddress("127.0.0.1", 1002)
    opened = {dial.address: dial.conn for dial in settle(connections, Book(bad, good))}
    connections.on_opened(1, NodeAddress("127.0.0.1", 50_000), True, T0)
    effects = connections.misbehaving(opened[bad], 100, "bad block", T0)
    assert [e.conn for e in effects if isinstance(e, Close)] == [opened[bad]]
    assert [ban.subject for ban in connections.bans.active(T0)] == ["127.0.0.1:1001"]
    # Inbound without a peer id has no name to ban it by.
    assert connections.misbehaving(1, 100, "spam", T0) == [Close(1, "spam")]
    assert len(connections.bans.active(T0)) == 1


def test_a_proven_peer_id_is_banned_even_on_loopback():
    connections = manager(is_private_network=True)
    connections.on_opened(1, NodeAddress("127.0.0.1", 50_000, b"\0\1x"), True, T0)
    connections.misbehaving(1, 100, "spam", T0)
    connections.on_closed(1, T0)
    (refusal,) = connections.on_opened(3, NodeAddress("127.0.0.1", 50_001, b"\0\1x"), True, T0)
    assert "banned" in refusal.reason
    assert connections.on_opened(5, NodeAddress("127.0.0.1", 50_002, b"\0\1y"), True, T0) == []


def test_configured_score_and_time():
    connections = manager(bans=BanPolicy(10, 5 * SECOND_US))
    connections.on_opened(1, address(1), True, T0)
    connections.misbehaving(1, 10, "spam", T0)
    (ban,) = connections.bans.active(T0)
    assert ban.until == T0 + 5 * SECOND_US


def test_two_managers_of_one_seed_decide_alike():
    def run():
        connections = manager(full_relay_slots=4, add_nodes=(address(20),))
        book, now, log = Book(*(address(i) for i in range(12))), T0, []
        for step in range(60):
            effects = connections.fill(now, book)
            log.append(effects)
            for dial in dials(effects):
                if step % 3:
                    connections.on_failed(dial.conn, now)
                else:
                    connections.on_opened(dial.conn, dial.address, False, now)
            now = max(now, connections.next_deadline() or now) + SECOND_US
        return log

    assert run() == run()


def peer(index, inbound_port=5000):
    return NodeAddress("8.8.8.8", inbound_port + index, bytes((0, 1, index)))


def test_only_allowed_peers_get_in():
    connections = manager(allowed_peers=frozenset({peer(1).peer_id}))
    assert connections.on_opened(1, peer(1), True, T0) == []
    assert connections.on_opened(3, peer(2), True, T0) == [Close(3, "not one of the allowed peers")]
    # Who proves nothing is nobody.
    assert connections.on_opened(5, NodeAddress("8.8.8.8", 9), True, T0) == [Close(5, "not one of the allowed peers")]
    assert [slot.conn for slot in connections.snapshot()] == [1]


def test_only_allowed_peers_are_dialled():
    connections = manager(allowed_peers=frozenset({peer(1).peer_id}), full_relay_slots=1)
    assert dials(connections.fill(T0, Book(peer(2)))) == []
    (dial,) = dials(connections.fill(connections.next_deadline(), Book(peer(1))))
    assert dial.address == peer(1)


def test_an_address_without_a_peer_id_must_turn_out_to_be_an_allowed_peers():
    connections = manager(allowed_peers=frozenset({peer(1).peer_id}), full_relay_slots=1)
    somewhere = NodeAddress("8.8.8.8", 8333)
    (dial,) = dials(connections.fill(T0, Book(somewhere)))
    found = NodeAddress(somewhere.host, somewhere.port, peer(2).peer_id)
    assert connections.on_opened(dial.conn, found, False, T0) == [Close(dial.conn, "not one of the allowed peers")]


def test_whom_a_person_named_is_allowed():
    somewhere = NodeAddress("8.8.8.8", 8333)
    connections = manager(allowed_peers=frozenset({peer(1).peer_id}), add_nodes=(somewhere,), full_relay_slots=0)
    (dial,) = dials(connections.fill(T0, EMPTY))
    found = NodeAddress(somewhere.host, somewhere.port, peer(2).peer_id)
    assert connections.on_opened(dial.conn, found, False, T0) == []


def admit(connections, *indices):
    return connections.admit(frozenset(peer(index).peer_id for index in indices))


def waits_for_nothing(connections):
    """Nothing is dialled, and time would change nothing about it."""
    return connections.fill(T0, EMPTY) == [] and connections.next_deadline() is None


def test_whom_the_network_does_not_admit_no_operator_lets_in():
    somewhere = NodeAddress("8.8.8.8", 8333)
    connections = manager(add_nodes=(somewhere, peer(3)), full_relay_slots=0)
    assert admit(connections, 1) == []
    assert connections.on_opened(1, peer(1), True, T0) == []
    gated = Close(3, NOT_ADMITTED, is_gated=True)
    assert connections.on_opened(3, peer(2), True, T0) == [gated]
    assert connections.on_opened(3, NodeAddress("8.8.8.8", 9), True, T0) == [gated]
    # An address that names nobody may lead to anybody; one that names a stranger is not dialled, and costs no time.
    (dial,) = dials(connections.fill(T0, EMPTY))
    assert dial.address == somewhere
    assert connections.on_opened(dial.conn, replace(somewhere, peer_id=peer(2).peer_id), False, T0) == [
        Close(dial.conn, NOT_ADMITTED, is_gated=True)
    ]
    assert waits_for_nothing(connections)
    with pytest.raises(MisuseError, match="is not admitted"):
        connections.dial(peer(3), SlotKind.MANUAL, T0)


def test_who_is_expelled_is_cut_off_and_a_dial_to_it_is_given_up():
    connections = manager(add_nodes=(peer(3), peer(4)), full_relay_slots=0)
    admit(connections, 1, 2, 3, 4)
    for conn in (1, 2):
        connections.on_opened(2 * conn - 1, peer(conn), True, T0)
    third, fourth = dials(connections.fill(T0, EMPTY))
    connections.on_opened(fourth.conn, peer(4), False, T0)
    closes = admit(connections, 1)
    assert closes == [Close(conn, NOT_ADMITTED, is_gated=True) for conn in (3, third.conn, fourth.conn)]
    # Once is enough.
    assert admit(connections, 1) == []
    connections.on_closed(3, T0)
    connections.on_failed(third.conn, T0)
    connections.on_closed(fourth.conn, T0)
    assert waits_for_nothing(connections)


def test_who_is_let_in_again_is_dialled_at_once():
    connections = manager(add_nodes=(peer(3),), full_relay_slots=0)
    (dial,) = dials(connections.fill(T0, EMPTY))
    connections.on_failed(dial.conn, T0)
    admit(connections, 1)
    assert waits_for_nothing(connections)
    admit(connections, 1, 3)
    (again,) = dials(connections.fill(T0, EMPTY))
    assert again.address == peer(3)


def test_a_ban_holds_for_the_admitted_too():
    connections = manager()
    admit(connections, 1)
    connections.ban(parse_subject(f"p2p/{PeerId(peer(1).peer_id)}"), T0 + SECOND_US, "by the operator", T0)
    (close,) = connections.on_opened(1, peer(1), True, T0)
    assert "banned" in close.reason and not close.is_gated


def test_the_network_models_wishes_go_to_admitted_peers_only():
    connections = manager(overlay_slots=5, full_relay_slots=0)
    admit(connections, 1)
    connections.set_wants(full_relay=0, block_only=0, addresses=(peer(1), peer(2)))
    assert [dial.address for dial in dials(connections.fill(T0, EMPTY))] == [peer(1)]
    admit(connections, 1, 2)
    assert [dial.address for dial in dials(connections.fill(T0, EMPTY))] == [peer(2)]


def test_a_banned_peer_id_found_at_a_fresh_address_is_closed():
    connections = manager(full_relay_slots=1)
    banned = PeerId(bytes((0, 2, 8, 1)))
    connections.ban(parse_subject(f"p2p/{banned}"), Micros(T0 + DAY_US), "by hand", T0)
    (dial,) = dials(connections.fill(T0, Book(NodeAddress("8.8.8.8", 8333))))
    found = NodeAddress("8.8.8.8", 8333, banned.multihash)
    assert connections.on_opened(dial.conn, found, False, T0) == [Close(dial.conn, "banned: by hand")]
    assert connections.on_opened(1, found, True, T0) == [Close(1, "banned: by hand")]


# --- the silent ---


def test_a_crowd_of_mute_connections_keeps_nobody_out():
    connections = manager(is_private_network=True)
    for conn in range(1, 500, 2):
        closes = connections.on_opened(conn, NodeAddress("8.8.4.4", conn), True, T0)
        assert conn not in {close.conn for close in closes}
        for close in closes:
            connections.on_closed(close.conn, T0)
    assert sum(slot.kind is SlotKind.INBOUND for slot in connections.snapshot()) == HALF_OPEN_PER_ADDRESS_MAX
    assert connections.on_opened(1_001, address(1), True, T0) == []
    connections.on_ready(1_001)
    # From the crowd's own address somebody who speaks gets in, too.
    (close,) = connections.on_opened(1_003, NodeAddress("8.8.4.4", 1_003), True, T0)
    assert close.conn not in (1_001, 1_003)


def test_mute_crowds_of_many_addresses_fill_the_slots_and_give_way_all_the_same():
    connections = manager(is_private_network=True)
    for number in range(INBOUND_SLOTS):
        connections.on_opened(2 * number + 1, NodeAddress(f"8.8.{number // 20}.1", 9), True, T0)
    (close,) = connections.on_opened(1_001, address(1), True, T0)
    assert close.conn != 1_001
    connections.on_closed(close.conn, T0)
    connections.on_ready(1_001)


def test_who_is_ready_never_gives_way():
    connections = manager(inbound_slots=3)
    for conn in (1, 3):
        connections.on_opened(conn, address(conn), True, T0)
        connections.on_ready(conn)
    connections.on_opened(5, address(5), True, T0)
    (close,) = connections.on_opened(7, address(7), True, T0)
    assert close.conn == 5
    connections.on_ready(7)
    connections.on_closed(5, T0)
    (close,) = connections.on_opened(9, address(9), True, T0)
    assert close.conn == 9


def test_the_mute_of_one_address_give_way_to_their_neighbour_on_a_public_network():
    connections = manager()
    for number in range(INBOUND_PER_ADDRESS_MAX):
        connections.on_opened(2 * number + 1, NodeAddress("8.8.4.4", 9), True, T0)
    (close,) = connections.on_opened(1_001, NodeAddress("8.8.4.4", 9), True, T0)
    assert close.conn == 1


def test_a_banned_stranger_costs_nobody_a_place():
    connections = manager(inbound_slots=1)
    connections.on_opened(1, address(1), True, T0)
    connections.ban(parse_subject(address(2).host), Micros(T0 + DAY_US), "by the operator", T0)
    (close,) = connections.on_opened(3, address(2), True, T0)
    assert close.conn == 3


# --- a person's ban ---


def test_a_person_s_ban_closes_what_a_person_asked_for_and_holds_until_it_is_lifted():
    connections = manager()
    connections.add_node(address(1))
    (dial,) = dials(connections.fill(T0, EMPTY))
    connections.on_opened(dial.conn, address(1), False, T0)
    connections.on_ready(dial.conn)
    until = Micros(T0 + DAY_US)
    subject = parse_subject(address(1).host)
    close, _ = connections.ban(subject, until, "by the operator", T0)
    assert (close.conn, close.reason) == (dial.conn, "banned")
    connections.on_closed(dial.conn, T0)
    now = T0
    while connections.next_deadline() is not None and connections.next_deadline() < until:
        now = max(now + 1, connections.next_deadline())
        assert connections.fill(Micros(now), EMPTY) == []
    assert connections.next_deadline() == until
    with pytest.raises(MisuseError, match="is banned; the ban is lifted by setban"):
        connections.dial(address(1), SlotKind.MANUAL, T0)
    connections.unban(subject)
    assert connections.alarm.at == 0
    assert len(dials(connections.fill(Micros(now + MINUTE_US), EMPTY))) == 1


def test_a_person_s_ban_ends_by_itself():
    connections = manager()
    connections.add_node(address(1))
    connections.ban(parse_subject(address(1).host), Micros(T0 + MINUTE_US), "by the operator", T0)
    assert connections.fill(T0, EMPTY) == []
    assert len(dials(connections.fill(Micros(T0 + MINUTE_US), EMPTY))) == 1


def test_what_a_neighbour_did_is_not_held_against_a_peer_that_a_person_named():
    connections = manager()
    connections.add_node(address(1))
    connections.on_opened(1, NodeAddress(address(1).host, 50_000), True, T0)
    connections.misbehaving(1, 100, "invalid block", T0)
    assert connections.bans.find(address(1), T0) is not None
    assert len(dials(connections.fill(T0, EMPTY))) == 1


def test_a_person_s_ban_is_one_after_a_restart_too():
    connections = manager()
    subject = parse_subject(address(1).host)
    connections.bans.add(Ban(subject, T0, Micros(T0 + 2 * DAY_US), "invalid block"))
    connections.ban(subject, Micros(T0 + DAY_US), "by the operator", T0)
    again = BanList.from_bytes(connections.bans.to_bytes())
    assert again.find(address(1), T0, by_operator=True).until == T0 + 2 * DAY_US


@pytest.mark.parametrize("private", [False, True])
def test_an_automatic_slot_is_not_spent_on_a_peer_that_is_here_already(private):
    """Or two halves of a small network, each full of connections among themselves, never find each other again."""
    connections = manager(full_relay_slots=2, is_private_network=private, add_nodes=(address(3),))
    for conn, index in ((1, 1), (3, 3)):
        assert connections.on_opened(conn, replace(address(index), port=40_000 + conn), True, T0) == []
        connections.mark_listening(conn, address(index))
    dialled = [dial.address for dial in dials(connections.fill(T0, Book(address(1), address(2))))]
    # Who is named is dialled all the same: nobody can keep it away by saying that he listens there.
    assert sorted(dialled) == sorted([address(2), address(3)])
    connections.on_closed(1, T0)
    connections.wake()
    assert address(1) in [dial.address for dial in dials(connections.fill(Micros(T0 + MINUTE_US), Book(address(1))))]
