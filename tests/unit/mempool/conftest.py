"""A mempool beside a model of the verifier: a coin set that judges what the mempool asks to verify."""

from collections.abc import Sequence
from typing import cast

import pytest
from tests.unit.alarms import check_alarm

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.effects import Effect, VerifyTransaction
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.outcomes import Accepted, MempoolChange, MempoolOutcome
from minicoin.core.mempool.packages import HeldParents
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mempool.pool import Mempool
from minicoin.core.mempool.table import EntryTable
from minicoin.core.mempool.unbroadcast import Unbroadcast
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import BlockSummary, ChainUpdate, DisconnectedBlock, TxReason, TxVerdict
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros

SCRIPT = b"\x00\x14" + bytes(20)
POLICY = MempoolPolicy(min_relay_feerate=1_000, incremental_feerate=1_000)
"""One satoshi a virtual byte, so that prices in tests are easy to follow."""
T0 = Micros(1_700_000_000_000_000)


class OpenPool(Mempool):
    """A mempool that shows what it keeps."""

    @property
    def table(self) -> EntryTable:
        return self._table

    @property
    def untold(self) -> Unbroadcast:
        return self._unbroadcast

    @property
    def held(self) -> HeldParents:
        return self._held

    @property
    def first_to_go(self) -> Txid:
        """Who leaves a full pool first."""
        first = self._table.worst_first.first()
        assert first is not None
        return first[1]

    def raise_floor(self, feerate: float) -> None:
        """As after having been full. Satoshi for 1,000 virtual bytes."""
        self._floor.raise_above(feerate)


