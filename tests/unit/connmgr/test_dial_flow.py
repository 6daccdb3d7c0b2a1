"""The book's addresses fill the slots, and what the connection manager keeps is part of the node's digest."""

import pytest
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.commands import AddNode, SetBan, SetNetworkActive
from minicoin.core.effects import Dial
from minicoin.core.events import AddressesFound, AddressSource, ConnectionOpened, DialFailed
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.units import MINUTE_US, SECOND_US
from minicoin.core.wire.messages import NetAddress, Verack, Version


def learn(bench, *hosts):
    found = tuple(TimedAddress(NodeAddress(host, 8333), 9, bench.now // SECOND_US) for host in hosts)
    bench.handle(AddressesFound(AddressSource.DNS, "seed.example", found))


def dialled(bench):
    bench.wait(MINUTE_US)
    return [dial.address.host for dial in bench.take(Dial)]


def parts(bench):
    return dict(bench.node.forms(bench.now, is_brief=False))


def test_an_address_that_is_learned_is_dialled():
    bench = Bench()
    assert dialled(bench) == []
    learn(bench, "10.1.0.1")
    assert "10.1.0.1" in dialled(bench)


@pytest.mark.parametrize("policy", [NodePolicy(connect=()), NodePolicy(outbound_slots=0)])
def test_by_the_operators_word_the_book_is_left_alone(policy):
    bench = Bench(policy)
    learn(bench, "10.1.0.1")
    assert dialled(bench) == []


def test_a_network_that_is_switched_off_is_dialled_again_once_it_is_on():
    bench = Bench()
    bench.ask(SetNetworkActive(False))
    learn(bench, "10.1.0.1")
    assert dialled(bench) == []
    bench.ask(SetNetworkActive(True))
    assert "10.1.0.1" in dialled(bench)


def test_whom_nobody_answers_for_is_tried_later_and_not_at_once():
    bench = Bench(NodePolicy(connect=()))
    bench.ask(AddNode(NodeAddress("10.1.0.1", 8333)))
    (dial,) = bench.take(Dial)
    bench.handle(DialFailed(dial.conn, dial.address, "refused"))
    assert bench.take(Dial) == []
    bench.wait(60 * MINUTE_US)
    assert [again.address for again in bench.take(Dial)] == [dial.address]


def test_a_finished_handshake_is_seen_in_the_slots():
    bench = Bench(NodePolicy(connect=()))
    bench.ask(AddNode(NodeAddress("10.1.0.1", 8333)))
    (dial,) = bench.take(Dial)
    bench.handle(ConnectionOpened(dial.conn, dial.address, False, None))
    assert [slot.is_ready for slot in bench.node.view.connections.snapshot()] == [False]
    now = bench.now // SECOND_US
    bench.say(dial.conn, Version(70016, 9, now, NetAddress(), NetAddress(), 77, "/scripted/", 0))
    bench.say(dial.conn, Verack())
    assert [slot.is_ready for slot in bench.node.view.connections.snapshot()] == [True]


def test_bans_and_slots_are_told_apart_in_the_digest():
    one, banning, named = Bench(), Bench(), Bench()
    assert NETWORK.allow_private_addresses
    banning.ask(SetBan("10.2.0.0/16", banning.now // SECOND_US + 600))
    named.ask(AddNode(NodeAddress("10.1.0.1", 8333)))
    before, banned, dialling = parts(one), parts(banning), parts(named)
    assert before["bans"] != banned["bans"] and before["connections"] == banned["connections"]
    assert before["bans"] == dialling["bans"] and before["connections"] != dialling["connections"]
