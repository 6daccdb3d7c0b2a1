"""The ledger: promises checked from outside after any history, and each rule by itself."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.soak import times
from tests.unit.wallet.chains import FOREIGN_SCRIPT, NOW, FakeChain, new_wallet, pay

from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxIn, TxOut, make_outpoint, outpoint_txid
from minicoin.core.rng import Rng
from minicoin.core.wallet.errors import NotAbandonable
from minicoin.core.wallet.records import CoinState, HistoryCategory, RecordState
from minicoin.core.wallet.wallet import Wallet

MATURITY = 100


@dataclass
class Witness:
    """What happened outside the wallet, and what it must say therefore, found by looking at everything anew."""

    chain: FakeChain
    mine: frozenset[bytes]
    pool: dict[Txid, Transaction] = field(default_factory=dict)
    seen: dict[Txid, Transaction] = field(default_factory=dict)
    payments: dict[Txid, Transaction] = field(default_factory=dict)
    """Own ones that the pool took at some time: none may ever be lost."""
    given_up: dict[Txid, None] = field(default_factory=dict)

    def confirmed(self) -> dict[Txid, int]:
        return {tx.txid: summary.height for summary, body in self.chain.blocks for tx in body}

    def spent_in_chain(self) -> dict[Outpoint, Txid]:
        return {spend.outpoint: tx.txid for _, body in self.chain.blocks for tx in body[1:] for spend in tx.inputs}

    def output(self, outpoint: Outpoint) -> TxOut | None:
        blocks = [tx for _, body in self.chain.blocks for tx in body]
        for tx in [*blocks, *self.seen.values()]:
            if tx.txid == outpoint_txid(outpoint):
                return tx.outputs[int.from_bytes(outpoint[32:], "little")]
        return None

    def is_own(self, tx: Transaction) -> bool:
        spent = [self.output(spend.outpoint) for spend in tx.inputs]
        return any(output is not None and output.script_pubkey in self.mine for output in spent)

    def is_minable(self, tx: Transaction, have: set[Txid]) -> bool:
        # Outpoints made up by pay() have no transaction behind them: somebody else's old coins.
        return all(
            spend.outpoint[:24] == bytes(24) or outpoint_txid(spend.outpoint) in have for spend in tx.inputs
        ) and not any(spend.outpoint in self.spent_in_chain() for spend in tx.inputs)

    def accept(self, wallet: Wallet, tx: Transaction) -> None:
        """The mempool takes it, with what that throws out."""
        for rival in [rival for rival in self.pool.values() if _rival(rival, tx)]:
            self.leave(wallet, rival.txid, told=False)
        self.seen[tx.txid] = tx
        self.pool[tx.txid] = tx
        if self.is_own(tx):
            self.payments[tx.txid] = tx
        self.given_up.pop(tx.txid, None)
        wallet.add_unconfirmed(tx, NOW)

    def leave(self, wallet: Wallet, txid: Txid, *, told: bool = True) -> None:
        """The mempool lets go of it and of what spends it."""
        gone = [txid]
        for txid in gone:
            if self.pool.pop(txid, None) is not None:
                gone += [tx.txid for tx in self.pool.values() if txid in map(_parent, tx.inputs)]
        if told:
            for txid in gone:
                wallet.leave_pool(txid)

    def follow_chain(self, wallet: Wallet) -> None:
        """The mempool after a move of the tip: nothing the chain holds or contradicts, nothing without its parents."""
        while True:
            have = set(self.confirmed()) | set(self.pool)
            impossible = [
                tx for tx in self.pool.values() if tx.txid in self.confirmed() or not self.is_minable(tx, have)
            ]
            if not impossible:
                return
            for tx in impossible:
                self.pool.pop(tx.txid)
                if tx.txid not in self.confirmed():
                    wallet.leave_pool(tx.txid)

    def check(self, wallet: Wallet) -> None:
        inside, spent = self.confirmed(), self.spent_in_chain()
        states: dict[Txid, RecordState] = {}
        for txid, tx in self.payments.items():
            record = wallet.record(txid)
            assert record is not None, "a payment was lost"
            states[txid] = record.state
            is_rivalled = any(spent.get(spend.outpoint, txid) != txid for spend in tx.inputs)
            if txid in inside:
                assert record.state is RecordState.CONFIRMED
            elif txid in self.given_up:
                assert record.state is RecordState.ABANDONED
            else:
                assert record.state is not RecordState.ABANDONED, "only its owner gives a payment up"
                assert record.state is RecordState.CONFLICTED or not is_rivalled
        for txid, state in states.items():
            tx = self.payments[txid]
            if state is RecordState.CONFLICTED:
                parents = [wallet.record(_parent(spend)) for spend in tx.inputs]
                assert any(spent.get(spend.outpoint, txid) != txid for spend in tx.inputs) or any(
                    parent is not None and parent.state is RecordState.CONFLICTED for parent in parents
                )
                assert wallet.confirmations(txid) < 0
            if state is RecordState.REPLACED:
                others = [wallet.record(other.txid) for other in self.seen.values() if _rival(other, tx)]
                parents = [wallet.record(_parent(spend)) for spend in tx.inputs]
                assert any(other is not None and other.state is RecordState.PENDING for other in others) or any(
                    parent is not None and not parent.state.is_active for parent in parents
                )
        self.check_coins(wallet)

    def check_coins(self, wallet: Wallet) -> None:
        active = [tx for _, body in self.chain.blocks for tx in body]
        active += [record.transaction for record in wallet.unconfirmed()]
        claimed = [spend.outpoint for tx in active if not tx.is_coinbase for spend in tx.inputs]
        mine = [
            make_outpoint(tx.txid, index)
            for tx in active
            for index, output in enumerate(tx.outputs)
            if output.script_pubkey in self.mine
        ]
        assert len(set(claimed)) == len(claimed), "two that count spend the same coin"
        coins = {coin.outpoint: coin for coin in wallet.coins()}
        assert set(coins) == set(mine) - set(claimed)
        inside = self.confirmed()
        for outpoint, coin in coins.items():
            txid = outpoint_txid(outpoint)
            assert (coin.confirmations > 0) == (txid in inside)
            assert (coin.state is CoinState.WAITING) == (txid not in inside and txid not in self.pool)
            if coin.state is CoinState.CHANGE:
                assert self.is_own(self.seen[txid])
        sums = {state: sum(c.output.value for c in coins.values() if c.state is state) for state in CoinState}
        balance = wallet.balance()
        assert balance.confirmed_sat == sums[CoinState.CONFIRMED]
        assert balance.immature_sat == sums[CoinState.IMMATURE]
        assert balance.trusted_pending_sat == sums[CoinState.CHANGE]
        assert balance.untrusted_pending_sat == sums[CoinState.PENDING]


def _parent(spend: TxIn) -> Txid:
    return outpoint_txid(spend.outpoint)


def _rival(one: Transaction, other: Transaction) -> bool:
    shared = {spend.outpoint for spend in one.inputs} & {spend.outpoint for spend in other.inputs}
    return bool(shared) and one.txid != other.txid


def step(kind: int, rng: Rng, wallet: Wallet, world: Witness, tag: int) -> None:
    chain, receiving = world.chain, [entry.script_pubkey for entry in wallet.addresses()]
    script = rng.choice([*receiving, FOREIGN_SCRIPT])
    have = set(world.confirmed())
    if kind == 0:
        block: list[Transaction] = []
        for tx in world.pool.values():
            if rng.below(2) and all(spend.outpoint[:24] == bytes(24) or _parent(spend) in have for spend in tx.inputs):
                block.append(tx)
                have.add(tx.txid)
        wallet.connect(chain.mine(*block, to=script), NOW)
        world.follow_chain(wallet)
    elif kind == 1 and chain.height:
        _, body = chain.blocks[-1]
        wallet.disconnect(chain.rewind())
        for tx in body[1:]:
            world.seen[tx.txid] = tx
            if world.is_own(tx):
                world.payments[tx.txid] = tx
            world.given_up.pop(tx.txid, None)
            world.pool[tx.txid] = tx
            wallet.add_unconfirmed(tx, NOW)
        world.follow_chain(wallet)
    elif kind == 2:
        world.accept(wallet, pay(script, 1_000 + tag, tag=tag))
    elif kind == 3 and world.pool:
        world.leave(wallet, rng.choice(list(world.pool)))
    elif kind == 4:
        spendable = [coin for coin in wallet.coins() if coin.state in (CoinState.CONFIRMED, CoinState.CHANGE)]
        rivals = [tx for tx in world.pool.values() if world.is_own(tx) and world.is_minable(tx, have)]
        outpoints = [coin.outpoint for coin in spendable] + [tx.inputs[0].outpoint for tx in rivals]
        if outpoints:
            outputs = (TxOut(20 + tag, FOREIGN_SCRIPT), TxOut(700, receiving[0]))
            world.accept(wallet, Transaction(2, (TxIn(rng.choice(sorted(outpoints))),), outputs, tag))
    elif kind == 5 and world.pool:
        loser = rng.choice(list(world.pool.values()))
        if world.is_minable(loser, have):
            winner = Transaction(2, loser.inputs, (TxOut(777, script),), 1_000_000 + tag)
            wallet.connect(chain.mine(winner), NOW)
            world.follow_chain(wallet)
    elif kind == 6 and world.seen:
        old = rng.choice(list(world.seen.values()))
        if old.txid not in have and world.is_minable(old, have | set(world.pool)):
            world.accept(wallet, old)
    elif kind == 7 and world.payments:
        txid = rng.choice(list(world.payments))
        record = wallet.record(txid)
        assert record is not None
        is_waiting = record.state in (RecordState.PENDING, RecordState.REPLACED) and txid not in world.pool
        if is_waiting:
            world.given_up.update(dict.fromkeys(wallet.abandon(txid).txids))
            for revived in wallet.unconfirmed():
                world.given_up.pop(revived.txid, None)
        else:
            with pytest.raises(NotAbandonable):
                wallet.abandon(txid)


@settings(max_examples=times(40), deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=40), st.integers(0, 2**32))
def test_no_history_breaks_a_promise(kinds: list[int], seed: int) -> None:
    wallet = new_wallet()
    for _ in range(3):
        wallet.new_address()
    world = Witness(FakeChain(wallet.scripts()), wallet.scripts())
    rng = Rng(seed.to_bytes(8, "big"))
    for tag, kind in enumerate(kinds, 1):
        step(kind, rng, wallet, world, tag)
        world.check(wallet)
    again = Wallet.from_bytes(wallet.to_bytes(), wallet.network, Rng(b"again"))
    assert again.to_bytes() == wallet.to_bytes()
    for record in again.unconfirmed():
        if record.txid in world.pool:
            again.add_unconfirmed(record.transaction, NOW)
    world.check(again)
    assert again.history(1_000) == wallet.history(1_000)


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
    assert [entry.category for entry in wallet.history(10)] == [HistoryCategory.IMMATURE]
    wallet.connect(chain.mine(), NOW)
    assert wallet.balance().confirmed_sat == 500_000_000
    (entry,) = wallet.history(10)
    assert (entry.category, entry.confirmations, entry.label) == (HistoryCategory.GENERATE, MATURITY + 1, "mine")
    for _ in range(MATURITY + 1):
        wallet.disconnect(chain.rewind())
    assert wallet.balance().spendable_sat == wallet.balance().immature_sat == 0
    (entry,) = wallet.history(10)
    assert (entry.category, entry.confirmations) == (HistoryCategory.ORPHAN, 0)


def test_where_blocks_are_final_a_coinbase_is_spent_as_soon_as_the_rule_has_it() -> None:
    proof = SignersKind((bytes(31) + b"\1",), ("A",))
    wallet = new_wallet(network=replace(REGTEST, proof=proof, coinbase_maturity=2))
    chain = FakeChain(wallet.scripts())
    wallet.connect(chain.mine(to=wallet.new_address("mine").script_pubkey), NOW)
    assert (wallet.balance().confirmed_sat, wallet.balance().immature_sat) == (0, 500_000_000)
    # The next block is the second behind it.
    wallet.connect(chain.mine(), NOW)
    assert (wallet.balance().confirmed_sat, wallet.balance().immature_sat) == (500_000_000, 0)


def test_a_block_that_comes_back_revives_its_coinbase() -> None:
    wallet, chain, script = start()
    summary = chain.mine(to=script)
    wallet.connect(summary, NOW)
    wallet.disconnect(summary)
    wallet.connect(summary, NOW)
    assert wallet.balance().immature_sat == 500_000_000
    assert [entry.category for entry in wallet.history(10)] == [HistoryCategory.IMMATURE]


def test_a_payment_outlives_the_orphaning_of_its_coinbase() -> None:
    # As after a crash: the chain starts below what was acknowledged, and the same blocks come back.
    wallet, chain, script = start()
    summaries = [chain.mine(to=script)]
    previous = chain.blocks[-1][1][0]
    wallet.connect(summaries[0], NOW)
    sent = [previous := pay(script, 1_000_000 - depth, [make_outpoint(previous.txid, 0)]) for depth in range(1500)]
    for payment in sent:
        wallet.add_unconfirmed(payment, NOW)
    wallet.disconnect(summaries[0])
    assert [record.transaction for record in wallet.unconfirmed()] == sent
    wallet.connect(summaries[0], NOW)
    assert wallet.balance().confirmed_sat == 0
    assert [coin.output.value for coin in wallet.coins()] == [1_000_000 - 1_499]


def spent() -> tuple[Wallet, FakeChain, Transaction, Transaction]:
    """A wallet with one confirmed coin of 50,000 and a payment of 40,000 out of it."""
    wallet, chain, script = start()
    funding = pay(script, 50_000, tag=9)
    wallet.connect(chain.mine(funding), NOW)
    sent = pay(FOREIGN_SCRIPT, 40_000, [make_outpoint(funding.txid, 0)])
    wallet.add_unconfirmed(sent, NOW)
    return wallet, chain, funding, sent


def state_of(wallet: Wallet, transaction: Transaction) -> RecordState:
    record = wallet.record(transaction.txid)
    assert record is not None
    return record.state


def test_a_payment_that_leaves_the_mempool_waits_with_its_coins_spent() -> None:
    wallet, chain, _, sent = spent()
    assert [entry.fee_sat for entry in wallet.history_of(sent.txid)] == [-10_000]
    assert wallet.balance().held_sat == 0
    wallet.leave_pool(sent.txid)
    assert [record.transaction for record in wallet.unconfirmed()] == [sent]
    assert (wallet.balance().spendable_sat, wallet.balance().held_sat) == (0, 50_000)
    (entry,) = wallet.history_of(sent.txid)
    assert (entry.category, entry.confirmations, entry.state) == (HistoryCategory.SEND, 0, RecordState.PENDING)
    wallet.connect(chain.mine(sent), NOW)
    assert state_of(wallet, sent) is RecordState.CONFIRMED


def test_the_owner_gives_a_payment_up_and_only_what_waits() -> None:
    wallet, _, funding, sent = spent()
    with pytest.raises(NotAbandonable):
        wallet.abandon(sent.txid)
    with pytest.raises(NotAbandonable):
        wallet.abandon(funding.txid)
    wallet.leave_pool(sent.txid)
    wallet.abandon(sent.txid)
    assert wallet.unconfirmed() == ()
    assert wallet.balance().spendable_sat == 50_000
    assert wallet.history_of(sent.txid)[0].state is RecordState.ABANDONED
    with pytest.raises(NotAbandonable):
        wallet.abandon(sent.txid)
    # Somebody had a copy of it all the same.
    wallet.add_unconfirmed(sent, NOW)
    assert state_of(wallet, sent) is RecordState.PENDING


def test_what_spends_an_abandoned_payment_is_given_up_with_it() -> None:
    wallet, chain, script = start()
    funding = pay(script, 50_000, tag=9)
    wallet.connect(chain.mine(funding), NOW)
    parent = pay(script, 40_000, [make_outpoint(funding.txid, 0)])
    child = pay(FOREIGN_SCRIPT, 30_000, [make_outpoint(parent.txid, 0)])
    for payment in (parent, child):
        wallet.add_unconfirmed(payment, NOW)
        wallet.leave_pool(payment.txid)
    assert wallet.abandon(parent.txid).txids == (parent.txid, child.txid)
    assert wallet.balance().spendable_sat == 50_000


def test_a_replaced_payment_waits_again_once_its_replacement_is_given_up() -> None:
    wallet, _, funding, sent = spent()
    better = pay(FOREIGN_SCRIPT, 39_000, [make_outpoint(funding.txid, 0)])
    wallet.add_unconfirmed(better, NOW)
    assert (state_of(wallet, sent), state_of(wallet, better)) == (RecordState.REPLACED, RecordState.PENDING)
    assert wallet.history_of(sent.txid)[0].conflicts == (better.txid,)
    wallet.leave_pool(better.txid)
    assert state_of(wallet, sent) is RecordState.REPLACED
    wallet.abandon(better.txid)
    assert (state_of(wallet, sent), state_of(wallet, better)) == (RecordState.PENDING, RecordState.ABANDONED)


def test_only_a_block_makes_a_payment_impossible_and_only_while_it_stands() -> None:
    wallet, chain, funding, sent = spent()
    wallet.leave_pool(sent.txid)
    rival = pay(FOREIGN_SCRIPT, 30_000, [make_outpoint(funding.txid, 0)])
    wallet.connect(chain.mine(rival), NOW)
    wallet.connect(chain.mine(), NOW)
    assert state_of(wallet, sent) is RecordState.CONFLICTED
    assert wallet.confirmations(sent.txid) == -2
    with pytest.raises(NotAbandonable):
        wallet.abandon(sent.txid)
    wallet.disconnect(chain.rewind())
    assert state_of(wallet, sent) is RecordState.CONFLICTED
    again = Wallet.from_bytes(wallet.to_bytes(), wallet.network, Rng(b""))
    for each in (wallet, again):
        each.disconnect(chain.blocks[-1][0])
        assert (state_of(each, sent), state_of(each, rival)) == (RecordState.REPLACED, RecordState.PENDING)
        each.leave_pool(rival.txid)
        each.abandon(rival.txid)
        assert state_of(each, sent) is RecordState.PENDING


def test_a_withdrawn_payment_never_was() -> None:
    wallet, _, _, sent = spent()
    wallet.withdraw(sent.txid)
    assert wallet.record(sent.txid) is None
    assert wallet.balance().spendable_sat == 50_000


def test_a_foreign_pending_transaction_leaves_no_trace() -> None:
    wallet, _, script = start()
    incoming = pay(script, 1_000, tag=5)
    assert wallet.add_unconfirmed(incoming, NOW).txids == (incoming.txid,)
    assert wallet.add_unconfirmed(incoming, NOW).txids == ()
    assert wallet.add_unconfirmed(pay(FOREIGN_SCRIPT, 1_000, tag=6), NOW).txids == ()
    assert wallet.balance().untrusted_pending_sat == 1_000
    assert not wallet.is_own(incoming.txid)
    wallet.leave_pool(incoming.txid)
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
        (HistoryCategory.SEND, -49_000, -1_000),
        (HistoryCategory.RECEIVE, 49_000, None),
    ]


def test_a_late_rival_of_a_confirmed_payment_is_not_taken() -> None:
    wallet, chain, script = start()
    loser, winner = pay(script, 1_000, tag=5), Transaction(1, pay(script, 1, tag=5).inputs, (TxOut(900, script),))
    wallet.connect(chain.mine(winner), NOW)
    assert wallet.add_unconfirmed(loser, NOW).txids == ()
    assert [coin.output.value for coin in wallet.coins()] == [900]
