"""Puts a payment together: coins, fee, change, lock time. Pure: the wallet gives coins and a change script.

Sizes are those of P2WPKH inputs with the longest signature, so the fee paid is never below the rate asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from minicoin.core.encoding.compact import compact_length
from minicoin.core.limits import WALLET_FEE_SAT_MAX, WALLET_PAYMENT_CANDIDATES_MAX
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, output_size
from minicoin.core.rng import Rng
from minicoin.core.script.policy import STANDARD_WEIGHT_MAX, dust_threshold_sat
from minicoin.core.units import MONEY_MAX_SAT, format_coins
from minicoin.core.wallet.coins import SpendableCoins
from minicoin.core.wallet.errors import InsufficientFunds, PaymentRefused, WalletError
from minicoin.core.wallet.records import WalletCoin
from minicoin.core.wallet.selection import make_candidates, select_exact, select_with_change

TX_VERSION: Final = 2
SEQUENCE_REPLACEABLE: Final = 0xFFFF_FFFD
"""Signals BIP125 and lets the lock time count."""

# Outpoint, empty script and sequence count four times; the witness is a count, a signature of at most 72 bytes with
# its sighash byte and a key of 33, each behind its length.
_INPUT_WEIGHT: Final = 4 * 41 + 1 + 1 + 72 + 1 + 33
# More than fit are never looked at.
assert STANDARD_WEIGHT_MAX // _INPUT_WEIGHT <= WALLET_PAYMENT_CANDIDATES_MAX
_LOCK_TIME_AHEAD_ODDS = 10
_LOCK_TIME_BACK_BLOCKS = 100


@dataclass(frozen=True, slots=True)
class PaymentPlan:
    """What to pay. The feerate is in satoshi per 1,000 virtual bytes; the outputs named by index in
    `fee_from_outputs` bear the fee in equal parts, otherwise it comes on top. One that `empties` the wallet has one
    output, of no value: it gets everything that can be spent and is worth its fee, less the fee."""

    outputs: tuple[TxOut, ...]
    fee_sat_kvb: int
    fee_from_outputs: tuple[int, ...] = ()
    empties: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsigned payment: the coins its inputs spend, in input order, and where the change stands."""

    transaction: Transaction
    coins: tuple[WalletCoin, ...]
    fee_sat: int
    change_index: int | None


