"""The record of a run with everything in it: every table has a row for every node, attackers behind the honest ones."""

import json
from functools import cache

import numpy as np
import pytest
from tests.unit.sim.engine.runs import PAYMENTS, SMALL, record, scenario_of, simulate

from minicoin import __version__
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.engine.run import record_of, run_full
from minicoin.sim.measure.record import NO_NODE, RunRecord
from minicoin.sim.result.json import json_text, to_json
from minicoin.sim.scenario.schema import Scenario

HONEST = 6
FULL = (
    SMALL.replace("blocks = 8", "blocks = 20")
    + PAYMENTS
    + """
[[nodes.group]]
name = "slow"
count = 2
up_mbit = 1.0
down_mbit = 8.0

[[attacker]]
kind = "selfish-miner"
hash_share = 0.25
connections = 4

[[attacker]]
kind = "flood-transactions"
at_s = 5.0
until_s = 30.0
rate_per_s = 2.0
count = 2

[[fault]]
kind = "crash"
at_s = 20.0
nodes = [3]

[check]
heal_s = 60.0
"""
)


@cache
def full() -> RunRecord:
    return record(FULL, "measure.transactions=1.0")


def test_every_host_is_a_node_and_attackers_are_the_last() -> None:
    nodes = full().nodes
    assert [node.index for node in nodes] == list(range(HONEST + 3))
    assert [node.is_attacker for node in nodes] == [False] * HONEST + [True] * 3
    assert len({node.name for node in nodes}) == HONEST + 3
    assert sum(node.hash_share for node in nodes) == pytest.approx(1.0)
    assert sum(node.hash_share for node in nodes if node.is_attacker) == pytest.approx(0.25)


def test_nodes_are_as_the_scenario_placed_them() -> None:
    nodes = full().nodes
    slow = [node for node in nodes if node.group == "slow"]
    assert len(slow) == 2
    assert {(node.up_bytes_per_s, node.down_bytes_per_s) for node in slow} == {(125_000, 1_000_000)}
    assert all(node.up_bytes_per_s > 125_000 for node in nodes[:HONEST] if node.group != "slow")
    assert {node.region for node in nodes} <= {"NA", "EU", "SA", "AP", "JP", "AU"}


def test_connections_are_counted_at_both_ends() -> None:
    nodes = record().nodes
    assert sum(node.outbound for node in nodes) == sum(node.inbound for node in nodes) == 12


def test_traffic_has_a_row_for_every_node() -> None:
    traffic = full().traffic
    shape = (HONEST + 3, len(traffic.types))
    for table in (traffic.sent_messages, traffic.sent_bytes, traffic.received_messages, traffic.received_bytes):
        assert table.shape == shape
        assert table.dtype == np.int64
        assert table.min() >= 0
    assert (traffic.sent_messages.sum(axis=1) > 0).all()
    # A whole frame is 24 bytes at least.
    assert (traffic.sent_bytes >= 24 * traffic.sent_messages).all()


def test_arrivals_have_an_entry_for_every_honest_node() -> None:
    done = full()
    assert {len(block.arrivals) for block in done.blocks} == {HONEST}
    assert {len(one.arrivals) for one in done.transactions} == {HONEST}
    assert [block.index for block in done.blocks] == list(range(len(done.blocks)))
    assert all(block.parent < block.index for block in done.blocks)
    assert all(block.miner in range(HONEST + 3) or block.miner == NO_NODE for block in done.blocks)


def test_faults_and_attackers_are_listed_with_what_they_did() -> None:
    faults = {fault.kind: fault for fault in full().faults}
    assert set(faults) == {"crash", "attacker selfish-miner", "attacker flood-transactions"}
    assert all(fault.fired > 0 for fault in faults.values())
    assert faults["crash"].started_us == 20_000_000
    flood = faults["attacker flood-transactions"]
    assert (flood.started_us, flood.ended_us, len(flood.targets)) == (5_000_000, 30_000_000, 2)
    assert full().violations == []


def test_the_record_says_what_was_run_and_by_what() -> None:
    done = full()
    scenario = scenario_of(FULL)
    assert (done.engine, done.scenario, done.seed) == ("full", "small", 1)
    assert done.scenario_hash == scenario.override("measure.transactions=1.0").hash() != scenario.hash()
    assert done.canonical == json.loads(scenario.override("measure.transactions=1.0").canonical())
    assert done.minicoin_version == __version__
    assert json.loads(json_text(to_json(done)))["digest"] == done.digest


def test_the_best_chain_goes_from_the_last_tip_to_the_beginning() -> None:
    simulation = simulate(FULL)
    done = record_of(simulation)
    best = [block for block in done.blocks if block.is_best]
    assert [block.height for block in best] == list(range(best[0].height, best[0].height + len(best)))
    assert best[-1].hash == simulation.best_tip()[::-1].hex()
    assert len(best) < len(done.blocks)


def test_a_listener_hears_every_event_of_the_digest() -> None:
    heard: list[str] = []
    scenario = scenario_of()
    done = run_full(scenario, 1, ScriptedVerifier(), lambda _: None, lambda time_us, host, what: heard.append(what))
    assert done.digest == record().digest
    assert sum("headers" in what for what in heard) >= 8
    assert any(what.startswith("ConnectionOpened") for what in heard)


def test_traffic_is_recorded_on_demand() -> None:
    text = "name='quiet'\nquestion='?'\nnodes.count=2\nmining.blocks=1\nmeasure.traffic=false"
    silent = run_full(Scenario.from_toml(text), 1, ScriptedVerifier(), lambda progress: None)
    assert silent.blocks
    assert silent.traffic.types == []


def test_what_mining_was_over_before_is_said() -> None:
    late = '[[fault]]\nkind = "reset"\nat_s = 300.0\n[[attacker]]\nkind = "sybil"\nat_s = 0.0\n'
    told = record(SMALL.replace("blocks = 8", "blocks = 2") + late)
    (note,) = [note for note in told.notes if "mining was over" in note]
    assert note.startswith("fault[0].at_s: mining was over after ")
    assert note.endswith("so what was to begin at 300 s never did")
