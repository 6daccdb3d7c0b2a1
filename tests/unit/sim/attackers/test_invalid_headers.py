"""Headers that break a rule, and branches that break none and lead nowhere."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from minicoin.sim.attackers.invalid_headers import HeaderFlaw
from minicoin.sim.scenario.attackers import InvalidHeaders


def _attack(flaw: HeaderFlaw, rate_per_s: float = 1.0) -> InvalidHeaders:
    return InvalidHeaders(kind="invalid-headers", flaw=flaw, rate_per_s=rate_per_s, target=(0,))


def test_every_flaw_of_the_scenario_file_is_tested() -> None:
    assert set(get_args(HeaderFlaw)) == {"work", "unconnected", "time", "low-work-chain"}


def test_a_header_without_work_bans_at_once(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [_attack("work")], coins=1)
    net.begin()
    net.run(60)
    assert net.attacker.fired == 1
    assert net.bans(0) == ["20.0.0.1/32"]


def test_headers_that_connect_to_nothing_are_left_alone(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [_attack("unconnected", 5.0)], coins=1)
    net.begin()
    net.run(60)
    # Whoever announces a block may be ahead of us.
    assert net.attacker.fired > 100
    assert net.bans(0) == []


def test_a_header_from_the_future_is_left_alone(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [_attack("time")], coins=1)
    net.begin()
    known = len(net.node(0).view.tree)
    net.run(60)
    assert net.attacker.fired > 30
    # Nobody is blamed: it may be our clock that is wrong.
    assert net.bans(0) == []
    assert len(net.node(0).view.tree) == known


def test_branches_without_work_are_kept_up_to_a_bound_without_blame(
    small_net: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near the tip any branch is welcome, as long as there are few; whoever shows one may be honest."""
    monkeypatch.setattr("minicoin.core.chain.headers.STRAY_HEADERS_MAX", 200)
    monkeypatch.setattr("minicoin.core.chain.headers.STRAY_HEADERS_KEPT", 150)
    net = small_net(3, [_attack("low-work-chain", 10.0)], coins=1)
    net.begin()
    honest = net.heights()
    net.run(60)
    assert net.attacker.fired * (honest[0] - 1) > 1_000
    assert net.heights() == honest
    assert net.bans(0) == []
    assert 150 < len(net.node(0).view.tree) <= honest[0] + 1 + 200


def test_branches_far_below_the_tip_are_not_kept_at_all(
    small_net: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minicoin.core.chain.headers.NEAR_TIP_BLOCKS", 0)
    net = small_net(3, [_attack("low-work-chain", 10.0)], coins=1)
    net.begin()
    net.run(60)
    assert net.attacker.fired > 100
    assert net.bans(0) == []
    assert len(net.node(0).view.tree) == net.heights()[0] + 1


@pytest.mark.parametrize("flaw", get_args(HeaderFlaw))
def test_the_chain_goes_on_meanwhile(flaw: HeaderFlaw, small_net: Callable[..., Any]) -> None:
    net = small_net(4, [_attack(flaw)], coins=1)
    net.begin()
    start = net.heights()[0]
    for miner in range(3):
        net.mine(miner)
        assert net.heights() == [start + miner + 1] * 4
    assert net.attacker.fired
