"""An index that lies, beside an honest one: it is exposed, and parts nobody."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sim.attackers.conftest import NETWORK

from minicoin.sim.scenario.attackers import LyingIndexes

COUNT = 8
INDEX = replace(NETWORK, overlay="index", own_messages=True, overlay_settings=(("neighbours", 3),))


def attacked(small_net: Callable[..., Any], lie: str) -> Any:
    attack = LyingIndexes(kind="lying-index", lie=lie, target="all")
    net = small_net(COUNT, [attack], shape="addrman", network=INDEX, has_peer_ids=True)
    net.policies[0] = replace(net.policies[0], overlay_role="index")
    net.begin(warm_up_s=60, join_s=90)
    return net


def says(net: Any) -> list[str]:
    return [net.node(index).view.overlay(net.world.now).says for index in range(1, COUNT)]


@pytest.mark.parametrize(
    ("lie", "exposed"),
    [
        ("leaves-out", "that a witness is connected to"),
        ("invents", "differ in 20 members: one leaves out, or the other invents"),
        ("refuses", "refuses us (the index is full), another does not"),
    ],
)
def test_an_honest_index_beside_it_exposes_it_and_the_chain_goes_on(
    lie: str, exposed: str, small_net: Callable[..., Any]
) -> None:
    net = attacked(small_net, lie)
    at = net.attacker.hosts[0].address.host
    told = says(net)
    assert net.attacker.fired >= COUNT - 1
    assert all(f"the index at {at}:" in one and exposed in one for one in told), told
    for index in range(COUNT):
        net.mine(index)
    assert net.heights() == [COUNT] * COUNT
    # Nothing is proven against anybody.
    assert not any(net.bans(index) for index in range(COUNT))


def test_a_joiner_whom_it_sends_to_nobody_finds_out_alone(small_net: Callable[..., Any]) -> None:
    attack = LyingIndexes(kind="lying-index", lie="invents", target="all")
    net = small_net(COUNT, [attack], shape="addrman", network=INDEX, has_peer_ids=True)
    for index in range(COUNT - 1):
        net.start(index)
    net.run(60)
    net.attack(30)
    net.start(COUNT - 1)
    net.run(300)
    at = net.attacker.hosts[0].address.host
    assert f"that the index at {at}" in says(net)[-1] and says(net)[-1].endswith("cannot be reached")
    net.mine(0)
    assert net.heights() == [1] * COUNT
