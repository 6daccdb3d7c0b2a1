"""A scenario and a seed to a record, with the full node code."""

import json
import platform

from minicoin import __version__
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.units import SECOND_US
from minicoin.sim.engine.collector import quiet_collector
from minicoin.sim.engine.phases import Interrupted, Report
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.measure.record import NodeRecord, RunRecord, TrafficRecord
from minicoin.sim.scenario.fields import micros
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.spans import beginnings
from minicoin.world.digest import Listener
from minicoin.world.host import Host

SHARED_VERDICTS = "verdicts on identical blocks and transactions were computed once and shared by all nodes"


def run_full(
    scenario: Scenario, seed: int, verifier: ScriptVerifier, report: Report, listener: Listener | None = None
) -> RunRecord:
    """Run one scenario with one seed. Raises SetupFailed, and Interrupted where nothing was measured yet."""
    with quiet_collector():
        simulation = Simulation(scenario, seed, verifier)
        simulation.world.digest.listener = listener
        simulation.set_up(report)
        try:
            simulation.measure(report)
        except Interrupted as interrupted:
            simulation.cut()
            record = record_of(simulation)
            record.interrupted = f"{interrupted} after {_seconds(record.virtual_us)} of virtual time"
            return record
        return record_of(simulation)


def _seconds(us: int) -> str:
    return f"{us / SECOND_US:,.1f} s"


def _never_began(simulation: Simulation) -> list[str]:
    """What the scenario sets for a time at which mining was over, as chance would have it."""
    mined_us = simulation.mined_until - simulation.began_at
    return [
        f"{key}: mining was over after {_seconds(mined_us)}, so what was to begin at {at_s:g} s never did"
        for key, at_s in beginnings(simulation.scenario)
        if simulation.mined_until and micros(at_s) > mined_us
    ]


def record_of(simulation: Simulation) -> RunRecord:
    """The record of a run that has ended."""
    scenario, world, recorder = simulation.scenario, simulation.world, simulation.recorder
    notes = [SHARED_VERDICTS] if scenario.nodes.ledger == "shared" else []
    notes += _never_began(simulation)
    if simulation.load is not None and simulation.load.skipped:
        notes.append(f"{simulation.load.skipped} payments were left out: no coin was free, or the sender was down")
    if simulation.load is not None and (refused := simulation.load.refused):
        notes.append(f"{len(refused)} payments were refused by their senders' own nodes, the first: {refused[0]}")
    if simulation.records is not None and (refusals := simulation.records.refused):
        notes.append(f"{len(refusals)} records were refused by their publishers' own nodes, the first: {refusals[0]}")
    return RunRecord(
        engine="full",
        scenario=scenario.name,
        scenario_hash=scenario.hash(),
        canonical=json.loads(scenario.canonical()),
        seed=simulation.seed,
        python_version=platform.python_version(),
        minicoin_version=__version__,
        digest=world.digest.hexdigest(),
        event_count=world.queue.executed - simulation.setup_events,
        virtual_us=simulation.ended_at - simulation.began_at,
        setup_events=simulation.setup_events,
        setup_wall_s=simulation.setup_wall_s,
        run_wall_s=simulation.run_wall_s,
        question=scenario.question,
        notes=notes,
        nodes=_nodes(simulation),
        blocks=recorder.finished_blocks(simulation.best_tip()),
        transactions=list(recorder.transactions.values()),
        published=[] if simulation.records is None else simulation.records.published,
        traffic=recorder.traffic() if scenario.measure.traffic else TrafficRecord(),
        series=recorder.series(),
        joins=simulation.joins.records,
        errands=[record for errand in simulation.errands for record in errand.records],
        faults=[
            *simulation.faults.records(),
            *simulation.attacks.records(simulation.mined_until - simulation.began_at),
        ],
        violations=simulation.checks.violations,
    )


def _nodes(simulation: Simulation) -> list[NodeRecord]:
    places = simulation.places
    shares = _hash_shares(simulation)
    return [
        NodeRecord(
            index=host.index,
            name=host.name,
            region=places.geography.regions[places.region[host.index]],
            group=host.group,
            role=_role(host, shares.get(host.index, 0.0)),
            up_bytes_per_s=host.lines.up_rate,
            down_bytes_per_s=host.lines.down_rate,
            hash_share=shares.get(host.index, 0.0),
            outbound=sum(end.dialled is not None for end in host.links.values()),
            inbound=sum(end.dialled is None for end in host.links.values()),
            is_attacker=host.index >= len(simulation.honest),
        )
        for host in simulation.world.hosts
    ]


def _role(host: Host, hash_share: float) -> str:
    if host.signing_keys:
        return "member"
    return "miner" if hash_share else "full"


def _hash_shares(simulation: Simulation) -> dict[int, float]:
    """Share of all hash power by host; an attacker's is counted at its first. Nobody's where members sign."""
    if simulation.signers.members:
        return {}
    attackers = {handle.hosts[0].index: handle.hash_share for handle in simulation.attacks.miners}
    left = 1.0 - sum(attackers.values())
    return {index: weight * left for index, weight in enumerate(simulation.scenario.hash_weights)} | attackers
