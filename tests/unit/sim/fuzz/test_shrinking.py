"""Shrinking against failures whose causes are known, without running anything."""

from minicoin.sim.fuzz.drawing import draw_scenario
from minicoin.sim.fuzz.shrinking import shrink
from minicoin.sim.scenario.faults import Crash, LastingFault
from minicoin.sim.scenario.schema import Scenario


def _seed_with(kind: str) -> Scenario:
    found = (draw_scenario(seed) for seed in range(10_000))
    return next(
        one
        for one in found
        if one.nodes.count > 6 and len(one.fault) > 3 and any(fault.kind == kind for fault in one.fault)
    )


def test_one_fault_on_few_nodes_is_left() -> None:
    def fails(scenario: Scenario) -> bool:
        return scenario.nodes.count >= 4 and any(isinstance(fault, Crash) for fault in scenario.fault)

    small = shrink(_seed_with("crash"), fails)
    assert small.nodes.count == 4
    assert [fault.kind for fault in small.fault] == ["crash"]
    assert isinstance(small.fault[0].nodes, tuple)
    assert len(small.fault[0].nodes) == 1
    assert len(small.mining.at) == 1
    assert small.transactions is None
    assert (small.nodes.encode, small.nodes.ledger, small.topology.source) == (False, "shared", "complete")


def test_blocks_that_matter_stay() -> None:
    def fails(scenario: Scenario) -> bool:
        return sum(block.time_s < 100 for block in scenario.mining.at) >= 2

    small = shrink(_seed_with("loss"), fails, 1_000)
    assert len(small.mining.at) == 2
    assert small.fault == ()
    assert small.nodes.count == 2


def test_faults_get_shorter() -> None:
    def fails(scenario: Scenario) -> bool:
        return any(fault.kind == "partition" for fault in scenario.fault)

    (fault,) = shrink(_seed_with("partition"), fails).fault
    assert isinstance(fault, LastingFault)
    assert fault.until_s is not None
    assert fault.until_s - fault.at_s <= 1


def test_what_needs_everything_stays_whole() -> None:
    scenario = _seed_with("crash")
    assert shrink(scenario, lambda candidate: False) == scenario


def test_tries_are_bounded() -> None:
    tried: list[Scenario] = []

    def fails(scenario: Scenario) -> bool:
        tried.append(scenario)
        return False

    shrink(_seed_with("crash"), fails, 5)
    assert len(tried) == 5
