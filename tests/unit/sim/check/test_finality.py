"""The checker of finality against nodes whose chains are swapped behind their backs."""

from types import SimpleNamespace

from tests.unit.sim.scenario.test_signers import GOOD

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.mempool.pool import Mempool
from minicoin.core.units import HOUR_US, SECOND_US
from minicoin.sim.check.finality import FinalBlocks
from minicoin.sim.check.view import View
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.scenario.schema import Scenario


def _running(seed: int = 1) -> Simulation:
    simulation = Simulation(Scenario.from_toml(GOOD), seed, ScriptedVerifier())
    simulation.set_up(lambda progress: None)
    return simulation


def _grow(simulation: Simulation, height: int) -> None:
    world = simulation.world
    assert world.wait(120 * SECOND_US, lambda: all(host.height >= height for host in simulation.honest))


def test_nothing_is_found_where_all_stand_on_one_chain() -> None:
    simulation = _running()
    finality, view = FinalBlocks(lambda: 0), View(simulation.world, simulation.honest)
    for height in (1, 2):
        _grow(simulation, height)
        assert list(finality.look(view)) == []
    assert list(finality.finish(view)) == []


def test_two_final_blocks_at_a_height_are_seen() -> None:
    one, other = _two()
    finality = FinalBlocks(lambda: 0)
    assert list(finality.look(View(one.world, one.honest[:1]))) == []
    findings = list(finality.look(View(other.world, other.honest[1:2])))
    assert {finding.nodes for finding in findings} == {(0, 1)}
    assert any(finding.text.startswith("two blocks are final at height 2: ") for finding in findings)


def test_a_node_that_leaves_a_final_block_is_seen() -> None:
    one, other = _two()
    finality = FinalBlocks(lambda: 0)
    list(finality.look(View(one.world, one.honest[:1])))
    texts = [finding.text for finding in finality.look(View(other.world, other.honest[:1]))]
    assert f"node0 left the final block at height {one.honest[0].height}" in texts


def test_a_chain_that_halts_though_a_quorum_signs_is_seen() -> None:
    simulation = _running()
    _grow(simulation, 2)
    world = simulation.world
    later = View(SimpleNamespace(now=world.now + HOUR_US, network=world.network), simulation.honest)
    (finding,) = FinalBlocks(lambda: 0).finish(later)
    assert finding.text.endswith("and a quorum signs") and finding.text.startswith("no block for ")
    assert set(finding.nodes) == {host.index for host in simulation.honest}
    # All may have been cut off until a moment ago.
    assert list(FinalBlocks(lambda: later.world.now - SECOND_US).finish(later)) == []


def test_a_payment_that_no_block_takes_is_seen(monkeypatch) -> None:
    simulation = _running()
    _grow(simulation, 2)
    monkeypatch.setattr(Mempool, "__len__", lambda pool: 2)
    texts = [finding.text for finding in FinalBlocks(lambda: 0).finish(View(simulation.world, simulation.honest))]
    assert "2 payments wait at node0, and no block takes them" in texts


def _two() -> tuple[Simulation, Simulation]:
    """The members have other keys, which is seen from the first certificate in a block on, at height 2."""
    one, other = _running(), _running(2)
    _grow(one, 2)
    _grow(other, one.honest[0].height)
    return one, other
