"""What the network model wants of connections: addresses in slots of its own, never beyond what the operator allows."""

import pytest

from minicoin.core.connmgr.bans import BanPolicy
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.connmgr.slots import ConnectionPolicy
from minicoin.core.effects import Close, Dial
from minicoin.core.limits import DIALS_IN_FLIGHT_MAX, OVERLAY_ADDRESSES_MAX, OVERLAY_SLOTS_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.permissions import Whitelisting
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros

T0 = Micros(1_700_000_000_000_000)


def address(index, peer_id=b""):
    return NodeAddress(f"10.0.{index >> 8}.{index & 255}", 8333, peer_id)


def manager(**policy):
    usual = {"full_relay_slots": 8, "block_only_slots": 2, "overlay_slots": OVERLAY_SLOTS_MAX, "inbound_slots": 115}
    chosen = ConnectionPolicy(**usual | policy, bans=BanPolicy(), is_private_network=True)
    return ConnectionManager(chosen, lambda found: b"", Rng(b"test"))


def want(connections, *addresses, full_relay=0, unwanted=(), lets_go=False):
    connections.set_wants(full_relay=full_relay, block_only=0, addresses=addresses, unwanted=unwanted, lets_go=lets_go)


def fill(connections, now=T0, book=()):
    known = list(book)
    return connections.fill(now, lambda groups: known.pop() if known else None)


def settle(connections, now=T0):
    """Every dial succeeds, until there are no more."""
    opened = []
    while dials := [effect for effect in fill(connections, now) if isinstance(effect, Dial)]:
        for dial in dials:
            assert connections.on_opened(dial.conn, dial.address, False, now) == []
            connections.on_ready(dial.conn)
            opened.append(dial)
    return opened


def test_what_is_wanted_is_dialled_in_slots_of_its_own():
    connections = manager()
    want(connections, address(1), address(2))
    assert connections.next_deadline() <= T0 and connections.alarm.at <= T0
    opened = settle(connections)
    assert [dial.address for dial in opened] == [address(1), address(2)]
    assert [slot.kind for slot in connections.snapshot()] == [SlotKind.OVERLAY] * 2
    assert connections.next_deadline() is None


def test_the_numbers_never_exceed_the_operators():
    connections = manager(full_relay_slots=2, block_only_slots=0)
    connections.set_wants(full_relay=9, block_only=9)
    assert len(fill(connections, book=[address(index) for index in range(20)])) == 2
    connections.set_wants(full_relay=1, block_only=0)
    assert not connections.has_room(SlotKind.FULL_RELAY)


@pytest.mark.parametrize("policy", [{"connect": ()}, {"connect": (address(9),)}, {"overlay_slots": 0}])
def test_nobody_is_dialled_for_it_where_the_operator_wants_nobody_else(policy):
    connections = manager(full_relay_slots=0, block_only_slots=0, **policy)
    want(connections, address(1), address(2))
    assert {dial.address for dial in settle(connections)} <= {address(9)}
    assert connections.next_deadline() is None


def test_slots_dials_and_addresses_are_bounded():
    connections = manager()
    want(connections, *(address(index) for index in range(OVERLAY_ADDRESSES_MAX + 50)))
    assert len(fill(connections)) == DIALS_IN_FLIGHT_MAX
    assert connections.next_deadline() is None
    for slot in connections.snapshot():
        connections.on_failed(slot.conn, T0)
    opened = settle(connections)
    assert len(opened) == OVERLAY_SLOTS_MAX
    assert {dial.address for dial in opened} <= {address(index) for index in range(OVERLAY_ADDRESSES_MAX)}
    assert connections.next_deadline() is None


def test_who_does_not_answer_is_tried_again_later_and_others_first():
    connections = manager(retry_us=5 * SECOND_US)
    want(connections, address(1))
    (dial,) = fill(connections)
    connections.on_failed(dial.conn, T0)
    assert fill(connections) == []
    at = connections.next_deadline()
    assert T0 < at <= T0 + MINUTE_US
    assert [again.address for again in fill(connections, at)] == [address(1)]


def test_an_inbound_peer_that_listens_there_is_a_connection_to_it():
    connections = manager()
    connections.on_opened(1, NodeAddress("10.0.0.1", 40_000), True, T0)
    connections.mark_listening(1, address(1))
    want(connections, address(1))
    assert fill(connections) == [] and connections.next_deadline() is None
    connections.on_closed(1, T0)
    assert connections.alarm.at <= T0
    assert [dial.address for dial in fill(connections)] == [address(1)]


def test_an_address_that_is_this_node_is_dialled_once():
    connections = manager()
    want(connections, address(1))
    (dial,) = fill(connections)
    connections.on_opened(dial.conn, dial.address, False, T0)
    connections.mark_self(dial.conn)
    connections.on_closed(dial.conn, T0)
    assert fill(connections) == [] and connections.next_deadline() is None
    assert fill(connections, Micros(T0 + MINUTE_US)) == []


def test_peers_that_are_not_allowed_are_not_wanted():
    connections = manager(allowed_peers=frozenset({b"friend"}))
    want(connections, address(1, b"stranger"), address(2, b"friend"))
    assert [dial.address for dial in settle(connections)] == [address(2, b"friend")]
    assert connections.next_deadline() is None


def test_unwanted_connections_are_closed_but_never_a_persons():
    friend = Whitelisting.parse("noban@10.0.0.7")
    connections = manager(add_nodes=(address(1),), whitelist=(friend,))
    want(connections, address(2))
    named, wanted = settle(connections)
    connections.on_opened(1, NodeAddress("10.0.0.7", 40_000), True, T0)
    connections.on_opened(3, NodeAddress("10.0.0.8", 40_000), True, T0)
    want(connections, unwanted=(named.conn, wanted.conn, 1, 3, 99))
    assert connections.next_deadline() <= T0
    closed = [effect.conn for effect in fill(connections) if isinstance(effect, Close)]
    assert closed == [wanted.conn, 3]
    assert fill(connections) == []


def test_what_is_wanted_no_longer_is_not_dialled_again():
    connections = manager()
    want(connections, address(1))
    (dial,) = settle(connections)
    want(connections)
    connections.on_closed(dial.conn, T0)
    assert fill(connections) == [] and connections.next_deadline() is None


def test_whom_the_model_let_go_has_not_failed():
    connections = manager(retry_us=5 * SECOND_US)
    now = T0
    for _ in range(6):
        want(connections, address(1))
        (dial,) = settle(connections, now)
        want(connections, unwanted=(dial.conn,), lets_go=True)
        assert [effect.conn for effect in fill(connections, now)] == [dial.conn]
        connections.on_closed(dial.conn, now)
        # As after a first failure, however often: five seconds, and a quarter more at most.
        now = Micros(now + 25 * SECOND_US // 4)
