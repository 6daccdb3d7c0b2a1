"""The ledger against a naive recomputation from the chain and the set of pending transactions."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wallet.chains import FOREIGN_SCRIPT, NOW, FakeChain, new_wallet, pay

from minicoin.core.faults import MisuseError
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxIn, TxOut, make_outpoint, outpoint_txid
from minicoin.core.rng import Rng
from minicoin.core.wallet.records import Category, CoinState, RecordState
from minicoin.core.wallet.wallet import Wallet

MATURITY = 100


@dataclass
class Naive:
    """What a wallet must say, found by looking at everything anew each time."""

    chain: FakeChain
    mine: frozenset[bytes]
    pending: list[Transaction] = field(default_factory=list)
    seen: list[Transaction] = field(default_factory=list)

    def confirmed(self) -> dict[Txid, tuple[Transaction, int]]:
        return {
            transaction.txid: (transaction, summary.height)
            for summary, body in self.chain.blocks
            for transaction in body
        }

    def drop_impossible(self) -> None:
        """Pending transactions that the chain contains or contradicts, or whose parents are gone."""
        inside = self.confirmed()
        spent = {spend.outpoint for transaction, _ in inside.values() for spend in transaction.inputs}
        while True:
            known = {transaction.txid for transaction in self.pending} | set(inside)
            kept = [
                transaction
                for transaction in self.pending
                if transaction.txid not in inside
                and not any(spend.outpoint in spent for spend in transaction.inputs)
                and all(self.is_known(spend.outpoint, known) for spend in transaction.inputs)
            ]
            if len(kept) == len(self.pending):
                return
            self.pending = kept

    def is_known(self, outpoint: Outpoint, known: set[Txid]) -> bool:
        # Outpoints made up by pay() have no transaction behind them: somebody else's old coins.
        return outpoint[:24] == bytes(24) or outpoint_txid(outpoint) in known

    def rivals(self, transaction: Transaction) -> list[Transaction]:
        """What the chain holds that spends the same."""
        outpoints = {spend.outpoint for spend in transaction.inputs}
        inside = (known for known, _ in self.confirmed().values())
        return [known for known in inside if outpoints & {spend.outpoint for spend in known.inputs}]

    def remove(self, txid: Txid) -> None:
        self.pending = [transaction for transaction in self.pending if transaction.txid != txid]
        self.drop_impossible()

    def add(self, transaction: Transaction) -> None:
        inside = self.confirmed()
        spent = {spend.outpoint for known, _ in inside.values() for spend in known.inputs}
        if transaction.txid in inside or any(spend.outpoint in spent for spend in transaction.inputs):
            return
        if transaction in self.pending:
            return
        self.seen.append(transaction)
        outpoints = {spend.outpoint for spend in transaction.inputs}
        for rival in list(self.pending):
            if outpoints & {spend.outpoint for spend in rival.inputs}:
                self.remove(rival.txid)
        self.pending.append(transaction)

    def coins(self) -> dict[Outpoint, tuple[int, CoinState]]:
        inside = self.confirmed()
        everything = [transaction for transaction, _ in inside.values()] + self.pending
        outputs = {
            make_outpoint(transaction.txid, index): (transaction, output)
            for transaction in everything
            for index, output in enumerate(transaction.outputs)
            if output.script_pubkey in self.mine
        }
        spent = {spend.outpoint for transaction in everything for spend in transaction.inputs}
        return {
            outpoint: (output.value, self.state(transaction, inside, outputs))
            for outpoint, (transaction, output) in outputs.items()
            if outpoint not in spent
        }

    def state(
        self,
        transaction: Transaction,
        inside: dict[Txid, tuple[Transaction, int]],
        outputs: dict[Outpoint, tuple[Transaction, TxOut]],
    ) -> CoinState:
        if transaction.txid in inside:
            depth = self.chain.height - inside[transaction.txid][1] + 1
            return CoinState.IMMATURE if transaction.is_coinbase and depth <= MATURITY else CoinState.CONFIRMED
        for spend in transaction.inputs:
            if spend.outpoint not in outputs:
                return CoinState.PENDING
            parent = outputs[spend.outpoint][0]
            if parent.txid not in inside and self.state(parent, inside, outputs) is CoinState.PENDING:
                return CoinState.PENDING
        return CoinState.CHANGE

    def check(self, wallet: Wallet) -> None:
        expected = self.coins()
        assert {coin.outpoint: (coin.output.value, coin.state) for coin in wallet.coins()} == expected
        sums = {state: sum(value for value, found in expected.values() if found is state) for state in CoinState}
        balance = wallet.balance()
        assert balance.confirmed_sat == sums[CoinState.CONFIRMED]
        assert balance.immature_sat == sums[CoinState.IMMATURE]
        assert balance.trusted_pending_sat == sums[CoinState.CHANGE]
        assert balance.untrusted_pending_sat == sums[CoinState.PENDING]
        ours = {transaction.txid for transaction in self.pending if self.concerns(transaction)}
        assert {transaction.txid for transaction in wallet.unconfirmed()} == ours
        history = wallet.history(10_000)
        confirmed = {entry.txid: entry.confirmations for entry in history if entry.confirmations}
        inside = self.confirmed()
        assert confirmed == {
            txid: self.chain.height - height + 1
            for txid, (transaction, height) in inside.items()
            if self.concerns(transaction) and self.has_entry(transaction)
        }

    def concerns(self, transaction: Transaction) -> bool:
        spent = [self.output(spend.outpoint) for spend in transaction.inputs]
        return any(
            output is not None and output.script_pubkey in self.mine for output in (*transaction.outputs, *spent)
        )

    def has_entry(self, transaction: Transaction) -> bool:
        return bool(transaction.outputs)

    def output(self, outpoint: Outpoint) -> TxOut | None:
        for transaction in [*(transaction for transaction, _ in self.confirmed().values()), *self.pending]:
            if transaction.txid == outpoint_txid(outpoint):
                return transaction.outputs[int.from_bytes(outpoint[32:], "little")]
        return None


def step(kind: int, rng: Rng, wallet: Wallet, naive: Naive, tag: int) -> None:
    chain, receiving = naive.chain, [entry.script_pubkey for entry in wallet.addresses()]
    script = rng.choice([*receiving, FOREIGN_SCRIPT])
    if kind == 0:
        spendable = [transaction for transaction in naive.pending if rng.below(2)]
        # Parents stand before children in `pending`; a child without its parent cannot be in a block.
        block: list[Transaction] = []
        have = set(naive.confirmed())
        for transaction in spendable:
            if all(naive.is_known(spend.outpoint, have) for spend in transaction.inputs):
                block.append(transaction)
                have.add(transaction.txid)
        wallet.connect(chain.mine(*block, to=script), NOW)
        naive.drop_impossible()
    elif kind == 1 and chain.height:
        _, body = chain.blocks[-1]
        wallet.disconnect(chain.rewind())
        naive.pending = [*body[1:], *naive.pending]
        naive.drop_impossible()
    elif kind == 2:
        incoming = pay(script, 1_000 + tag, tag=tag)
        wallet.add_unconfirmed(incoming, NOW)
        naive.add(incoming)
    elif kind == 3 and naive.pending:
        doomed = rng.choice(naive.pending)
        wallet.remove_unconfirmed(doomed.txid)
        naive.remove(doomed.txid)
    elif kind == 4 and naive.coins():
        # An own payment, or a rival of a pending one: spends a coin, half of it goes out, half comes back.
        outpoint = rng.choice(sorted(naive.coins()))
        value, state = naive.coins()[outpoint]
        if state is not CoinState.IMMATURE:
            outputs = (TxOut(value // 2, FOREIGN_SCRIPT), TxOut(value // 3, receiving[0]))
            spend = Transaction(2, (TxIn(outpoint),), outputs, tag)
            wallet.add_unconfirmed(spend, NOW)
            naive.add(spend)
    elif kind == 5 and naive.pending:
        # A block with a rival of a pending transaction.
        loser = rng.choice(naive.pending)
        if all(naive.is_known(spend.outpoint, set(naive.confirmed())) for spend in loser.inputs):
            winner = Transaction(2, loser.inputs, (TxOut(777, script),), 1_000_000 + tag)
            wallet.connect(chain.mine(winner), NOW)
            naive.drop_impossible()
    elif kind == 6 and naive.seen:
        # Something seen before is offered again; the mempool lets it through only with its parents known.
        old = rng.choice(naive.seen)
        known = set(naive.confirmed()) | {transaction.txid for transaction in naive.pending}
        parents_known = all(naive.is_known(spend.outpoint, known) for spend in old.inputs)
        # A rival in the chain that is not the wallet's is the mempool's to know.
        if parents_known and all(map(naive.concerns, naive.rivals(old))):
            wallet.add_unconfirmed(old, NOW)
            naive.add(old)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(0, 2**32))
def test_any_history_equals_its_recomputation(kinds: list[int], seed: int) -> None:
    wallet = new_wallet()
    for _ in range(3):
        wallet.new_address()
    naive = Naive(FakeChain(wallet.scripts()), wallet.scripts())
    rng = Rng(seed.to_bytes(8, "big"))
    for tag, kind in enumerate(kinds, 1):
        step(kind, rng, wallet, naive, tag)
        naive.check(wallet)
    again = Wallet.from_bytes(wallet.to_bytes(), wallet.network, Rng(b"again"))
    naive.check(again)
    assert again.history(1_000) == wallet.history(1_000)
    assert again.to_bytes() == wallet.to_bytes()


def start() -> tuple[Wallet, FakeChain, bytes]:
    wallet = new_wallet()
    script = wallet.new_address("mine").script_pubkey
    return wallet, FakeChain(wallet.scripts()), script


def test_a_coinbase_ripens_and_is_orphaned() -> None:
    wallet, chain, script = start()
    wallet.connect(chain.mine(to=script), NOW)
    for _ in range(MATURITY - 1):
        wallet.connect(chain.mine(), NOW)
    assert wallet.balance().immature_sat == 500_000_000
    assert [entry.category for entry in wallet.history(10)] == [Category.IMMATURE]
    wallet.connect(chain.mine(), NOW)
    assert wallet.balance().confirmed_sat == 500_000_000
    (entry,) = wallet.history(10)
    assert (entry.category, entry.confirmations, entry.label) == (Category.GENERATE, MATURITY + 1, "mine")
    for _ in range(MATURITY + 1):
        wallet.disconnect(chain.rewind())
    assert wallet.balance().spendable_sat == wallet.balance().immature_sat == 0
    (entry,) = wallet.history(10)
    assert (entry.category, entry.confirmations) == (Category.ORPHAN, 0)


def test_a_block_that_comes_back_revives_its_coinbase() -> None:
    wallet, chain, script = start()
    summary = chain.mine(to=script)
    wallet.connect(summary, NOW)
    wallet.disconnect(summary)
    wallet.connect(summary, NOW)
    assert wallet.balance().immature_sat == 500_000_000
    assert [entry.category for entry in wallet.history(10)] == [Category.IMMATURE]


def test_a_deep_chain_of_pending_payments_falls_with_its_root() -> None:
    wallet, chain, script = start()
    first = chain.mine(to=script)
    wallet.connect(first, NOW)
    previous = chain.blocks[-1][1][0]
    for depth in range(1500):
        previous = pay(script, 1_000_000 - depth, [make_outpoint(previous.txid, 0)])
        wallet.add_unconfirmed(previous, NOW)
    assert len(wallet.unconfirmed()) == 1500
    wallet.disconnect(first)
    assert wallet.unconfirmed() == ()
    assert wallet.coins() == ()


def test_an_evicted_payment_stays_in_the_history_as_abandoned() -> None:
    wallet, chain, script = start()
    funding = pay(script, 50_000, tag=9)
    wallet.connect(chain.mine(funding), NOW)
    sent = pay(FOREIGN_SCRIPT, 40_000, [make_outpoint(funding.txid, 0)])
    wallet.add_unconfirmed(sent, NOW)
    assert wallet.own_unconfirmed() == (sent,)
    assert [entry.fee_sat for entry in wallet.history_of(sent.txid)] == [-10_000]
    wallet.remove_unconfirmed(sent.txid)
    assert wallet.own_unconfirmed() == ()
    assert wallet.balance().confirmed_sat == 50_000
    entry = wallet.history_of(sent.txid)[0]
    assert (entry.category, entry.amount_sat, entry.is_abandoned) == (Category.SEND, -40_000, True)
    wallet.add_unconfirmed(sent, NOW)
    assert not wallet.history_of(sent.txid)[0].is_abandoned
    wallet.connect(chain.mine(sent), NOW)
    record = wallet.record(sent.txid)
    assert record is not None
    assert record.state is RecordState.CONFIRMED
    assert wallet.balance().confirmed_sat == 0


def test_a_foreign_pending_transaction_leaves_no_trace() -> None:
    wallet, _, script = start()
    incoming = pay(script, 1_000, tag=5)
    assert wallet.add_unconfirmed(incoming, NOW).txids == (incoming.txid,)
    assert wallet.add_unconfirmed(incoming, NOW).txids == ()
    assert wallet.add_unconfirmed(pay(FOREIGN_SCRIPT, 1_000, tag=6), NOW).txids == ()
    assert wallet.balance().untrusted_pending_sat == 1_000
    assert wallet.own_unconfirmed() == ()
    wallet.remove_unconfirmed(incoming.txid)
    assert wallet.history(10) == ()


def test_only_the_next_block_connects_and_only_the_tip_disconnects() -> None:
    wallet, chain, _ = start()
    first, second = chain.mine(), chain.mine()
    with pytest.raises(MisuseError, match="cannot connect block 2"):
        wallet.connect(second, NOW)
    wallet.connect(first, NOW)
    with pytest.raises(MisuseError, match="cannot disconnect"):
        wallet.disconnect(second)
    assert wallet.tip.height == 1


def test_history_pages_newest_first() -> None:
    wallet, chain, script = start()
    payments = [pay(script, 1_000 + tag, tag=tag) for tag in range(1, 7)]
    for payment in payments[:5]:
        wallet.connect(chain.mine(payment), NOW)
    wallet.add_unconfirmed(payments[5], NOW)
    amounts = [entry.amount_sat for entry in wallet.history(100)]
    assert amounts == [1_006, 1_005, 1_004, 1_003, 1_002, 1_001]
    assert [entry.amount_sat for entry in wallet.history(2, skip=3)] == amounts[3:5]


def test_a_payment_to_oneself_is_sent_and_received() -> None:
    wallet, chain, script = start()
    funding = pay(script, 50_000, tag=9)
    wallet.connect(chain.mine(funding), NOW)
    back = pay(script, 49_000, [make_outpoint(funding.txid, 0)])
    wallet.connect(chain.mine(back), NOW)
    assert [(entry.category, entry.amount_sat, entry.fee_sat) for entry in wallet.history_of(back.txid)] == [
        (Category.SEND, -49_000, -1_000),
        (Category.RECEIVE, 49_000, None),
    ]


def test_a_late_rival_of_a_confirmed_payment_is_not_taken() -> None:
    wallet, chain, script = start()
    loser, winner = pay(script, 1_000, tag=5), Transaction(1, pay(script, 1, tag=5).inputs, (TxOut(900, script),))
    wallet.connect(chain.mine(winner), NOW)
    assert wallet.add_unconfirmed(loser, NOW).txids == ()
    assert [coin.output.value for coin in wallet.coins()] == [900]
