"""The checker of limits, each limit passed on purpose."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.sim.check.networks import connected, found, pass_seconds

from minicoin.core.commands import SubmitTransaction
from minicoin.core.limits import SEND_QUEUE_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import Verack
from minicoin.sim.check import bounds
from minicoin.sim.engine.funding import spend
from minicoin.sim.engine.simulation import Simulation


def _fill_held(simulation: Simulation) -> None:
    end = next(simulation.world.connections.link_ends())
    end.held = [(Verack(), SEND_QUEUE_BYTES_MAX), (Verack(), 1)]


def _fill_uplink(simulation: Simulation) -> None:
    host = simulation.honest[0]
    host.lines.up_rate = 1_000_000
    host.lines.up_free = simulation.world.now + 2 * SEND_QUEUE_BYTES_MAX // host.lines.up_rate * SECOND_US + SECOND_US


def _shrink_mempool(simulation: Simulation) -> None:
    coin = simulation.funding.coins[0]
    simulation.world.command(simulation.honest[0], SubmitTransaction(spend((coin,), (coin.value_sat - 1_000,))))
    pass_seconds(simulation, 5)
    pool = simulation.honest[0].node.view.mempool  # type: ignore[union-attr]
    pool.policy = replace(pool.policy, bytes_max=10)


def _close_inbound(simulation: Simulation) -> None:
    for host in simulation.honest:
        host.policy = replace(host.policy, inbound_slots=0)


@pytest.mark.parametrize(
    ("overfill", "text"),
    [
        (_fill_held, "16777217 bytes held back on "),
        (_fill_uplink, " bytes in the uplink's queue, at most 33554432"),
        (_shrink_mempool, " bytes in the mempool, at most 10"),
        (_close_inbound, " inbound connections, at most 0"),
    ],
)
def test_each_is_seen(overfill: Callable[[Simulation], None], text: str) -> None:
    simulation = connected()
    simulation.checks.look()
    assert simulation.checks.violations == []
    overfill(simulation)
    seen = found(simulation)
    assert list(seen) == ["bounds"]
    assert text in seen["bounds"]


def test_connections_of_the_overlay_have_a_limit_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = connected(count=6, topology="addrman", overlay="everybody")
    pass_seconds(simulation, 60)
    assert found(simulation) == {}
    monkeypatch.setattr(bounds, "OVERLAY_SLOTS_MAX", 0)
    assert " overlay connections, at most 0" in found(simulation)["bounds"]


def test_a_world_that_piles_up_events_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = connected()
    monkeypatch.setattr(bounds, "BACKLOG_PER_NODE_MAX", 0)
    assert "events under way in the world, at most 0" in found(simulation)["bounds"]


def test_every_measure_of_a_quiet_node_is_far_below_its_limit() -> None:
    simulation = connected()
    for host, node in simulation.checks.view.running():
        measures = list(bounds.measure_node(host, node, simulation.world.now))
        assert len(measures) > 15
        assert all(0 <= count <= most for _, count, most in measures)