class World:
    """A mempool, the coins its verifier knows, and shorthand for what happens around it."""

    def __init__(self, policy: MempoolPolicy | None = None) -> None:
        self.pool = OpenPool(policy or POLICY, Rng(b"test"), coinbase_maturity=100)
        self.coins: dict[Outpoint, TxOut] = {}
        self.coinbase_heights: dict[Outpoint, int] = {}
        self.bad: set[Txid] = set()
        self.tip = ZERO_HASH
        self.height = 0
        self.now = T0
        self.verified: list[Transaction] = []
        self._spent: dict[Outpoint, TxOut] = {}
        self._fresh = 0

    def coin(self, value: int = 1_000_000) -> Outpoint:
        """A new confirmed coin."""
        self._fresh += 1
        outpoint = make_outpoint(Txid(sha256d(b"coin" + self._fresh.to_bytes(4, "big"))), 0)
        self.coins[outpoint] = TxOut(value, SCRIPT)
        return outpoint

    def value(self, outpoint: Outpoint) -> int:
        output = self.coins.get(outpoint) or self.pool.output(outpoint)
        assert output is not None
        return output.value

    def spend(
        self,
        inputs: Sequence[Outpoint],
        fee: int = 1_000,
        outputs: int = 1,
        *,
        sequence: int = 0xFFFFFFFF,
        pad: int = 0,
        total: int | None = None,
        version: int = 2,
        dust: int | None = None,
    ) -> Transaction:
        """A transaction over these coins that pays `fee` and splits the rest; `pad` bytes of witness make it bigger.
        `dust` is the value of one more output, in front."""
        value = (sum(map(self.value, inputs)) if total is None else total) - fee - (dust or 0)
        share = value // outputs
        paid = [share] * (outputs - 1) + [value - share * (outputs - 1)]
        witness = ((b"\x01" * 64, bytes(pad)),) + ((b"\x01" * 64,),) * (len(inputs) - 1)
        return Transaction(
            version,
            tuple(TxIn(name, b"", sequence) for name in inputs),
            tuple(TxOut(each, SCRIPT) for each in ([] if dust is None else [dust]) + paid),
            0,
            witness,
        )

    def offer(self, transaction: Transaction, source: int | None = 1) -> MempoolOutcome:
        """Submit and verify; the outcome of this very transaction."""
        effects = self.pool.submit(transaction, None if source is None else ConnId(source), self.now)
        outcomes = self.drain(effects)
        return next(o for o in reversed(outcomes) if outcome_txid(o) == transaction.txid)

    def accept(self, transaction: Transaction, source: int | None = 1) -> Accepted:
        outcome = self.offer(transaction, source)
        assert isinstance(outcome, Accepted), outcome
        return outcome

    def drain(self, effects: Sequence[Effect]) -> list[MempoolOutcome]:
        """Let the verifier answer until nothing is asked any more."""
        waiting = list(effects)
        outcomes: list[MempoolOutcome] = []
        while waiting:
            verdict = self.judge(cast(VerifyTransaction, waiting.pop(0)))
            outcome, more = self.pool.on_verified(verdict, self.tip, self.now)
            outcomes.append(outcome)
            waiting += more
            check_alarm(self.pool)
        return outcomes

    def judge(self, effect: VerifyTransaction) -> TxVerdict:
        transaction = effect.transaction
        self.verified.append(transaction)
        known = {**self.coins, **dict(effect.parents)}
        missing = tuple(spend.outpoint for spend in transaction.inputs if spend.outpoint not in known)
        if missing:
            return TxVerdict(transaction, self.tip, missing=missing)
        if transaction.txid in self.bad:
            return TxVerdict(transaction, self.tip, rejected=TxReason.SCRIPT_FAILED)
        fee = sum(known[spend.outpoint].value for spend in transaction.inputs) - sum(
            o.value for o in transaction.outputs
        )
        heights = [h for spend in transaction.inputs if (h := self.coinbase_heights.get(spend.outpoint)) is not None]
        return TxVerdict(
            transaction,
            self.tip,
            fee_sat=fee,
            sigop_cost=len(transaction.inputs),
            spends_coinbase_height=max(heights, default=None),
        )

    # --- chain ---

    def summary(self, transactions: Sequence[Transaction], height: int, salt: int = 0) -> BlockSummary:
        header = BlockHeader(4, self.tip, bytes(32), height, 0, salt)
        coinbase = Txid(sha256d(b"coinbase" + header.hash))
        return BlockSummary(
            header,
            height,
            (coinbase, *(t.txid for t in transactions)),
            tuple(spend.outpoint for t in transactions for spend in t.inputs),
            weight=1_000,
        )

    def connect(self, *transactions: Transaction, salt: int = 0) -> MempoolChange:
        """A block with these transactions."""
        return self.reorganise([], [transactions], salt)

    def reorganise(
        self, leaving: Sequence[Sequence[Transaction]], coming: Sequence[Sequence[Transaction]], salt: int = 1
    ) -> MempoolChange:
        """Take blocks off (tip first) and put others on; answers what the mempool did, effects still pending."""
        disconnected = []
        for transactions in leaving:
            for transaction in reversed(transactions):
                for index in range(len(transaction.outputs)):
                    self.coins.pop(make_outpoint(transaction.txid, index), None)
                for spend in transaction.inputs:
                    self.coins[spend.outpoint] = self._spent[spend.outpoint]
            disconnected.append(DisconnectedBlock(self.summary(transactions, self.height), tuple(transactions)))
            self.height -= 1
        connected = []
        for transactions in coming:
            self.height += 1
            summary = self.summary(transactions, self.height, salt)
            for transaction in transactions:
                for spend in transaction.inputs:
                    self._spent[spend.outpoint] = self.coins.pop(spend.outpoint)
                for index, output in enumerate(transaction.outputs):
                    self.coins[make_outpoint(transaction.txid, index)] = output
            self.tip = BlockHash(summary.hash)
            connected.append(summary)
        if not connected:
            self.tip = BlockHash(sha256d(self.tip))
        update = ChainUpdate(self.tip, self.height, tuple(disconnected), tuple(connected))
        change = self.pool.on_chain_update(update, self.now)
        check_alarm(self.pool)
        return change

    @staticmethod
    def out(transaction: Transaction, index: int = 0) -> Outpoint:
        return make_outpoint(transaction.txid, index)

    def entry(self, transaction: Transaction) -> Entry:
        found = self.pool.get(transaction.txid)
        assert found is not None
        return found


def outcome_txid(outcome: MempoolOutcome) -> Txid:
    return outcome.entry.txid if isinstance(outcome, Accepted) else outcome.transaction.txid


@pytest.fixture(scope="session")
def make_world() -> type[World]:
    """The class, for tests that need another policy or several worlds."""
    return World


@pytest.fixture
def world() -> World:
    """One with the default policy."""
    return World()
