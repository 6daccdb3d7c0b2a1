"""Wallets of a scenario: each node has its own, senders have coins to begin with, and what they pay arrives."""

import pytest
from tests.unit.sim.engine.runs import record_of, simulate

from minicoin.core.queries.node import NodeQueries
from minicoin.sim.engine.run import RunRecord
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.engine.wallets import COINS_PER_WALLET, WalletLoad, coins_for_wallets
from minicoin.world.host import Host

TEXT = """
name = "wallets"
question = "Who pays whom?"
[nodes]
count = 5
wallets = true
[network]
spacing_s = 10.0
coinbase_maturity = 1
[topology]
outbound = 2
[links]
geography = "uniform"
latency_ms = 20.0
transport = "{transport}"
[mining]
blocks = 6
[transactions]
payer = "wallets"
senders = 2
rate_per_s = 1.0
[measure]
transactions = 1.0
[check]
heal_s = 0.0
"""
PLAIN = TEXT.format(transport="plain")
LIBP2P = TEXT.format(transport="libp2p")


def queries(simulation: Simulation, host: Host) -> NodeQueries:
    assert host.node is not None
    return NodeQueries(host.node.view, simulation.world.now)


@pytest.mark.parametrize("text", [PLAIN, LIBP2P], ids=["plain", "libp2p"])
def test_wallets_pay_wallets(text: str) -> None:
    simulation = simulate(text)
    load = simulation.load
    assert isinstance(load, WalletLoad)
    assert (load.skipped, load.refused) == (0, [])
    record: RunRecord = record_of(simulation)
    assert len(record.transactions) > 20
    assert {one.sender for one in record.transactions} == {0, 1}
    # Everybody is paid, those without coins of their own too.
    for host in simulation.honest:
        assert len(queries(simulation, host).wallet.coins()) > 0
    assert record.violations == []
    # Each was verified by its sender when it set out, and came to all others.
    for one in record.transactions:
        assert one.arrivals[one.sender] == 0
    assert any(all(arrival >= 0 for arrival in one.arrivals) for one in record.transactions)


def test_senders_begin_with_coins_and_others_without() -> None:
    simulation = simulate(PLAIN, "mining.blocks=0", "mining.settle_s=1")
    counts = [len(queries(simulation, host).wallet.coins()) for host in simulation.honest]
    assert counts == [COINS_PER_WALLET, COINS_PER_WALLET, 0, 0, 0]


def test_one_seed_one_digest_and_another_transport_another() -> None:
    first, again, other = (simulate(text).world.digest.hexdigest() for text in (LIBP2P, LIBP2P, PLAIN))
    assert first == again != other


def test_wallets_without_payments_are_there_for_whoever_asks() -> None:
    text = PLAIN.split("[transactions]")[0] + "[check]\nheal_s = 0.0\n"
    simulation = simulate(text, "mining.blocks=1")
    assert simulation.load is None
    assert all(queries(simulation, host).wallet.snapshot() is not None for host in simulation.honest)


def test_a_sender_that_is_down_pays_nothing() -> None:
    text = PLAIN + '[[fault]]\nkind = "node-loss"\nat_s = 1.0\nnodes = [0, 1]\n'
    simulation = simulate(text, "check.heal_s=1")
    load = simulation.load
    assert isinstance(load, WalletLoad)
    assert load.skipped > 20


@pytest.mark.parametrize(("senders", "coins"), [(1, 1), (75, 1), (76, 2), (10_000, 134)])
def test_one_coin_of_the_funding_chain_serves_many_senders(senders: int, coins: int) -> None:
    assert coins_for_wallets(senders) == coins
