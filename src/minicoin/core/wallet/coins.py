"""What the wallet's unspent outputs are worth and which of them a payment may use, from the ledger's records.

Trust follows Bitcoin Core: unconfirmed outputs of payments whose every input is ours, up through all unconfirmed
ancestors, may be spent; what comes from outside waits for its block.
"""

from minicoin.core.limits import ANCESTORS_MAX
from minicoin.core.primitives.transaction import Outpoint, Txid
from minicoin.core.wallet.ledger import Ledger
from minicoin.core.wallet.records import Balance, CoinState, OwnOutput, WalletCoin

_Ancestries = dict[Txid, frozenset[Txid] | None]


def list_coins(ledger: Ledger) -> tuple[WalletCoin, ...]:
    """Every unspent output of ours."""
    memo: _Ancestries = {}
    return tuple(_coin(ledger, own, memo) for own in ledger.coins.unspent.values())


def sum_balance(ledger: Ledger) -> Balance:
    """The worth of all coins by state."""
    sums = dict.fromkeys(CoinState, 0)
    for coin in list_coins(ledger):
        sums[coin.state] += coin.output.value
    return Balance(
        confirmed_sat=sums[CoinState.CONFIRMED],
        pending_sat=sums[CoinState.PENDING] + sums[CoinState.CHANGE],
        immature_sat=sums[CoinState.IMMATURE],
        trusted_pending_sat=sums[CoinState.CHANGE],
    )


def spendable_coins(ledger: Ledger) -> tuple[list[WalletCoin], list[WalletCoin]]:
    """(confirmed coins, unconfirmed change) for a new payment, the latter as far as the mempool's ancestor limit lets
    all of it be spent at once."""
    memo: _Ancestries = {}
    coins = [coin for own in ledger.coins.unspent.values() if (coin := _coin(ledger, own, memo)).is_spendable]
    ancestry = {coin.outpoint: memo.get(_txid(coin.outpoint)) or frozenset() for coin in coins}
    ancestors: frozenset[Txid] = frozenset()
    change: list[WalletCoin] = []
    waiting = [coin for coin in coins if coin.state is CoinState.CHANGE]
    for coin in sorted(waiting, key=lambda coin: (len(ancestry[coin.outpoint]), coin.outpoint)):
        wider = ancestors | ancestry[coin.outpoint]
        # The limit counts the new payment too.
        if len(wider) < ANCESTORS_MAX:
            ancestors = wider
            change.append(coin)
    return [coin for coin in coins if coin.state is CoinState.CONFIRMED], change


def _txid(outpoint: Outpoint) -> Txid:
    return Txid(outpoint[:32])


def _coin(ledger: Ledger, own: OwnOutput, memo: _Ancestries) -> WalletCoin:
    record = ledger.record(own.txid)
    if record is None:
        raise AssertionError("a coin without its transaction")
    if record.place is None:
        state = CoinState.PENDING if _own_ancestry(ledger, own.txid, memo) is None else CoinState.CHANGE
    else:
        state = CoinState.IMMATURE if ledger.is_immature(record) else CoinState.CONFIRMED
    confirmations = ledger.confirmations(record)
    return WalletCoin(own.outpoint, own.output, own.path, state, confirmations, ledger.coins.is_reserved(own.outpoint))


def _own_ancestry(ledger: Ledger, txid: Txid, memo: _Ancestries) -> frozenset[Txid] | None:
    """A pending transaction with its pending ancestors, or None where one of them spends a foreign coin."""
    order = [txid]
    while order:
        current = order[-1]
        if current in memo:
            order.pop()
            continue
        record = ledger.record(current)
        if record is None:
            raise AssertionError("a pending parent without its record")
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