def fee_for(weight: int, fee_sat_kvb: int) -> int:
    """The fee of a transaction of that weight, rounded up."""
    vsize = (weight + 3) // 4
    return -(-vsize * fee_sat_kvb // 1_000)


def draft_payment(plan: PaymentPlan, coins: SpendableCoins, change_script: bytes, tip_height: int, rng: Rng) -> Draft:
    """Choose coins, unconfirmed change only where confirmed ones do not suffice, and build the transaction. Raises
    PaymentRefused or InsufficientFunds."""
    if plan.empties:
        plan, everything = _plan_everything(plan, coins)
        return _build(plan, everything, change_script, tip_height, rng)
    _check_plan(plan)
    fitting = inputs_max((*plan.outputs, TxOut(0, change_script)))
    chosen = _choose(plan, coins.confirmed, change_script, fitting)
    if coins.change and (chosen is None or len(chosen) > fitting):
        chosen = _choose(plan, [*coins.confirmed, *coins.change], change_script, fitting)
    if chosen is None:
        raise _shortage(plan, coins)
    if len(chosen) > fitting:
        # They are the most valuable ones, or one of the others would have done.
        raise _too_many_coins(plan, chosen[:fitting])
    return _build(plan, chosen, change_script, tip_height, rng)


def inputs_max(outputs: Sequence[TxOut]) -> int:
    """How many coins of ours fit into a standard transaction with these outputs."""
    # From 253 on the count of the inputs takes three bytes instead of one.
    return (STANDARD_WEIGHT_MAX - _weight(outputs, 0) - 4 * 2) // _INPUT_WEIGHT


def _plan_everything(plan: PaymentPlan, coins: SpendableCoins) -> tuple[PaymentPlan, list[WalletCoin]]:
    """The plan that pays the worth of all coins to the one output, which bears the fee, and these coins."""
    if len(plan.outputs) != 1:
        raise PaymentRefused("everything can go to one receiver only")
    candidates = make_candidates([*coins.confirmed, *coins.change], fee_for(_INPUT_WEIGHT, plan.fee_sat_kvb))
    fitting = inputs_max(plan.outputs)
    chosen = [candidate.coin for candidate in candidates]
    if len(chosen) > fitting or (
        sum(coin.output.value for coin in chosen) < coins.total_sat and len(chosen) == fitting
    ):
        raise _too_many_coins(plan, chosen[:fitting])
    worth = sum(coin.output.value for coin in chosen)
    if not chosen:
        raise InsufficientFunds(fee_for(_weight(plan.outputs, 1), plan.fee_sat_kvb), coins.total_sat, coins.waiting_sat)
    output = plan.outputs[0]._replace(value=worth)
    return PaymentPlan((output,), plan.fee_sat_kvb, (0,)), chosen


def _check_plan(plan: PaymentPlan) -> None:
    if not plan.outputs:
        raise PaymentRefused("a payment needs an output")
    if plan.fee_sat_kvb < 0:
        raise PaymentRefused("a feerate cannot be negative")
    if any(not 0 <= index < len(plan.outputs) for index in plan.fee_from_outputs):
        raise PaymentRefused("the fee cannot come from an output that the payment does not have")
    for output in plan.outputs:
        _check_value(output)
    if sum(output.value for output in plan.outputs) > MONEY_MAX_SAT:
        raise PaymentRefused("the amount is larger than all the money there can be")
    if _weight(plan.outputs, 1) > STANDARD_WEIGHT_MAX:
        raise PaymentRefused("the payment has too many outputs for one transaction")


def _check_value(output: TxOut) -> None:
    threshold = dust_threshold_sat(output)
    if output.value < threshold or output.value < 0:
        least = format_coins(threshold)
        raise PaymentRefused(
            f"the amount {format_coins(output.value)} is dust: an output of this kind must have at least {least}"
        )


def _weight(outputs: Sequence[TxOut], input_count: int) -> int:
    """Of a transaction of ours with those outputs and so many inputs."""
    fixed = 4 + 4 + compact_length(input_count) + compact_length(len(outputs))
    return 4 * (fixed + sum(output_size(output) for output in outputs)) + 2 + input_count * _INPUT_WEIGHT


def _choose(
    plan: PaymentPlan, coins: Sequence[WalletCoin], change_script: bytes, fitting: int
) -> list[WalletCoin] | None:
    rate = plan.fee_sat_kvb
    amount = sum(output.value for output in plan.outputs)
    change = TxOut(0, change_script)
    change_min = _change_min(change_script, rate)
    if plan.fee_from_outputs:
        # The outputs pay the fee: the coins need bring no more than the amount.
        candidates = make_candidates(coins, 0)
        exact = select_exact(candidates, amount, change_min - 1, fitting)
        return exact or select_with_change(candidates, amount + change_min) or select_with_change(candidates, amount)
    input_fee = fee_for(_INPUT_WEIGHT, rate)
    candidates = make_candidates(coins, input_fee)
    target = amount + fee_for(_weight(plan.outputs, 0), rate)
    with_change = amount + fee_for(_weight((*plan.outputs, change), 0), rate)
    # Without change the excess goes to the miner: as long as it is below what making and spending change would cost.
    exact = select_exact(candidates, target, with_change - target + input_fee, fitting)
    if exact is not None:
        return exact
    return select_with_change(candidates, with_change + change_min) or select_with_change(candidates, target)


def _change_min(change_script: bytes, fee_sat_kvb: int) -> int:
    """The least change worth having: no dust, and worth more than it will cost to spend."""
    return max(dust_threshold_sat(TxOut(0, change_script)), fee_for(_INPUT_WEIGHT, fee_sat_kvb) + 1)


def _shortage(plan: PaymentPlan, coins: SpendableCoins) -> WalletError:
    """How much there is, and how much it would take with the fee of spending what was looked at."""
    amount = sum(output.value for output in plan.outputs)
    count = max(len(coins.confirmed) + len(coins.change), 1)
    needed = amount + (0 if plan.fee_from_outputs else fee_for(_weight(plan.outputs, count), plan.fee_sat_kvb))
    looked_at = [*coins.confirmed, *coins.change]
    if sum(coin.output.value for coin in looked_at) < coins.total_sat and needed <= coins.total_sat:
        # Those looked at are the most valuable ones, and more than fit.
        return _too_many_coins(plan, coins.confirmed[: inputs_max(plan.outputs)])
    return InsufficientFunds(needed, coins.total_sat, coins.waiting_sat)


def _too_many_coins(plan: PaymentPlan, fitting: Sequence[WalletCoin]) -> PaymentRefused:
    most = sum(coin.output.value for coin in fitting) - fee_for(_weight(plan.outputs, len(fitting)), plan.fee_sat_kvb)
    amount = format_coins(max(most, 0))
    return PaymentRefused(
        f"so many small coins do not fit into one transaction: at most {amount} can be sent at once. "
        "Send that first, then the rest"
    )


def _build(plan: PaymentPlan, coins: Sequence[WalletCoin], change_script: bytes, tip_height: int, rng: Rng) -> Draft:
    brought = sum(coin.output.value for coin in coins)
    amount = sum(output.value for output in plan.outputs)
    change = TxOut(0, change_script)
    fee = fee_for(_weight((*plan.outputs, change), len(coins)), plan.fee_sat_kvb)
    over = brought - amount - (0 if plan.fee_from_outputs else fee)
    has_change = over >= _change_min(change_script, plan.fee_sat_kvb)
    if not has_change:
        fee = fee_for(_weight(plan.outputs, len(coins)), plan.fee_sat_kvb)
        over = brought - amount if plan.fee_from_outputs else 0
    outputs = _bear_fee(plan, fee if has_change else fee - over)
    change_index = rng.below(len(outputs) + 1) if has_change else None
    if change_index is not None:
        outputs.insert(change_index, change._replace(value=over))
    shuffled = list(coins)
    rng.shuffle(shuffled)
    inputs = tuple(TxIn(coin.outpoint, b"", SEQUENCE_REPLACEABLE) for coin in shuffled)
    transaction = Transaction(TX_VERSION, inputs, tuple(outputs), _lock_time(tip_height, rng))
    paid = brought - sum(output.value for output in outputs)
    if paid > WALLET_FEE_SAT_MAX:
        raise PaymentRefused(
            f"the fee of {format_coins(paid)} is above the limit of {format_coins(WALLET_FEE_SAT_MAX)}"
        )
    return Draft(transaction, tuple(shuffled), paid, change_index)


def _bear_fee(plan: PaymentPlan, fee_sat: int) -> list[TxOut]:
    """The outputs, less the fee where they bear it; the first bears what does not divide."""
    outputs = list(plan.outputs)
    bearers = dict.fromkeys(plan.fee_from_outputs)
    if not bearers or fee_sat <= 0:
        return outputs
    part, rest = divmod(fee_sat, len(bearers))
    for place, index in enumerate(bearers):
        left = outputs[index].value - part - (rest if place == 0 else 0)
        outputs[index] = outputs[index]._replace(value=left)
        _check_value(outputs[index])
    return outputs


def _lock_time(tip_height: int, rng: Rng) -> int:
    """Only the next block may take it, so that nobody gains from mining an old block anew; now and then a little
    earlier, as payments that were delayed are."""
    if rng.below(_LOCK_TIME_AHEAD_ODDS):
        return tip_height
    return max(0, tip_height - rng.below(_LOCK_TIME_BACK_BLOCKS))
