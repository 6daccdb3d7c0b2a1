"""Addresses between peers, sources and the book: who is asked and believed, what we are told of ourselves, and when
seeds are asked."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.commands import AddConnection
from minicoin.core.effects import Close, Dial, Resolve
from minicoin.core.events import AddressesFound, AddressesWithdrawn, AddressSource, ConnectionOpened
from minicoin.core.notices import AddressesForgotten, AddressesLearned, OwnAddressLearned
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.units import MINUTE_US, SECOND_US
from minicoin.core.wire.messages import Addr, GetAddr, NetAddress, Verack, Version

FAR = NodeAddress("10.9.0.1", 8333)
NAMED = NodeAddress("10.5.5.5", 6)


def timed(bench, *addresses):
    return tuple(TimedAddress(address, 9, bench.now // SECOND_US) for address in addresses)


def dial(bench, kind="outbound-full-relay", sees_us_at="127.0.0.1"):
    """A connection that we made, with a finished handshake."""
    bench.seen.clear()
    bench.ask(AddConnection(FAR, kind))
    (made,) = bench.take(Dial)
    bench.handle(ConnectionOpened(made.conn, made.address, False, None))
    us = NetAddress(0, sees_us_at)
    now = bench.now // SECOND_US
    bench.say(made.conn, Version(70016, 9, now, us, NetAddress(), 99, "/scripted/", 0))
    bench.say(made.conn, Verack())
    return made.conn


@pytest.mark.parametrize(("kind", "is_asked"), [("outbound-full-relay", True), ("block-relay-only", False)])
def test_whom_we_dialled_is_asked_whom_it_knows_unless_it_is_there_for_blocks(kind, is_asked):
    bench = Bench(NodePolicy(connect=()))
    dial(bench, kind)
    assert bool(bench.take(GetAddr)) is is_asked


def test_whoever_answered_a_dial_is_known_and_good():
    bench = Bench(NodePolicy(connect=()))
    dial(bench)
    assert bench.node.view.book.find(FAR).is_tried


def test_a_seed_has_done_its_work_once_it_told_addresses():
    bench = Bench(NodePolicy(connect=()))
    conn = dial(bench, "addr-fetch")
    bench.take(Close)
    bench.say(conn, Addr(timed(bench, *(NodeAddress(f"10.8.0.{number}", 8333) for number in range(1, 30)))))
    assert [close.conn for close in bench.take(Close)] == [conn]
    assert bench.node.view.book.size > 1


def test_what_is_learned_is_told_by_its_source_and_known_addresses_are_no_news():
    bench = Bench(NodePolicy(connect=()))
    found = AddressesFound(AddressSource.DNS, "seed.example", timed(bench, FAR))
    bench.handle(found)
    bench.handle(found)
    assert [(told.source, told.origin, len(told.added)) for told in bench.take(AddressesLearned)] == [
        (AddressSource.DNS, "seed.example", 1),
        (AddressSource.DNS, "seed.example", 0),
    ]


def test_of_ourselves_others_tell_us_nothing():
    bench = Bench(NodePolicy(connect=(), external_address=FAR))
    bench.connect(2)
    bench.say(2, Addr(timed(bench, FAR)))
    assert bench.node.view.book.find(FAR) is None


@pytest.mark.parametrize(
    ("policy", "known"),
    [
        (NodePolicy(connect=(), listen_port=18444), [NodeAddress("10.1.2.3", 18444)]),
        (NodePolicy(connect=(), listen_port=18444, listens=False), []),
        (NodePolicy(connect=()), []),
        (
            NodePolicy(connect=(), listen_port=5, external_address=NodeAddress("10.5.5.5", 6)),
            [NodeAddress("10.5.5.5", 6)],
        ),
    ],
)
def test_what_peers_see_is_believed_only_by_a_node_that_listens_and_was_told_no_address(policy, known):
    bench = Bench(policy)
    told = bench.take(OwnAddressLearned)
    dial(bench, sees_us_at="10.1.2.3")
    assert [notice.address for notice in told + bench.take(OwnAddressLearned)] == known


def test_an_inbound_peer_that_tells_where_it_listens_is_not_dialled_as_well():
    bench = Bench()
    other = NodeAddress("10.7.0.4", 8333)
    bench.connect(1, host=FAR.host)
    bench.say(1, Addr(timed(bench, FAR)))
    bench.connect(3, host="10.8.0.3")
    bench.say(3, Addr(timed(bench, other)))
    bench.wait(5 * MINUTE_US)
    # It is connected already: only what was said of another host is dialled.
    assert {dial.address for dial in bench.take(Dial)} == {other}


def test_seeds_are_asked_while_too_few_peers_are_there_and_not_by_an_operators_word():
    seeded = replace(NETWORK, dns_seeds=("seed.example",))
    asking, silent = Bench(network=seeded), Bench(NodePolicy(use_dns_seeds=False), network=seeded)
    for bench in (asking, silent):
        bench.wait(MINUTE_US)
    assert [effect.host for effect in asking.take(Resolve)] == ["seed.example"]
    assert silent.take(Resolve) == []


def test_what_a_registry_takes_back_is_forgotten_unless_it_once_answered():
    bench = Bench(NodePolicy(connect=()))
    dial(bench)
    bench.handle(AddressesFound(AddressSource.REGISTRY, "etcd", timed(bench, FAR, NAMED)))
    bench.handle(AddressesWithdrawn(AddressSource.REGISTRY, "etcd", (FAR, NAMED)))
    assert bench.take(AddressesForgotten) == [AddressesForgotten(AddressSource.REGISTRY, "etcd", (NAMED,))]
    assert bench.node.view.book.find(NAMED) is None
    assert bench.node.view.book.find(FAR).is_tried
