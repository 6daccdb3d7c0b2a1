"""Whole runs: what may change nothing changes nothing, what must agree agrees, and what fails says why."""

import numpy as np
import pytest
from tests.unit.sim.engine.runs import PAYMENTS, SMALL, arrivals, record, scenario_of, simulate, traffic

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.drivers.kernel import KernelVerifier
from minicoin.sim.engine.phases import Progress, SetupFailed
from minicoin.sim.engine.run import SHARED_VERDICTS, record_of
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.measure.record import NEVER
from minicoin.sim.run import run
from minicoin.world.host import Host


@pytest.mark.parametrize("setting", ["nodes.encode=true", 'nodes.ledger="own"'], ids=["encoded", "own ledgers"])
def test_how_a_node_is_run_is_not_seen_in_the_network(setting: str) -> None:
    plain = record(SMALL + PAYMENTS)
    other = record(SMALL + PAYMENTS, setting)
    assert arrivals(other) == arrivals(plain)
    assert [(block.hash, block.parent, block.miner) for block in other.blocks] == [
        (block.hash, block.parent, block.miner) for block in plain.blocks
    ]
    assert traffic(other) == traffic(plain)
    assert plain.traffic.sent_bytes.sum() > 8 * 5 * 20_000
    assert [block.transactions for block in plain.blocks] != [1] * 8
    assert (SHARED_VERDICTS in plain.notes) is True
    assert (SHARED_VERDICTS in other.notes) is ("ledger" not in setting)


def test_a_network_may_begin_connected() -> None:
    text = SMALL.replace("count = 6", "count = 30") + PAYMENTS
    real, short = (
        simulate(text, f"warmup.start={start}", 'links.latency="fixed"') for start in ("handshake", "connected")
    )
    for one, other in zip(real.honest, short.honest, strict=True):
        assert neighbours(one) == neighbours(other) != []
    assert short.setup_events < real.setup_events / 10
    assert not short.world.connections.is_meeting
    there, here = record_of(real), record_of(short)
    assert [block.miner for block in there.blocks] == [block.miner for block in here.blocks]
    # In which order a node tells its peers is all that differs.
    means = [np.concatenate([block.arrivals for block in one.blocks]).mean() for one in (there, here)]
    assert means[0] == pytest.approx(means[1], rel=0.05)
    assert here.event_count == pytest.approx(there.event_count, rel=0.02)


def test_nodes_that_find_each_other_may_begin_connected() -> None:
    text = SMALL.replace("count = 6", "count = 40").replace("outbound = 2", 'source = "addrman"\noutbound = 4')
    simulation = simulate(text, "warmup.start=connected", "topology.tells_addresses=false")
    for host in simulation.honest:
        assert host.node is not None
        peers = {peer.conn: peer for peer in host.node.view.ready_peers()}
        assert sum(peer.kind is SlotKind.FULL_RELAY for peer in peers.values()) == 4
        for conn, peer in peers.items():
            far = host.links[conn].other
            assert far.host.node is not None
            (seen,) = (one for one in far.host.node.view.ready_peers() if one.conn == far.conn)
            # Who dials for blocks only wants to hear of no transactions.
            assert peer.kind is SlotKind.INBOUND or seen.takes_transactions is (peer.kind is not SlotKind.BLOCK_ONLY)
    commands = dict(
        zip(record_of(simulation).traffic.types, record_of(simulation).traffic.sent_messages.sum(0), strict=True)
    )
    assert commands["addrv2"] == commands["addr"] == 0 < commands["headers"]


def neighbours(host: Host) -> list[tuple[str, bool]]:
    assert host.node is not None
    return sorted((peer.address.host, peer.is_inbound) for peer in host.node.view.ready_peers())


def test_what_was_sent_was_received_where_nothing_is_lost() -> None:
    simulation = simulate(SMALL + PAYMENTS)
    # Let what is under way arrive.
    simulation.world.run(simulation.world.now + 5_000_000)
    sent = sum(sum(host.traffic.sent_bytes) for host in simulation.honest)
    received = sum(sum(host.traffic.received_bytes) for host in simulation.honest)
    assert sent == received


def test_scripts_are_run_by_whichever_verifier_is_given() -> None:
    scenario = scenario_of(SMALL + PAYMENTS)
    scripted, real = (run(scenario, 1, verifier) for verifier in (ScriptedVerifier(), KernelVerifier()))
    assert scripted.digest == real.digest


def test_a_seed_is_a_run() -> None:
    one, again, other = (record(SMALL + PAYMENTS, seed=seed) for seed in (1, 1, 2))
    assert one.digest == again.digest
    assert (one.event_count, one.setup_events, one.virtual_us) == (
        again.event_count,
        again.setup_events,
        one.virtual_us,
    )
    assert one.digest != other.digest
    assert one.seed == 1


