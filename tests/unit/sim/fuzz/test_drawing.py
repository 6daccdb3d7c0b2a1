"""What a seed draws: always the same, always a scenario that can heal."""

import pytest

from minicoin.sim.fuzz.drawing import FAULT_KINDS, draw_document, draw_scenario
from minicoin.sim.scenario.fault_rates import OWN_LEDGER_KINDS, PLAIN_KINDS
from minicoin.sim.scenario.faults import LastingFault
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.toml_text import toml_text

SEEDS = range(150)


def test_equal_seeds_draw_equal_scenarios() -> None:
    assert draw_scenario(7) == draw_scenario(7)
    assert draw_scenario(7).hash() != draw_scenario(8).hash()


@pytest.mark.parametrize("start", [0, 50, 100])
def test_each_is_a_file_that_reads_back(start: int) -> None:
    for seed in SEEDS[start : start + 50]:
        scenario = draw_scenario(seed)
        assert Scenario.from_toml(toml_text(scenario.given())).canonical() == scenario.canonical()


def test_sizes_topologies_and_kinds_vary() -> None:
    scenarios = [draw_scenario(seed) for seed in SEEDS]
    assert {3, 5, 8} <= {scenario.nodes.count for scenario in scenarios} <= set(range(3, 31))
    sources = {scenario.topology.source for scenario in scenarios}
    assert sources == {"random", "complete", "ring", "star", "line", "addrman"}
    assert {fault.kind for scenario in scenarios for fault in scenario.fault} == set(FAULT_KINDS)
    assert {scenario.nodes.ledger for scenario in scenarios} == {"shared", "own"}
    assert {scenario.nodes.encode for scenario in scenarios} == {False, True}


def test_the_last_blocks_come_long_after_the_last_fault() -> None:
    for seed in SEEDS:
        scenario = draw_scenario(seed)
        ends = [
            fault.until_s or fault.at_s if isinstance(fault, LastingFault) else fault.at_s for fault in scenario.fault
        ]
        last = [block.time_s for block in scenario.mining.at][-3:]
        assert last[0] >= max(ends) + scenario.check.heal_s
        assert last[1] - last[0] == last[2] - last[1] == 30


def test_some_networks_run_libp2p_and_some_pay_from_wallets() -> None:
    drawn = [draw_scenario(seed) for seed in range(80)]
    over_libp2p = [scenario for scenario in drawn if scenario.links.transport == "libp2p"]
    assert 0 < len(over_libp2p) < 40
    assert not any(fault.kind in PLAIN_KINDS for scenario in over_libp2p for fault in scenario.fault)
    payers = {scenario.transactions.payer for scenario in drawn if scenario.transactions is not None}
    assert payers == {"anybody", "wallets"}
    assert draw_scenario(over_libp2p[0].seeds[0], ("duplicate",)).links.transport == "plain"


def test_disks_fail_only_where_nodes_have_one() -> None:
    for seed in SEEDS:
        document = draw_document(seed, (*OWN_LEDGER_KINDS, "loss"))
        scenario = Scenario.from_mapping(document)
        if scenario.nodes.ledger == "shared":
            assert {fault.kind for fault in scenario.fault} == {"loss"}


def test_a_chosen_kind_is_the_only_one() -> None:
    kinds = {fault.kind for seed in range(20) for fault in draw_scenario(seed, ("partition",)).fault}
    assert kinds == {"partition"}
