"""The load of payments: real ones, each coin spent once, at Poisson times, from the senders named."""

from collections import Counter
from itertools import pairwise

import pytest
from tests.unit.sim.engine.runs import SMALL, simulate

from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.verdicts import TxReason
from minicoin.core.units import Micros
from minicoin.sim.engine import load
from minicoin.sim.engine.run import record_of
from minicoin.sim.engine.simulation import Simulation
from minicoin.world.host import Host

LOAD = "[transactions]\nrate_per_s = 4.0\nsenders = 3\n"


class Verdicts:
    """Every verdict on a payment, by node."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, TransactionVerified]] = []

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        self.heard.append((host.index, event))

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """Not needed."""

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """Not needed."""


def run_with_verdicts(monkeypatch: pytest.MonkeyPatch, text: str, *settings: str) -> tuple[Simulation, Verdicts]:
    verdicts = Verdicts()
    begin = Simulation.measure

    def measure(self: Simulation, report: object) -> None:
        self.world.observers.append(verdicts)
        begin(self, report)

    monkeypatch.setattr(Simulation, "measure", measure)
    return simulate(text, *settings), verdicts


def mined_transactions(simulation: Simulation) -> list:
    """Of the best chain, without coinbases and without the funding."""
    book, found = simulation.world.book, []
    node = book.header_node(simulation.best_tip())
    while node is not None and node.height > len(simulation.funding.chain):
        raw = book.block(node.hash)
        assert raw is not None
        found += Block.parse(raw.raw).transactions[1:]
        node = node.parent
    return found


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 2), (3, 1)])
def test_every_payment_is_accepted_everywhere_and_no_coin_is_spent_twice(
    monkeypatch: pytest.MonkeyPatch, inputs: int, outputs: int
) -> None:
    text = SMALL + LOAD + f"inputs = {inputs}\noutputs = {outputs}\n"
    simulation, verdicts = run_with_verdicts(monkeypatch, text, "mining.blocks=12")
    assert simulation.load is not None
    sent = simulation.load.sent
    assert sent > 200
    assert simulation.load.skipped == 0
    for _, event in verdicts.heard:
        # A block may be connected while a payment that is in it waits for its verdict.
        assert event.verdict.rejected in (None, TxReason.ALREADY_CONFIRMED)
        assert not event.verdict.missing
    assert simulation.load.refused == []
    payments = {event.verdict.transaction.txid: event.verdict.transaction for _, event in verdicts.heard}
    assert len(payments) == sent
    spent = Counter(one.outpoint for payment in payments.values() for one in payment.inputs)
    assert max(spent.values()) == 1
    assert {(len(payment.inputs), len(payment.outputs)) for payment in payments.values()} == {(inputs, outputs)}
    mined = {transaction.txid for transaction in mined_transactions(simulation)}
    assert len(mined) > sent / 2
    # Whoever had not heard of a payment when it was mined has it from the block.
    for node in range(6):
        checked = {event.verdict.transaction.txid for index, event in verdicts.heard if index == node}
        assert set(payments) == checked | mined
    if inputs < outputs:
        # What blocks gave back was spent again.
        assert any(one.outpoint[:32] in payments for payment in payments.values() for one in payment.inputs)


def test_payments_come_at_their_rate_from_their_senders() -> None:
    simulation = simulate(SMALL + LOAD, "measure.transactions=1.0", "mining.blocks=30", "nodes.count=3")
    records = list(simulation.recorder.transactions.values())
    assert simulation.load is not None
    assert len(records) == simulation.load.sent
    lasted_s = (simulation.mined_until - simulation.began_at) / 1e6
    # Poisson: four standard deviations.
    assert len(records) == pytest.approx(4.0 * lasted_s, abs=4 * (4.0 * lasted_s) ** 0.5)
    senders = Counter(one.sender for one in records)
    assert set(senders) == {0, 1, 2}
    assert min(senders.values()) > len(records) / 5
    gaps = sorted(later.sent_at_us - one.sent_at_us for one, later in pairwise(records))
    assert gaps[len(gaps) // 2] == pytest.approx(0.693 * 250_000, rel=0.2)


def test_start_and_stop() -> None:
    text = SMALL + LOAD + "start_s = 20.0\nstop_s = 40.0\n"
    simulation = simulate(text, "measure.transactions=1.0", "mining.blocks=10")
    times = [one.sent_at_us for one in simulation.recorder.transactions.values()]
    assert times
    assert min(times) >= 20_000_000
    assert max(times) < 40_000_000


@pytest.mark.parametrize("size", [200, 250, 300, 1_000, 12_000])
def test_payments_are_padded_to_their_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    text = SMALL + LOAD + f"tx_bytes = {size}\n"
    simulation, verdicts = run_with_verdicts(monkeypatch, text, "mining.blocks=3", "nodes.count=3")
    assert {event.verdict.transaction.size for _, event in verdicts.heard} == {size}
    assert simulation.load is not None
    assert simulation.load.refused == []
    assert len(mined_transactions(simulation)) > 20


def test_payments_that_a_node_refuses_are_told_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    # An output of no known kind, which nobody passes on.
    monkeypatch.setattr(load, "_padding", lambda _: (0, bytes(200)))
    simulation = simulate(SMALL + LOAD, "mining.blocks=3", "nodes.count=3")
    assert simulation.load is not None
    assert len(simulation.load.refused) == simulation.load.sent > 20
    (note,) = [note for note in record_of(simulation).notes if "refused" in note]
    told = f"{simulation.load.sent} payments were refused by their senders' own nodes, the first: scriptpubkey"
    assert note.startswith(told)


def test_a_share_is_sampled() -> None:
    simulation = simulate(SMALL + LOAD, "measure.transactions=0.25", "mining.blocks=12", "nodes.count=3")
    assert simulation.load is not None
    sampled = len(simulation.recorder.transactions)
    assert sampled == pytest.approx(simulation.load.sent / 4, rel=0.35)


def test_senders_that_are_down_send_nothing_and_it_is_said() -> None:
    faults = '[[fault]]\nkind = "node-loss"\nat_s = 0.5\nuntil_s = 500.0\nnodes = [0, 1, 2]\n'
    simulation = simulate(SMALL + LOAD + faults, "mining.blocks=4", "check.heal_s=10.0")
    assert simulation.load is not None
    assert simulation.load.skipped > 50
    assert simulation.load.sent < 10
