"""Floods of transactions, addresses and connections: what they reach, and what holds against them today."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sim.attackers.conftest import NETWORK

from minicoin.core.limits import (
    GOSSIP_VIEW_PER_SOURCE_MAX,
    HANDSHAKE_TIMEOUT_US,
    INBOUND_PER_ADDRESS_MAX,
    ORPHAN_WEIGHT_PER_PEER,
    OVERLAY_QUESTIONS_BURST,
)
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import SECOND_US
from minicoin.sim.attackers.flood_transactions import Validity
from minicoin.sim.attackers.roster import coins_wanted
from minicoin.sim.scenario.attackers import FloodAddresses, FloodConnections, FloodGossip, FloodTransactions


def _transactions(validity: Validity, rate_per_s: float = 10.0, tx_bytes: int = 250) -> FloodTransactions:
    return FloodTransactions(
        kind="flood-transactions", validity=validity, rate_per_s=rate_per_s, tx_bytes=tx_bytes, target=(0, 1)
    )


# --- transactions ---


def test_real_payments_fill_mempools_up_to_their_bound_and_blocks_confirm_them(
    small_net: Callable[..., Any],
) -> None:
    attack = _transactions("valid", tx_bytes=400)
    bound = 400_000
    net = small_net(
        4, [attack], coins=coins_wanted([attack], 60) + 10, policy=NodePolicy(mempool=MempoolPolicy(bytes_max=bound))
    )
    net.begin()
    # Where the tip is old, a node is catching up and takes no transactions.
    net.mine(2)
    net.run(30)
    pools = [net.node(index).view.mempool for index in range(4)]
    assert all(pool.snapshot(net.world.now).usage_bytes <= bound for pool in pools)
    held = len(pools[0])
    assert 50 < held < net.attacker.fired
    net.mine(0)
    # What a block confirmed may be spent anew.
    unspent = len(net.attacker.peers[0].wallet)
    assert net.attacker.fired - (coins_wanted([attack], 60) - unspent) > 50
    assert not net.bans(0)


def test_orphans_keep_within_their_sender_s_share(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [_transactions("orphan", tx_bytes=5_000)], coins=1)
    net.begin()
    net.mine(2)
    net.run(30)
    snapshot = net.node(0).view.mempool.snapshot(net.world.now)
    assert net.attacker.fired > 100
    # 20,000 units of weight each.
    share = ORPHAN_WEIGHT_PER_PEER // 20_000
    assert share - 2 <= snapshot.orphan_count <= share
    assert snapshot.count == 0
    assert not net.bans(0)


def test_wrong_signatures_get_nowhere_and_nobody_is_banned_for_them(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [_transactions("invalid")], coins=2)
    net.begin()
    net.mine(2)
    net.run(30)
    assert net.attacker.fired > 100
    assert net.bans(0) == net.bans(1) == []
    assert [len(net.node(index).view.mempool) for index in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("size", [250, 1_000, 5_000])
def test_transactions_have_about_the_wanted_size(size: int, small_net: Callable[..., Any]) -> None:
    net = small_net(2, [_transactions("valid", tx_bytes=size, rate_per_s=1.0)], coins=200)
    net.begin()
    net.mine(1)
    net.run(20)
    sizes = [entry.transaction.size for entry in net.node(0).view.mempool]
    assert sizes
    assert all(abs(found - size) <= 45 for found in sizes)


# --- addresses ---


def test_addresses_come_no_faster_than_a_peer_may_send_them(small_net: Callable[..., Any]) -> None:
    attack = FloodAddresses(kind="flood-addresses", rate_per_s=0.5, per_message=100, target=(0,))
    net = small_net(3, [attack], coins=1)
    net.begin()
    honest = net.node(0).view.book.size
    net.run(300)
    assert net.attacker.fired > 100
    # A tenth of an address a second, and one to begin with; ten thousand were told.
    assert 25 <= net.node(0).view.book.size - honest <= 32
    assert not net.bans(0)


# --- the network model gossip ---


def _views(net: Any) -> list[dict[str, int]]:
    return [dict(net.node(index).view.overlay(net.world.now).figures) for index in range(5)]


@pytest.mark.parametrize("count", [1, 3])
def test_invented_members_get_their_part_of_a_view_and_questions_their_share_of_answers(
    count: int, small_net: Callable[..., Any]
) -> None:
    network = replace(NETWORK, overlay="gossip", own_messages=True, overlay_settings=(("alive_period", 5),))
    attack = FloodGossip(kind="flood-gossip", rate_per_s=10.0, count=count, target=(0,))
    net = small_net(5, [attack], coins=1, network=network, has_peer_ids=True)
    net.begin()
    for index in range(5):
        net.mine(index)
    # As many as were told of would fill a view a hundred times over.
    assert net.attacker.fired > 3 * 400 * count
    views = _views(net)
    assert GOSSIP_VIEW_PER_SOURCE_MAX <= views[0]["view"] <= count * GOSSIP_VIEW_PER_SOURCE_MAX + 4
    # Nobody passes on whom he is not connected to.
    assert all(view["view"] <= 4 for view in views[1:])
    # Of each kind of question one a second, and a few at once.
    asked_s = 60
    for peer in net.attacker.peers:
        assert 50 < peer.answers <= 2 * (asked_s + OVERLAY_QUESTIONS_BURST)
    assert net.heights() == [net.heights()[0]] * 5
    assert not net.bans(0)


# --- connections ---


def _connections(*, handshake: bool, count: int = 1) -> FloodConnections:
    return FloodConnections(kind="flood-connections", rate_per_s=20.0, handshake=handshake, count=count, target=(0,))


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("handshake", [False, True])
def test_each_address_gets_its_share_of_the_slots_and_no_more(
    handshake: bool, count: int, small_net: Callable[..., Any]
) -> None:
    net = small_net(4, [_connections(handshake=handshake, count=count)])
    net.begin()
    honest = [conn for conn in net.hosts[0].links if net.hosts[0].links[conn].other.host in net.hosts]
    net.run(20)
    outbound, inbound = net.attacker.slots_taken(net.hosts[0])
    assert (outbound, inbound) == (0, count * INBOUND_PER_ADDRESS_MAX)
    assert all(conn in net.hosts[0].links for conn in honest)
    net.mine(2)
    assert net.heights() == [1] * 4


def test_mute_connections_end_with_the_handshake_s_time(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [_connections(handshake=False)])
    net.begin()
    net.run(20)
    net.attacker.peers[0].timers.clear()
    # The youngest took the place of an older one a moment before the flood ended.
    net.run(HANDSHAKE_TIMEOUT_US / SECOND_US + 1)
    assert net.attacker.slots_taken(net.hosts[0]) == (0, 0)


def test_a_newcomer_finds_a_slot_while_the_flood_shakes_hands_and_stays(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [_connections(handshake=True, count=10)])
    net.begin()
    net.run(20)
    newcomer = net.world.add_host()
    net.world.start(newcomer, NodePolicy(connect=(net.hosts[0].address,), outbound_slots=0, use_dns_seeds=False))
    net.run(60)
    assert len(newcomer.links) == 1
    assert net.notes.reasons[f"{INBOUND_PER_ADDRESS_MAX} inbound connections from one address are the most"]
