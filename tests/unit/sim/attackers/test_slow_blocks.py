"""Peers that announce every block first and deliver it late or never."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from minicoin.core.limits import BLOCKS_IN_FLIGHT_PER_PEER_MAX
from minicoin.core.units import SECOND_US
from minicoin.sim.scenario.attackers import SlowBlocks
from minicoin.world.host import Lines


def _last_arrival_s(net: Any, height: int) -> float:
    began = net.notes.moved[0, height]
    arrivals = [net.notes.moved[index, height] for index in range(len(net.hosts))]
    return float(max(arrivals) - began) / SECOND_US


def _line_of_nodes(small_net: Callable[..., Any], attackers: list[SlowBlocks]) -> Any:
    """Headers outrun blocks here: 2 s a hop, six hops."""
    net = small_net(6, attackers, shape="line", lines=Lines(up_rate=100_000), block_bytes=200_000)
    net.begin()
    return net


@pytest.mark.parametrize("delay_s", [None, 40.0])
def test_blocks_come_hardly_later_where_their_victims_have_peers_that_keep_their_word(
    delay_s: float | None, small_net: Callable[..., Any]
) -> None:
    calm = _line_of_nodes(small_net, [])
    calm.mine(0, 30)
    attacked = _line_of_nodes(small_net, [SlowBlocks(kind="slow-blocks", delay_s=delay_s, count=2)])
    attacked.mine(0, 120)
    assert attacked.heights() == [1] * 6
    assert attacked.attacker.fired
    assert _last_arrival_s(attacked, 1) < _last_arrival_s(calm, 1) + 1


def test_a_late_block_is_handed_over(small_net: Callable[..., Any]) -> None:
    """A newcomer that knows nobody else gets its blocks from the attacker, late."""
    attack = SlowBlocks(kind="slow-blocks", delay_s=3.0, target=(0,))
    net = small_net(3, [attack], shape="line")
    net.policies[2] = replace(net.policies[2], connect=(net.attacker.hosts[0].address,))
    net.begin()
    net.mine(0, 2)
    assert net.attacker.fired == 1
    assert net.heights() == [1, 1, 0]
    net.run(3)
    assert net.heights() == [1, 1, 1]


def test_nobody_is_banned_for_being_slow(small_net: Callable[..., Any]) -> None:
    net = _line_of_nodes(small_net, [SlowBlocks(kind="slow-blocks", count=2)])
    for _ in range(6):
        net.mine(0, 120)
    assert net.heights() == [6] * 6
    assert net.attacker.fired >= 6
    assert all(net.bans(index) == [] for index in range(6))


@pytest.mark.parametrize("count", [1, 4])
def test_peers_that_announce_first_and_never_deliver_cost_nothing_beside_one_that_does(
    count: int, small_net: Callable[..., Any]
) -> None:
    """They hear of each block two hops ahead of their victim, and are asked for it before its own peer has it."""
    net = small_net(4, [SlowBlocks(kind="slow-blocks", count=count, target=(0, 3))], shape="line")
    net.begin()
    delays = []
    for height in range(1, 5):
        net.mine(0, 60)
        assert net.heights() == [height] * 4
        delays.append((net.notes.moved[3, height] - net.notes.moved[2, height]) / SECOND_US)
    assert net.attacker.fired
    assert max(delays) < 1


def test_who_attacks_one_node_hears_of_the_chain_elsewhere(small_net: Callable[..., Any]) -> None:
    """A node that catches up is told of the chain by peers that never deliver it."""
    # More than may be asked of one peer at a time.
    blocks = 2 * BLOCKS_IN_FLIGHT_PER_PEER_MAX
    net = small_net(4, [SlowBlocks(kind="slow-blocks", count=3, target=(3,))], shape="line")
    for index in range(3):
        net.start(index)
    net.run(5)
    for _ in range(blocks):
        net.mine(0, 0.5)
    net.attack()
    assert net.attacker.band.chain.shown.height == blocks
    slow = tuple(host.address for host in net.attacker.hosts[:3])
    net.policies[3] = replace(net.policies[3], connect=(*slow, net.hosts[2].address))
    net.start(3)
    net.run(120)
    assert net.attacker.fired >= BLOCKS_IN_FLIGHT_PER_PEER_MAX
    assert net.heights() == [blocks] * 4