def test_model_and_full_node_code_agree() -> None:
    seed = 1
    text = """
name = "agreement"
question = "How far apart are they?"
[nodes]
count = 200
[network]
spacing_s = 60.0
block_bytes = 200_000
[links]
geography = "simblock-2019"
latency = "pareto"
latency_drawn = "per_link"
[mining]
blocks = 10
"""
    scenario = scenario_of(text)
    full, model = (run(scenario.override(f"engine={engine}"), seed, ScriptedVerifier()) for engine in ("full", "model"))
    assert [(block.miner, block.found_at_us) for block in full.blocks] == [
        (block.miner, block.found_at_us) for block in model.blocks
    ]
    measured, modelled = (
        np.percentile(np.concatenate([block.arrivals for block in one.blocks]), [50, 90, 99]) for one in (full, model)
    )
    assert all(block.arrivals.min() == 0 for block in full.blocks)
    assert measured[:2] == pytest.approx(modelled[:2], rel=0.03)
    # The slowest hundredth ends earlier: a real node asks somebody else for a block that takes two seconds.
    assert measured[2] == pytest.approx(modelled[2], rel=0.05)
    assert measured[2] < modelled[2]
    # So close means that both count the same lines and the same work: other work is seen.
    slower = run(scenario.override("engine=model", "verification.block_us_per_kb=800.0"), seed, ScriptedVerifier())
    seen = np.percentile(np.concatenate([block.arrivals for block in slower.blocks]), [50, 90, 99])
    assert seen != pytest.approx(measured, rel=0.03)


def test_a_network_that_is_not_connected_in_time_says_who_and_what_to_do() -> None:
    simulation = Simulation(scenario_of(SMALL, "warmup.connect_s=0.01"), 1, ScriptedVerifier())
    with pytest.raises(SetupFailed) as failed:
        simulation.set_up(lambda progress: None)
    text = str(failed.value)
    assert "6 of 6 nodes are not connected after 0.01 s" in text
    assert "the first: node0, node1, node2, node3, node4" in text
    assert "raise warmup.connect_s" in text


def test_every_link_of_the_topology_stands_after_set_up() -> None:
    simulation = Simulation(scenario_of(), 1, ScriptedVerifier())
    simulation.set_up(lambda progress: None)
    dialled = [
        sorted(end.other.host.index for end in host.links.values() if end.dialled is not None)
        for host in simulation.honest
    ]
    assert dialled == [sorted(peers) for peers in simulation.topology.outbound()]
    assert all(
        session.is_ready
        for host in simulation.honest
        if host.node is not None
        for session in host.node.view.sessions.values()
    )


def test_nodes_that_find_each_other_are_connected_too() -> None:
    simulation = simulate(SMALL.replace("outbound = 2", 'source = "addrman"'), "mining.blocks=3")
    done = record_of(simulation)
    assert all(node.outbound + node.inbound > 0 for node in done.nodes)
    assert NEVER not in [arrival for row in arrivals(done) for arrival in row]


def test_everybody_is_connected_to_everybody_and_each_run_is_the_same() -> None:
    scenario = SMALL.replace("outbound = 2", 'source = "addrman"').replace(
        "[network]", '[network]\noverlay = "everybody"'
    )
    simulation = simulate(scenario, "nodes.count=8", "mining.blocks=3")
    for host in simulation.honest:
        assert {end.other.host.index for end in host.links.values()} == {*range(8)} - {host.index}
        assert host.node is not None
        kinds = {slot.kind for slot in host.node.view.connections.snapshot()}
        assert kinds <= {SlotKind.OVERLAY, SlotKind.INBOUND}
    assert simulation.checks.violations == []
    again = simulate(scenario, "nodes.count=8", "mining.blocks=3")
    assert record_of(again).digest == record_of(simulation).digest


def test_only_the_measured_part_is_measured() -> None:
    simulation = simulate()
    done = record_of(simulation)
    before = sum(sum(host.traffic.sent_messages) for host in simulation.honest)
    assert 0 < done.traffic.sent_messages.sum() < before
    names = done.traffic.types
    assert done.traffic.sent_messages[:, names.index("version")].sum() == 0
    assert done.event_count + done.setup_events == simulation.world.queue.executed
    assert done.virtual_us == simulation.ended_at - simulation.began_at
    # The last block, and the time to settle.
    assert done.virtual_us >= done.blocks[-1].found_at_us + 60_000_000


def test_progress_goes_from_set_up_over_mining_to_settling() -> None:
    told: list[Progress] = []
    run(scenario_of(), 1, ScriptedVerifier(), told.append)
    phases = list(dict.fromkeys(progress.phase for progress in told))
    assert phases == ["set-up", "mining", "settling"]
    for phase in phases:
        events = [progress.events for progress in told if progress.phase == phase]
        assert events == sorted(events)
    assert told[-1].blocks == 8
    assert told[-1].share == 1.0


def test_samples_are_taken_at_their_times() -> None:
    done = record(SMALL + PAYMENTS + "[measure]\nmempool_every_s = 5.0\nconnections_every_s = 10.0\n")
    series = {one.name: one for one in done.series}
    assert set(series) >= {"mempool_mean", "mempool_max", "connections_mean", "nodes_up", "tips"}
    assert np.diff(series["mempool_max"].time_us).tolist() == [5_000_000] * (len(series["mempool_max"].time_us) - 1)
    assert set(series["nodes_up"].values.tolist()) == {6.0}
    assert series["connections_mean"].values[0] == pytest.approx(4.0)
    assert series["mempool_max"].values.max() > 0


def test_the_model_has_its_own_engine() -> None:
    with pytest.raises(MisuseError, match="is for the engine 'model'"):
        Simulation(scenario_of(SMALL, "engine=model"), 1, ScriptedVerifier())
