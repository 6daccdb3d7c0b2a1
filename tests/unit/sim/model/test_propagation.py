"""The propagation model: against a naive model, against arithmetic by hand, compiled and plain, and its rules."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from minicoin.sim import geography, pools, topology
from minicoin.sim.model import network
from minicoin.sim.model.engine import COMPILES
from minicoin.sim.model.parameters import GERVAIS, SIMBLOCK, Parameters, full_node
from minicoin.sim.model.propagation import ModelResult, propagate
from minicoin.sim.pool_shares import POOL_SHARES
from minicoin.sim.schedule import MiningDraws
from minicoin.sim.topology import Topology

SECOND = 1_000_000


def uniform_network(graph: Topology, latency_us: int = 50_000, down: float = 0, up: float = 8) -> network.DrawnNetwork:
    return network.draw_network(geography.uniform(latency_us, down, up), graph, 1)


def run_all(nodes: int = 60) -> dict[str, str]:
    """The digests of one run in each discipline and relay."""
    cases: dict[str, tuple[str, Topology, Parameters]] = {
        "full node": ("gervais-2016", topology.random(nodes, 7), full_node(535_000, 20_000).with_blocks(5)),
        "simblock": ("simblock-2015", topology.simblock(nodes, 7), SIMBLOCK.with_blocks(5)),
        "dense forks": ("simblock-2019", topology.random(nodes, 7), replace(SIMBLOCK, blocks=20, interval_us=SECOND)),
        "push": ("simblock-2019", topology.random(nodes, 7), replace(SIMBLOCK, blocks=3, relay="all-push")),
    }
    for relay in ("announce", "finder-pushes", "pools-relay"):
        asked = replace(GERVAIS, blocks=5, relay=relay, relayed_bytes=2_000, hash_shares=POOL_SHARES)
        cases[f"gervais {relay}"] = ("gervais-2016", pools.gervais(nodes, 7), asked)
    return {
        name: propagate(network.draw_network(geography.named(place), graph, 7), asked).digest()
        for name, (place, graph, asked) in cases.items()
    }


@pytest.mark.skipif(not COMPILES, reason="numba is not installed")
def test_plain_python_gives_the_same_results_as_numba() -> None:
    code = f"import json, runpy; print(json.dumps(runpy.run_path({__file__!r})['run_all']()))"
    plain = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(plain.stdout) == run_all()


def test_a_line_takes_what_arithmetic_says() -> None:
    """8 Mbit/s up is a byte a microsecond; per hop: announcement, request and block, each with its latency."""
    asked = Parameters(block_bytes=1_000, announce_bytes=100, request_bytes=10, verify_fixed_us=5)
    result = propagate(uniform_network(topology.line(4)), replace(asked, hash_shares=(1.0,)))
    hop = (100 + 50_000) + (10 + 50_000) + (1_000 + 50_000) + 5
    assert result.delay_us.tolist() == [[0, hop, 2 * hop, 3 * hop]]
    assert (result.announcements, result.requests, result.block_messages) == (3, 3, 3)
    assert result.sent_bytes.tolist() == [1_100, 1_110, 1_110, 10]


def test_blocks_queue_in_the_uplink() -> None:
    asked = Parameters(block_bytes=1_000_000, announce_bytes=0, request_bytes=0, hash_shares=(1.0,))
    star = uniform_network(topology.star(5), latency_us=1_000)
    assert sorted(propagate(star, asked).delay_us[0]) == [0] + [3_000 + k * SECOND for k in (1, 2, 3, 4)]
    waiting = propagate(star, replace(asked, discipline="stop-and-wait"))
    assert sorted(waiting.delay_us[0]) == [0] + [2_000 + k * (1_000 + SECOND) for k in (1, 2, 3, 4)]


def test_the_slower_end_of_the_line_counts() -> None:
    asked = Parameters(block_bytes=1_000_000, announce_bytes=0, request_bytes=0, hash_shares=(1.0,))
    pair = uniform_network(topology.line(2), latency_us=1_000, down=4, up=8)
    for discipline in ("fifo", "fifo-uplink", "stop-and-wait"):
        result = propagate(pair, replace(asked, discipline=discipline))
        assert result.delay_us[0, 1] == 3_000 + 2 * SECOND, discipline


def test_push_needs_no_asking() -> None:
    asked = Parameters(block_bytes=1_000, relay="all-push", hash_shares=(1.0,), announce_to="not-to-source")
    result = propagate(uniform_network(topology.line(3)), asked)
    assert result.delay_us[0].tolist() == [0, 51_000, 102_000]
    assert (result.announcements, result.requests, result.block_messages) == (0, 0, 2)


@pytest.mark.parametrize(("announce_to", "expected"), [("all", 6), ("not-to-source", 4), ("not-to-announcers", 3)])
def test_announcements_on_a_triangle(announce_to: str, expected: int) -> None:
    """To all: each to both others. Not to the source: the receivers tell each other. Else the second need not."""
    asked = Parameters(block_bytes=1_000, announce_to=announce_to, hash_shares=(1.0,))
    place = geography.uniform(50_000, 0, 0.008)
    drawn = network.draw_network(place, topology.complete(3), 1)
    assert propagate(drawn, asked).announcements == expected


def test_forks_are_stale_and_as_many_as_delays_say() -> None:
    drawn = network.draw_network(geography.uniform(1_000_000, 0, 0), topology.complete(20), 3)
    asked = Parameters(block_bytes=1, announce_bytes=1, blocks=1_000, interval_us=30 * SECOND)
    result = propagate(drawn, asked)
    expected = 19 / 20 * (1 - np.exp(-3 / 30))
    assert result.expected_stale_rate() == pytest.approx(expected, rel=1e-3)
    assert result.stale_rate == pytest.approx(expected, rel=0.25)
    chain = result.parent[~result.is_stale]
    assert chain.tolist() == [0, *(np.flatnonzero(~result.is_stale) + 1).tolist()[:-1]]


def test_mining_meets_the_worlds_draws() -> None:
    asked = Parameters(block_bytes=1, blocks=300, hash_shares=(0.5, 0.2, 0.3))
    for parameters, weights in ((asked, asked.hash_shares), (replace(asked, hash_shares=()), (1.0,) * 7)):
        world = MiningDraws(11, weights)
        waits = [world.interval_us(number, parameters.interval_us) for number in range(300)]
        assert network.found_times(parameters, 11).tolist() == [0, *np.cumsum(waits).tolist()]
        assert network.finders(parameters, 7, 11).tolist() == [-1, *(world.miner(number) for number in range(300))]
    with pytest.raises(ValueError, match="3 hash shares were given for 2 nodes"):
        network.finders(asked, 2, 11)


def small_result() -> ModelResult:
    drawn = network.draw_network(geography.named("simblock-2019"), topology.random(50, 1), 1)
    return propagate(drawn, SIMBLOCK.with_blocks(4))


def test_a_result_says_that_it_is_a_model() -> None:
    summary = json.loads(json.dumps(small_result().summary()))
    assert summary["engine"] == "model"
    assert any("one block under way" in line for line in summary["assumptions"])
    assert summary["reached"] == 1.0
    assert summary["p50_s"] <= summary["p90_s"] <= summary["p99_s"]
    assert summary["bytes_sent"] > 4 * 49 * 535_000


def test_percentiles_and_their_readings() -> None:
    result = small_result()
    assert len(result.arrivals_us()) == 4 * 49
    blocks = [np.quantile(row, 0.5) for row in result.delay_us / SECOND]
    assert result.mean_block_percentile_s(0.5) == pytest.approx(np.mean(blocks))
    assert result.node_mean_percentile_s(0.9) == pytest.approx(np.quantile(result.delay_us.mean(axis=0), 0.9) / SECOND)
    assert result.percentile_s(1.0) == result.delay_us.max() / SECOND


def test_unconnected_nodes_are_not_reached() -> None:
    drawn = network.draw_network(geography.uniform(1_000, 0, 0), topology.edges(4, [(0, 1), (2, 3)]), 1)
    result = propagate(drawn, Parameters(block_bytes=1, hash_shares=(1.0,)))
    assert result.delay_us[0, 2:].tolist() == [-1, -1]
    assert result.summary()["reached"] == pytest.approx(1 / 3)


def test_pools_stand_where_they_were() -> None:
    drawn = network.draw_network(geography.named("gervais-2016"), pools.gervais(200, 1), 1)
    names = drawn.place.regions
    assert [names[region] for region in drawn.net.region[:16]] == list(pools.POOL_REGIONS)
    assert drawn.net.up[:16].tolist() == [12_500_000] * 16


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"blocks": 0}, "blocks must be 1 to"),
        ({"block_bytes": 0}, "block_bytes must be positive"),
        ({"discipline": "lifo"}, "unknown discipline 'lifo'"),
        ({"relay": "owl"}, "unknown relay 'owl'"),
        ({"hash_shares": (0.0,)}, "not all be zero"),
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SIMBLOCK, **wrong)
