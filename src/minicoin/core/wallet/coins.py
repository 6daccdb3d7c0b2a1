"""What the wallet's unspent outputs are worth and which of them a payment may use, from the ledger's records.

Trust follows Bitcoin Core: unconfirmed outputs of payments whose every input is ours, up through all unconfirmed
ancestors, may be spent; what comes from outside waits for its block. What the mempool does not hold is worth nothing
for now, and neither are the coins it spends.
"""

from dataclasses import dataclass
from heapq import nsmallest

from minicoin.core.limits import ANCESTORS_MAX, WALLET_PAYMENT_CANDIDATES_MAX
from minicoin.core.primitives.transaction import Txid
from minicoin.core.wallet.ledger import WalletLedger
from minicoin.core.wallet.records import Balance, CoinState, OwnOutput, Record, WalletCoin


@dataclass(frozen=True, slots=True)
class SpendableCoins:
    """Candidates for a payment; `total_sat` counts the confirmed coins too that are too many to look at, `waiting_sat`
    the change that a block must free first."""

    confirmed: tuple[WalletCoin, ...]
    change: tuple[WalletCoin, ...]
    total_sat: int
    waiting_sat: int = 0


_Ancestries = dict[Txid, frozenset[Txid] | None]


def list_coins(ledger: WalletLedger) -> tuple[WalletCoin, ...]:
    """Every unspent output of ours."""
    memo: _Ancestries = {}
    return tuple(_coin(ledger, own, memo) for own in ledger.coins.unspent.values())


def sum_balance(ledger: WalletLedger) -> Balance:
    """The worth of all coins by state."""
    sums = dict.fromkeys(CoinState, 0)
    memo: _Ancestries = {}
    for own in ledger.coins.unspent.values():
        sums[_state(ledger, _record(ledger, own.txid), memo)] += own.output.value
    return Balance(
        confirmed_sat=sums[CoinState.CONFIRMED],
        pending_sat=sums[CoinState.PENDING] + sums[CoinState.CHANGE],
        immature_sat=sums[CoinState.IMMATURE],
        trusted_pending_sat=sums[CoinState.CHANGE],
        held_sat=sum(
            _held_sat(ledger, record, memo) for record in ledger.pending() if not ledger.is_pooled(record.txid)
        ),
    )


def is_trusted(ledger: WalletLedger, record: Record) -> bool:
    """Whether an unconfirmed transaction is a payment of ours in the mempool, and so is all that it needs."""
    is_waiting = ledger.is_pending(record.txid) and ledger.is_pooled(record.txid)
    return is_waiting and _own_ancestry(ledger, record.txid, {}) is not None


def _held_sat(ledger: WalletLedger, record: Record, memo: _Ancestries) -> int:
    """The worth of the coins that could be spent if the transaction did not."""
    spent = (ledger.coins.output(spend.outpoint) for spend in record.transaction.inputs)
    return sum(
        own.output.value
        for own in spent
        if own is not None
        and _state(ledger, _record(ledger, own.txid), memo) in (CoinState.CONFIRMED, CoinState.CHANGE)
    )


def spendable_coins(ledger: WalletLedger) -> SpendableCoins:
    """The coins for a new payment: the most valuable confirmed ones, and unconfirmed change as far as the mempool's
    ancestor limit lets all of it be spent at once."""
    memo: _Ancestries = {}
    by_state: dict[CoinState, list[OwnOutput]] = {state: [] for state in CoinState}
    for own in ledger.coins.unspent.values():
        if not ledger.coins.is_reserved(own.outpoint):
            by_state[_state(ledger, _record(ledger, own.txid), memo)].append(own)
    confirmed = by_state[CoinState.CONFIRMED]
    total = sum(own.output.value for own in confirmed)
    largest = nsmallest(WALLET_PAYMENT_CANDIDATES_MAX, confirmed, key=lambda own: (-own.output.value, own.outpoint))
    ancestry = {own.outpoint: memo[own.txid] or frozenset() for own in by_state[CoinState.CHANGE]}
    ancestors: frozenset[Txid] = frozenset()
    change: list[WalletCoin] = []
    waiting = sum(own.output.value for own in by_state[CoinState.WAITING])
    for own in sorted(by_state[CoinState.CHANGE], key=lambda own: (len(ancestry[own.outpoint]), own.outpoint)):
        wider = ancestors | ancestry[own.outpoint]
        # The limit counts the new payment too.
        if len(wider) < ANCESTORS_MAX:
            ancestors = wider
            change.append(_coin(ledger, own, memo))
        else:
            waiting += own.output.value
    total += sum(coin.output.value for coin in change)
    return SpendableCoins(tuple(_coin(ledger, own, memo) for own in largest), tuple(change), total, waiting)


def _record(ledger: WalletLedger, txid: Txid) -> Record:
    record = ledger.record(txid)
    if record is None:
        raise AssertionError("an active output without its transaction")
    return record


def _state(ledger: WalletLedger, record: Record, memo: _Ancestries) -> CoinState:
    if record.place is None:
        if not ledger.is_pooled(record.txid):
            return CoinState.WAITING
        return CoinState.PENDING if _own_ancestry(ledger, record.txid, memo) is None else CoinState.CHANGE
    return CoinState.IMMATURE if ledger.is_immature(record) else CoinState.CONFIRMED


def _coin(ledger: WalletLedger, own: OwnOutput, memo: _Ancestries) -> WalletCoin:
    record = _record(ledger, own.txid)
    state = _state(ledger, record, memo)
    is_reserved = ledger.coins.is_reserved(own.outpoint)
    return WalletCoin(own.outpoint, own.output, own.path, state, ledger.confirmations(record), is_reserved)


def _own_ancestry(ledger: WalletLedger, txid: Txid, memo: _Ancestries) -> frozenset[Txid] | None:
    """A pending transaction with its pending ancestors, or None where one of them spends a foreign coin."""
    order = [txid]
    while order:
        current = order[-1]
        if current in memo:
            order.pop()
            continue
        record = _record(ledger, current)
        owned = [ledger.coins.output(spend.outpoint) for spend in record.transaction.inputs]
        if None in owned:
            memo[current] = None
            continue
        parents = dict.fromkeys(own.txid for own in owned if own is not None and ledger.is_pending(own.txid))
        unknown = [parent for parent in parents if parent not in memo]
        if unknown:
            order += unknown
            continue
        known = [ancestry for parent in parents if (ancestry := memo[parent]) is not None]
        memo[current] = frozenset((current,)).union(*known) if len(known) == len(parents) else None
    return memo[txid]
