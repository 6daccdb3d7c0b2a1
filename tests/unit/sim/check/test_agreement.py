"""Checkers of agreement against nodes that are cut off, that ban, and that keep transactions to themselves."""

import pytest
from tests.unit.sim.check.networks import connected, found, mine, pass_seconds

from minicoin.core.commands import Generate, SubmitTransaction
from minicoin.core.connmgr.bans import Ban
from minicoin.core.mempool.pool import Mempool
from minicoin.core.notices import PeerPenalised
from minicoin.core.units import Micros
from minicoin.sim.check.delivery import DELIVERY_WITHIN_US
from minicoin.sim.engine.funding import PAY_SCRIPT, spend
from minicoin.sim.engine.simulation import Simulation


def _cut_off(simulation: Simulation, node: int) -> None:
    for end in simulation.world.connections.link_ends():
        if node in (end.host.index, end.other.host.index):
            simulation.world.connections.hold(end)


def test_a_node_that_was_left_behind_is_seen() -> None:
    simulation = connected()
    _cut_off(simulation, 2)
    mine(simulation, 0)
    simulation.checks.look()
    assert simulation.checks.violations == []
    simulation.checks.finish()
    (violation,) = simulation.checks.violations
    assert (violation.checker, violation.nodes) == ("converge", [2])
    assert violation.text.startswith("stand at height 3 on ")


def test_of_two_equal_chains_either_will_do() -> None:
    simulation = connected()
    _cut_off(simulation, 2)
    for node in (0, 2):
        simulation.world.command(simulation.honest[node], Generate(1, PAY_SCRIPT))
    pass_seconds(simulation, 5)
    tips = simulation.checks.view.tips()
    assert sorted(len(hosts) for _, hosts in tips.values()) == [1, 2]
    assert found(simulation) == {}


def test_a_better_chain_that_nobody_follows_is_seen() -> None:
    simulation = connected()
    mine(simulation, 0)
    for host in simulation.honest:
        node = host.node
        assert node is not None
        tree = node.view.tree
        assert tree.tip.parent is not None
        tree.set_tip(tree.tip.parent.hash)
    assert found(simulation)["converge"] == "stands at height 3 and holds a better chain of height 4"


def test_a_ban_between_honest_nodes_is_seen() -> None:
    simulation = connected()
    node = simulation.honest[1].node
    assert node is not None
    address = simulation.honest[0].address
    ban = Ban(f"{address.host}/32", Micros(0), Micros(1 << 60), "bad manners")
    node.view.connections.bans.add(ban)
    assert found(simulation) == {"no-honest-bans": "node1 bans node0: bad manners"}


@pytest.mark.parametrize(("scores", "is_seen"), [((50, 49), False), ((50, 50), True), ((100,), True)])
def test_faults_that_would_ban_are_added_up(scores: tuple[int, ...], is_seen: bool) -> None:
    simulation = connected()
    host = simulation.honest[1]
    conn, end = next(iter(host.links.items()))
    for score in scores:
        notice = PeerPenalised(conn, end.other.host.address, "nonsense", score)
        for read in simulation.world.readers:
            read(host, notice, simulation.world.now)
    expected = {"no-honest-bans": f"node1 would ban {end.other.host.name}, at a score of 100: nonsense"}
    assert found(simulation) == (expected if is_seen else {})


def test_a_node_that_relays_nothing_is_seen() -> None:
    simulation = connected(topology="line")
    pass_seconds(simulation, 120)
    middle = simulation.honest[1].node
    assert middle is not None
    middle.view.relay.announce = lambda item, conns, now: None  # type: ignore[method-assign]
    coin = simulation.funding.coins[0]
    payment = spend((coin,), (coin.value_sat - 1_000,))
    simulation.world.command(simulation.honest[0], SubmitTransaction(payment))
    pass_seconds(simulation, DELIVERY_WITHIN_US // 1_000_000 - 1)
    assert found(simulation) == {}
    pass_seconds(simulation, 10)
    txid = payment.txid[::-1].hex()
    assert found(simulation) == {"delivery": f"node2 was never told of {txid} that node1 has"}


def test_nobody_need_know_what_no_neighbour_could_tell() -> None:
    simulation = connected(topology="line")
    pass_seconds(simulation, 120)
    _cut_off(simulation, 2)
    simulation.world.stop(simulation.honest[2], "gone")
    coin = simulation.funding.coins[0]
    simulation.world.command(simulation.honest[0], SubmitTransaction(spend((coin,), (coin.value_sat - 1_000,))))
    pass_seconds(simulation, 90)
    assert found(simulation) == {}


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_payment_that_a_reorg_loses_is_seen(monkeypatch: pytest.MonkeyPatch, is_lost: bool) -> None:
    simulation = connected(count=2, topology="line")
    coin = simulation.funding.coins[0]
    payment = spend((coin,), (coin.value_sat - 1_000,))
    _cut_off(simulation, 1)
    simulation.world.command(simulation.honest[0], SubmitTransaction(payment))
    pass_seconds(simulation, 1)
    mine(simulation, 0)
    assert len(simulation.honest[0].node.view.mempool) == 0  # type: ignore[union-attr]
    mine(simulation, 1)
    mine(simulation, 1)
    if is_lost:
        monkeypatch.setattr(Mempool, "_roll_back", lambda pool, update, now: ([], []))
    for end in list(simulation.world.connections.link_ends()):
        simulation.world.connections.let_go(end)
    pass_seconds(simulation, 70)
    assert simulation.honest[0].node is not None
    assert simulation.honest[0].node.view.tree.tip.height == 5
    simulation.checks.look()
    expected = {"reorg": f"node0 lost {payment.txid[::-1].hex()} in a reorg"}
    assert found(simulation) == (expected if is_lost else {})
