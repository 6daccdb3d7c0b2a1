"""Every kind of fault, from a scenario's table to its effect, in a network that heals."""

from typing import get_args

import pytest
from tests.unit.sim.faults.runs import record, simulate

from minicoin.sim.scenario.fault_rates import FaultKind

LASTING = "at_s = 3.0\nuntil_s = 50.0\n"
ONCE = "at_s = 12.0\n"
FAULTS = {
    "loss": LASTING + "probability = 0.3",
    "duplicate": LASTING + "probability = 0.3",
    "reorder": LASTING + "probability = 0.3",
    "delay-spike": LASTING + "add_ms = 700.0",
    "bandwidth-cap": LASTING + "nodes = [1, 2]\nup_mbit = 0.1",
    "link-block": LASTING + "nodes = [0]\npeers = [1, 2]",
    "partition": LASTING + 'groups = [[0, 1], "rest"]',
    "link-loss": LASTING + "share = 0.5",
    "clog": LASTING + 'nodes = [0]\norder = "shuffled"',
    "half-open": ONCE + "nodes = [0, 1]\ncount = 2",
    "reset": ONCE + "nodes = [0, 1]\ncount = 2",
    "fragmented-read": LASTING + "nodes = [0]",
    "flipped-byte": LASTING + "probability = 0.05",
    "crash": ONCE + "nodes = [0, 3]\nwith_disk = false",
    "torn-write": ONCE + 'nodes = [0]\ndamage = "torn"',
    "full-disk": LASTING + "nodes = [0]",
    "clock-skew": LASTING + "nodes = [0]\noffset_s = -900.0\ndrift_ppm = 20000.0",
    "clock-jump": ONCE + "nodes = [1]\nby_s = 900.0",
    "slow-cpu": LASTING + "nodes = [0]\nfactor = 400.0",
    "churn": LASTING + "nodes = [0, 1]\nsession_s = 5.0\nrejoin_s = 5.0",
    "version-skew": ONCE + 'nodes = [0]\nversion = "before-sendheaders"',
    "node-loss": LASTING + "nodes = [0, 1]",
}


def test_every_kind_has_its_case() -> None:
    assert set(FAULTS) == set(get_args(FaultKind))


@pytest.mark.parametrize("kind", FAULTS)
def test_each_kind_fires_and_the_network_heals(kind: str) -> None:
    found = record(f'[[fault]]\nkind = "{kind}"\n{FAULTS[kind]}\n')
    (fault,) = found.faults
    assert fault.kind == kind
    assert fault.fired > 0
    assert fault.started_us == (12_000_000 if FAULTS[kind].startswith(ONCE) else 3_000_000)
    assert fault.ended_us == (12_000_000 if FAULTS[kind].startswith(ONCE) else 50_000_000)
    assert found.violations == []


def test_the_run_goes_on_until_it_must_have_healed() -> None:
    simulation = simulate('[[fault]]\nkind = "loss"\nat_s = 200.0\nuntil_s = 279.0\nprobability = 0.1\n')
    assert simulation.ended_at - simulation.began_at == (279 + 150) * 1_000_000


def test_one_fault_less_leaves_the_chance_of_the_others() -> None:
    first = '[[fault]]\nkind = "reset"\nat_s = 20.0\nnodes = "random:2"\n'
    other = '[[fault]]\nkind = "slow-cpu"\nat_s = 20.0\nuntil_s = 21.0\nnodes = [4]\nfactor = 2.0\n'
    assert record(first).faults[0].targets == record(first + other).faults[0].targets


def test_what_has_no_end_lasts_while_blocks_are_found() -> None:
    found = record('[[fault]]\nkind = "delay-spike"\nat_s = 3.0\nadd_ms = 10.0\n')
    assert found.faults[0].ended_us == 280_000_000


def test_random_faults_come_together_by_kind() -> None:
    found = record(
        "[faults.random]\nstop_s = 60.0\nshare = 0.5\n[faults.random.per_hour]\nreset = 400.0\ncrash = 300.0\n"
    )
    assert [fault.kind for fault in found.faults] == ["crash", "reset"]
    assert all(fault.fired > 1 for fault in found.faults)
    assert found.violations == []


def test_small_failures_of_links_cost_time() -> None:
    quiet, poor = simulate(), simulate(links="loss = 0.5\nretransmit_ms = 900.0\nreorder = 0.1\nduplicate = 0.2")
    slowest = [
        max(int(block.arrivals.max()) for block in simulation.recorder.blocks.values()) for simulation in (quiet, poor)
    ]
    assert slowest[1] > slowest[0] + 900_000


def test_equal_seeds_give_equal_runs_under_faults() -> None:
    faults = "".join(f'[[fault]]\nkind = "{kind}"\n{text}\n' for kind, text in FAULTS.items())
    assert record(faults).digest == record(faults).digest
    assert record(faults).digest != record(faults, seed=2).digest


def test_a_group_may_be_of_an_older_version() -> None:
    group = '[[nodes.group]]\nname = "old"\ncount = 2\nversion = "before-sendheaders"\n'
    simulation = simulate(group)
    versions = [
        sorted({session.version for session in host.node.view.sessions.values() if session.version})
        for host in simulation.honest
        if host.node is not None
    ]
    assert versions == [[70011], [70011], [70011, 70016], [70011, 70016], [70011, 70016]]
    assert simulation.checks.violations == []


def test_checkers_may_look_after_every_event() -> None:
    faults = '[[fault]]\nkind = "crash"\nat_s = 20.0\nnodes = [1]\n'
    quiet, often = simulate(faults, count=3), simulate(faults, count=3, when="every-event")
    assert often.checks.is_every_event
    assert often.checks.violations == []
    assert often.world.digest.hexdigest() == quiet.world.digest.hexdigest()


def test_lost_links_are_a_share_of_all_pairs_and_come_back() -> None:
    simulation = simulate('[[fault]]\nkind = "link-loss"\nat_s = 3.0\nuntil_s = 50.0\nshare = 0.5\n', count=12)
    (fault,) = simulation.faults.records()
    # Both ends of about half of the 66 links of a complete network, and of none twice.
    assert 40 < fault.fired < 90
    assert fault.targets == ["50% of all pairs"]
    assert all(len(host.links) == 11 for host in simulation.honest)
    assert simulation.checks.violations == []
