"""Checks one loose transaction against the coins at the tip, for the next block: what the mempool asks for.

Consensus only, in the order of Bitcoin Core's PreChecks; relay policy and conflicts are the mempool's.
"""

from collections.abc import Callable

from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.connect import check_relative_locks
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.tx_rules import check_inputs, check_transaction, has_relative_locks, is_final
from minicoin.core.chain.undo import COIN_HEAD, pack_coin
from minicoin.core.chain.verifier import ScriptCheck, ScriptVerifier, VerifiedScripts
from minicoin.core.limits import BLOCK_SIGOP_COST_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import Coin, TxReason, TxRejected, TxVerdict
from minicoin.core.script.sigops import transaction_sigop_cost


class TxChecker:
    """One look at the coins; keeps nothing but what it verified."""

    def __init__(self, coins: CoinsCache, verifier: ScriptVerifier, verified: VerifiedScripts) -> None:
        self._coins = coins
        self._verifier = verifier
        self._verified = verified

    def verify(
        self,
        transaction: Transaction,
        parents: tuple[tuple[Outpoint, TxOut], ...],
        rules: RuleSet,
        tip: BlockHash,
        median_time_at: Callable[[int], int],
    ) -> TxVerdict:
        """The verdict under the rules of the next block. Inputs that neither the coins nor `parents` hold are named
        in `missing`, which is no refusal."""
        try:
            self._check_alone(transaction, rules)
            packed = self._find_coins(transaction, parents, rules.height)
            missing = tuple(
                entry.outpoint for entry, coin in zip(transaction.inputs, packed, strict=True) if coin is None
            )
            if missing:
                return TxVerdict(transaction, tip, missing=missing)
            return self._check_spending(
                transaction, [coin for coin in packed if coin is not None], rules, tip, median_time_at
            )
        except TxRejected as refusal:
            return TxVerdict(transaction, tip, rejected=refusal.reason, detail=refusal.detail)

    def _check_alone(self, transaction: Transaction, rules: RuleSet) -> None:
        check_transaction(transaction)
        if transaction.is_coinbase:
            raise TxRejected(TxReason.COINBASE)
        # BIP113's median time is policy before it is consensus: a block would take it either way.
        if not is_final(transaction, rules.height, rules.median_time_past):
            raise TxRejected(TxReason.NON_FINAL, f"lock time {transaction.lock_time}")
        for index in range(len(transaction.outputs)):
            if self._coins.get(make_outpoint(transaction.txid, index)) is not None:
                raise TxRejected(TxReason.ALREADY_CONFIRMED)

    def _find_coins(
        self, transaction: Transaction, parents: tuple[tuple[Outpoint, TxOut], ...], height: int
    ) -> list[bytes | None]:
        # An unconfirmed parent counts as confirmed in the next block.
        known = {outpoint: pack_coin(Coin(output, height, False)) for outpoint, output in parents}
        return [known.get(entry.outpoint) or self._coins.get(entry.outpoint) for entry in transaction.inputs]

    def _check_spending(
        self,
        transaction: Transaction,
        packed: list[bytes],
        rules: RuleSet,
        tip: BlockHash,
        median_time_at: Callable[[int], int],
    ) -> TxVerdict:
        # As with BIP113, a lock is kept before the rule is in force.
        if has_relative_locks(transaction):
            check_relative_locks(transaction, packed, rules, median_time_at)
        fee, spent = check_inputs(transaction, packed, rules.height, rules.coinbase_maturity)
        cost = transaction_sigop_cost(transaction, spent)
        if cost > BLOCK_SIGOP_COST_MAX:
            raise TxRejected(TxReason.SIGOPS, f"cost {cost}")
        failure = self._verifier.first_failure([ScriptCheck(transaction, spent, rules.script_flags)])
        if failure is not None:
            raise TxRejected(TxReason.SCRIPT_FAILED, f"input {failure.input}")
        self._verified.add(transaction.wtxid, rules.script_flags)
        codes = [COIN_HEAD.unpack_from(coin)[0] for coin in packed]
        coinbases = [code >> 1 for code in codes if code & 1]
        return TxVerdict(
            transaction,
            tip,
            fee_sat=fee,
            sigop_cost=cost,
            spends_coinbase_height=max(coinbases, default=None),
            spent=tuple(spent),
        )
