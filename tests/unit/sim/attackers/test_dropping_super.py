"""Super nodes that pass nothing on, of one operator: as long as they are in one network they are one parent of each
leaf, and the other brings and takes everything; with a network for each of them they cut leaves off."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.unit.sim.attackers.conftest import NETWORK

from minicoin.core.answers import Outcome, Told
from minicoin.core.commands import Tell
from minicoin.sim.scenario.attackers import DroppingSupers

SUPERS, LEAVES = 2, 5
HONEST = SUPERS + LEAVES
MODEL = replace(NETWORK, overlay="supernode", own_messages=True, overlay_settings=(("check", 10), ("parents", 2)))


def attacked(small_net: Callable[..., Any], groups: int) -> Any:
    """Three of them are there when the honest super nodes go, one after the other, and come back."""
    attack = DroppingSupers(kind="dropping-super", target="all", count=3, network_groups=groups)
    net = small_net(HONEST, [attack], shape="addrman", network=MODEL, has_peer_ids=True)
    for index in range(SUPERS):
        net.policies[index] = replace(net.policies[index], overlay_role="super")
        net.start(index)
    net.run(20)
    net.attack(10)
    for index in range(SUPERS, HONEST):
        net.start(index)
    net.run(60)
    for index in range(SUPERS):
        net.world.stop(net.hosts[index], "power off")
        net.run(30)
        net.start(index)
    net.run(120)
    return net


def parents(net: Any, leaf: int) -> list[bool]:
    """Of each parent of a leaf, whether it is the attacker's."""
    neighbours = net.node(leaf).view.overlay(net.world.now).neighbours
    ends = [net.hosts[leaf].links[near.conn] for near in neighbours if near.role == "parent"]
    return [end.other.host.index >= HONEST for end in ends]


def test_in_one_network_they_are_one_parent_and_keep_nothing_back(small_net: Callable[..., Any]) -> None:
    net = attacked(small_net, 1)
    sits = [parents(net, leaf) for leaf in range(SUPERS, HONEST)]
    assert all(sum(one) <= 1 < len(one) for one in sits), sits
    assert any(map(any, sits)) and net.attacker.fired > 0
    for index in range(HONEST):
        net.mine(index)
    assert net.heights() == [HONEST] * HONEST
    assert not any(net.bans(index) for index in range(HONEST))


def test_what_they_take_of_letters_fails_and_is_never_called_delivered(small_net: Callable[..., Any]) -> None:
    net = attacked(small_net, 1)
    for leaf in range(SUPERS, HONEST - 1):
        told = net.world.ask(net.hosts[leaf], Tell(net.hosts[leaf + 1].address.peer_id, "are you there?"))
        assert isinstance(told, Told) and told.outcome in (Outcome.DELIVERED, Outcome.FAILED)


def test_with_a_network_for_each_they_are_all_that_a_leaf_has(small_net: Callable[..., Any]) -> None:
    net = attacked(small_net, 3)
    cut_off = [leaf for leaf in range(SUPERS, HONEST) if all(parents(net, leaf))]
    assert cut_off, "nobody was cut off: the bound by network is not what the first test shows"
    net.mine(0)
    assert all(net.node(leaf).view.tree.tip.height == 0 for leaf in cut_off)
