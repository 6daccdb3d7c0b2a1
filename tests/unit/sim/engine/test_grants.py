"""Payments on a network that members sign: block 1 gives the coins, and each payment becomes final."""

import pytest
from tests.unit.sim.engine.runs import record_of, simulate

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.limits import ALLOCATION_OUTPUTS_MAX
from minicoin.core.units import SECOND_US
from minicoin.sim.check.finality import FinalBlocks
from minicoin.sim.engine.grants import GRANT_SAT, grants
from minicoin.sim.engine.load import PaymentLoad
from minicoin.sim.engine.phases import SetupFailed
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.scenario.schema import Scenario

TEXT = """
name = "banks"
question = "Are payments final?"
[nodes]
count = 5
{nodes}
[[nodes.group]]
name = "banks"
count = 4
signs = true
{lies}
[network]
proof = "signers"
spacing_s = 30.0
[topology]
source = "complete"
[links]
geography = "uniform"
latency_ms = 20.0
transport = "named"
[mining]
duration_s = 20.0
settle_s = 5.0
[transactions]
senders = 5
rate_per_s = 3.0
{payer}
[measure]
transactions = 1.0
"""
COINS = TEXT.format(nodes="", payer="", lies="")
OWN = TEXT.format(nodes='ledger = "own"', payer="", lies="")
WALLETS = TEXT.format(nodes="wallets = true", payer='payer = "wallets"', lies="")


@pytest.mark.parametrize("text", [COINS, OWN, WALLETS], ids=["coins", "own ledgers", "wallets"])
def test_payments_are_final_soon_after(text: str) -> None:
    simulation = simulate(text)
    assert (simulation.load.skipped, simulation.load.refused) == (0, [])
    record = record_of(simulation)
    assert record.violations == []
    assert len(record.transactions) > 30
    # A payment does not wait for the time after which an empty block comes.
    assert sum(block.is_best for block in record.blocks) >= 15
    # Each is in a block: what no block took would be found.
    assert all(len(host.node.view.mempool) == 0 for host in simulation.honest)
    in_blocks = sum(block.transactions - 1 for block in record.blocks if block.is_best)
    assert in_blocks == len(record.transactions)


def test_block_1_pays_as_many_coins_as_it_may() -> None:
    assert len(grants(3)) == 3 and {amount for _, amount in grants(3)} == {GRANT_SAT}
    assert len(grants(ALLOCATION_OUTPUTS_MAX + 1)) == ALLOCATION_OUTPUTS_MAX
    # No more are wanted than payments of some seconds take.
    assert len(simulate(COINS).world.network.proof.allocation) < 200
    without = Simulation(Scenario.from_toml(COINS.split("[transactions]")[0]), 1, ScriptedVerifier())
    assert without.world.network.proof.allocation == ()


def test_a_network_that_makes_no_block_cannot_be_set_up() -> None:
    text = TEXT.format(nodes="", payer="", lies='lies = "silent"')
    with pytest.raises(SetupFailed, match="block 1, which pays the coins"):
        simulate(text)


def test_a_payment_that_waits_in_the_end_is_found() -> None:
    simulation = Simulation(Scenario.from_toml(COINS), 1, ScriptedVerifier())
    simulation.set_up(lambda progress: None)
    load = simulation.load
    assert isinstance(load, PaymentLoad)
    load.begin()
    world = simulation.world
    assert world.wait(5 * SECOND_US, lambda: any(len(host.node.view.mempool) for host in simulation.honest))
    findings = [finding.text for finding in FinalBlocks(lambda: 0).finish(simulation.checks.view)]
    assert any("1 payments wait at node" in text for text in findings)
