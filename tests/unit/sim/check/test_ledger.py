"""Checkers of the ledger against networks that believe anything."""

import pytest
from tests.unit.sim.check.networks import connected, found, make_gullible, mine, submit

from minicoin.core.primitives.transaction import Transaction
from minicoin.core.units import Micros
from minicoin.sim.attackers import forge
from minicoin.sim.engine.funding import PAY_SCRIPT, spend
from minicoin.sim.engine.simulation import Simulation
from minicoin.world.own_ledger import OwnLedger


def _mined(simulation: Simulation, *transactions: Transaction) -> forge.RawBlock:
    node = simulation.honest[0].node
    assert node is not None
    tree = node.view.tree
    now = Micros(simulation.world.now)
    return forge.mine(tree, tree.tip, PAY_SCRIPT, now, extra_nonce=7, transactions=transactions)


@pytest.mark.parametrize("ledger", ["shared", "own"])
def test_honest_chains_pass(ledger: str) -> None:
    simulation = connected(ledger=ledger)
    coin = simulation.funding.coins[0]
    mine(simulation, 1)
    submit(simulation, _mined(simulation, spend((coin,), (coin.value_sat,))))
    assert found(simulation) == {}


def test_money_out_of_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = connected()
    make_gullible(monkeypatch)
    submit(simulation, forge.overpaid(_mined(simulation)))
    seen = found(simulation)
    assert seen["supply"].endswith("claims 5000000001 of 5000000000 + 0 satoshi")
    assert "breaks a rule: " in seen["valid-chain"]
    assert "double-spend" not in seen


def test_a_coin_spent_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = connected()
    make_gullible(monkeypatch)
    coin = simulation.funding.coins[0]
    payments = [spend((coin,), (coin.value_sat - fee,)) for fee in (0, 1)]
    for payment in payments:
        submit(simulation, _mined(simulation, payment))
    seen = found(simulation)
    assert seen["double-spend"].endswith("spends a coin that is spent or never was")
    assert payments[1].txid[::-1].hex() in seen["double-spend"]
    assert "breaks a rule: " in seen["valid-chain"]


def test_a_payment_that_creates_money_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = connected()
    make_gullible(monkeypatch)
    coin = simulation.funding.coins[0]
    submit(simulation, _mined(simulation, spend((coin,), (coin.value_sat + 9,))))
    assert found(simulation)["supply"].endswith("creates 9 satoshi")


def test_an_engine_that_lost_a_coin_is_seen() -> None:
    simulation = connected(ledger="own")
    mine(simulation, 0)
    ledger = simulation.honest[2].disk.ledger
    assert isinstance(ledger, OwnLedger)
    ledger.engine.flush()
    store = ledger.store
    outpoint, _ = next(store.coins())
    store.commit({}, (outpoint,), ledger.engine.tip)
    simulation.checks.finish()
    (violation,) = simulation.checks.violations
    assert violation.checker == "supply"
    assert violation.nodes == [2]
    assert violation.text.startswith("its engine holds ")


def test_an_engine_that_stands_elsewhere_is_seen() -> None:
    simulation = connected(ledger="own")
    mine(simulation, 0)
    ledger = simulation.honest[1].disk.ledger
    assert isinstance(ledger, OwnLedger)
    node = simulation.honest[1].node
    assert node is not None
    assert node.view.tree.tip.parent is not None
    ledger.engine.activate(node.view.tree.tip.parent.hash, ())
    assert found(simulation)["supply"] == "the engine does not stand where the header tree says"
