"""What an eclipse and a swarm of Sybils reach among nodes that find each other, as far as the slots and the address
book hold today: no anchors, no feelers and no eviction yet. The shares are measured, not promised."""

from collections.abc import Callable
from typing import Any

import pytest

from minicoin.core.limits import OUTBOUND_BLOCK_ONLY_SLOTS
from minicoin.core.policy.node import NodePolicy
from minicoin.core.wire.messages import BlockMessage
from minicoin.sim.scenario.attackers import Eclipse, Sybil
from minicoin.world.traffic import TYPE_INDEX

_NODES = 25
# Fewer than a node's usual eight, so that a small network has enough to choose from.
_POLICY = NodePolicy(outbound_slots=4)
_VICTIM = 5
_OUTBOUND = _POLICY.outbound_slots + OUTBOUND_BLOCK_ONLY_SLOTS


def _eclipse(count: int = 8, *, hides_blocks: bool = True) -> Eclipse:
    return Eclipse(
        kind="eclipse",
        target=(_VICTIM,),
        count=count,
        network_groups=16,
        addresses_per_s=1.0,
        hides_blocks=hides_blocks,
    )


def _foreign_addresses(net: Any) -> tuple[int, int]:
    """(the attacker's, all) addresses of the victim's book."""
    known = net.node(_VICTIM).view.book.page(100_000)
    return sum(timed.address.host.startswith("20.") for timed in known), len(known)


def test_a_running_node_keeps_the_connections_it_chose(small_net: Callable[..., Any]) -> None:
    net = small_net(_NODES, [_eclipse()], shape="addrman", policy=_POLICY)
    net.begin(warm_up_s=300)
    net.run(1_200)
    victim = net.hosts[_VICTIM]
    outbound, inbound = net.attacker.slots_taken(victim)
    assert sum(end.dialled is not None for end in victim.links.values()) == _OUTBOUND
    assert outbound == 0
    assert inbound == 8
    # Each of its peers is believed an address in ten seconds, and soon the book is nearly all its own.
    own, known = _foreign_addresses(net)
    assert 500 < own < 8 * (1_200 * 0.1 + 2)
    assert own > 0.9 * known
    net.mine(0)
    assert net.heights() == [1] * _NODES


def test_a_restart_is_the_eclipse_s_chance(small_net: Callable[..., Any]) -> None:
    """Every connection is chosen anew from a book that is nearly all the attacker's."""
    net = small_net(_NODES, [_eclipse()], shape="addrman", policy=_POLICY)
    net.begin(warm_up_s=300)
    net.run(1_200)
    victim = net.hosts[_VICTIM]
    net.world.stop(victim, "restart")
    net.run(5)
    net.world.restart(victim)
    net.run(120)
    outbound, _ = net.attacker.slots_taken(victim)
    # Half of all choices come from the tried table, where the attacker is not yet.
    assert 3 <= outbound < _OUTBOUND
    net.mine(0, 30)
    assert net.heights() == [1] * _NODES


def test_blocks_are_hidden_from_whoever_knows_nobody_else(small_net: Callable[..., Any]) -> None:
    for hides, height in ((True, 0), (False, 1)):
        net = small_net(3, [_eclipse(2, hides_blocks=hides).model_copy(update={"target": (0,)})], shape="line")
        lonely = net.world.add_host()
        net.begin()
        gate = net.attacker.hosts[0].address
        net.world.start(lonely, NodePolicy(connect=(gate,), outbound_slots=0, use_dns_seeds=False))
        net.run(5)
        net.mine(2, 30)
        assert lonely.node is not None
        assert lonely.node.view.tree.tip.height == height


def test_an_eclipse_listens_at_many_addresses_of_its_groups(small_net: Callable[..., Any]) -> None:
    net = small_net(_NODES, [_eclipse(), Sybil(kind="sybil", count=3)], shape="addrman", policy=_POLICY)
    first, second = (handle.hosts for handle in net.handles)
    groups = {tuple(host.split(".")[:2]) for host, _ in net.world.connections.by_address if host.startswith("20.")}
    # The last one is a scout's, where the honest nodes live that are not attacked.
    assert len(groups) == 16 + 1 + 3
    assert len({host.address for host in (*first, *second)}) == 8 + 1 + 3
    owners = {id(host) for (name, _), host in net.world.connections.by_address.items() if name.startswith("20.3.")}
    assert owners == {id(first[3])}


@pytest.mark.parametrize("hides", [True, False])
def test_sybils_connect_everywhere_and_relay_what_they_do_not_hide(hides: bool, small_net: Callable[..., Any]) -> None:
    attack = Sybil(kind="sybil", count=12, connections=6, hides_blocks=hides, hides_transactions=hides)
    net = small_net(_NODES, [attack], shape="addrman", policy=_POLICY)
    net.begin(warm_up_s=300)
    net.run(120)
    assert net.attacker.fired >= 12 * 6
    net.mine(0)
    assert net.heights() == [1] * _NODES
    asked = sum(host.traffic.sent_messages[TYPE_INDEX[BlockMessage]] for host in net.attacker.hosts)
    assert len(net.attacker.band.chain.blocks) == (0 if hides else 1)
    assert asked == 0 or not hides
    assert all(net.bans(index) == [] for index in range(_NODES))
