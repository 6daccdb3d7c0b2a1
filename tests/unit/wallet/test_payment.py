"""Payments the wallet builds: verified by the kernel, relayed by the policy, at no less than the rate asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wallet.chains import FOREIGN_SCRIPT, NOW, FakeChain, new_wallet, pay
from tests.unit.wallet.kernel import verifies

from minicoin.core.encoding.numbers import parse_coins
from minicoin.core.primitives.transaction import Transaction, TxOut, outpoint_txid
from minicoin.core.script.policy import STANDARD_WEIGHT_MAX, check_standard
from minicoin.core.script.standard import data_output, data_pushes
from minicoin.core.wallet.errors import InsufficientFunds, PaymentRefused
from minicoin.core.wallet.keys import Chain
from minicoin.core.wallet.payment import PaymentPlan
from minicoin.core.wallet.views import Payment
from minicoin.core.wallet.wallet import Wallet

RATE = 5_000


def funded(values: list[int]) -> tuple[Wallet, FakeChain, dict[bytes, TxOut]]:
    """A wallet with confirmed coins of these values, and what each outpoint holds."""
    wallet = new_wallet()
    script = wallet.new_address().script_pubkey
    chain = FakeChain(wallet.scripts())
    wallet.connect(chain.mine(*(pay(script, value, tag=tag) for tag, value in enumerate(values, 1))), NOW)
    return wallet, chain, {coin.outpoint: coin.output for coin in wallet.coins()}


def send(value: int, rate: int = RATE, bears_fee: bool = False) -> PaymentPlan:
    return PaymentPlan((TxOut(value, FOREIGN_SCRIPT),), rate, (0,) if bears_fee else ())


def check(payment: Payment, plan: PaymentPlan, held: dict[bytes, TxOut]) -> None:
    transaction = payment.transaction
    spent = [held[spend.outpoint] for spend in transaction.inputs]
    assert verifies(transaction, spent)
    check_standard(transaction)
    paid = sum(output.value for output in spent) - sum(output.value for output in transaction.outputs)
    assert paid == payment.fee_sat
    assert paid * 1_000 >= transaction.vsize * plan.fee_sat_kvb
    assert all(spend.sequence == 0xFFFFFFFD for spend in transaction.inputs)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(300, 200_000), min_size=1, max_size=12),
    st.integers(294, 500_000),
    st.sampled_from([0, 1_000, 1_234, 20_000]),
    st.booleans(),
)
def test_any_payment_is_valid_or_refused_with_a_reason(
    values: list[int], amount: int, rate: int, bears_fee: bool
) -> None:
    wallet, _, held = funded(values)
    plan = send(amount, rate, bears_fee)
    before = wallet.balance()
    try:
        payment = wallet.build_payment(plan)
    except InsufficientFunds as error:
        assert error.available_sat == sum(values)
        assert amount + (0 if bears_fee else rate * 80 * len(values) // 1_000 + rate) > sum(values)
        return
    except PaymentRefused as error:
        assert bears_fee
        assert "dust" in str(error)
        return
    check(payment, plan, held)
    others = [output for index, output in enumerate(payment.transaction.outputs) if index != payment.change_index]
    assert len(others) == 1
    assert others[0].value == amount if not bears_fee else others[0].value <= amount
    if payment.change_index is not None:
        assert wallet.find_key(payment.transaction.outputs[payment.change_index].script_pubkey) is not None
    assert wallet.balance() == before
    if not bears_fee:
        # What goes to the miner above the rate is at most what change would have cost to make and to spend.
        vsize = payment.transaction.vsize + len(payment.transaction.inputs)
        assert payment.fee_sat <= rate * (vsize + 31 + 68) // 1_000 + 294 + len(values) + 3


def test_change_is_spendable_at_once_and_coins_are_reserved() -> None:
    wallet, chain, held = funded([100_000])
    payment = wallet.build_payment(send(30_000))
    assert payment.must_watch
    with pytest.raises(InsufficientFunds):
        wallet.build_payment(send(30_000))
    wallet.add_unconfirmed(payment.transaction, NOW)
    balance = wallet.balance()
    assert balance.confirmed_sat == 0
    assert balance.trusted_pending_sat == balance.pending_sat == 100_000 - 30_000 - payment.fee_sat
    second = wallet.build_payment(send(30_000))
    assert outpoint_txid(second.transaction.inputs[0].outpoint) == payment.transaction.txid
    held |= {second.transaction.inputs[0].outpoint: payment.transaction.outputs[payment.change_index or 0]}
    check(second, send(30_000), held)
    wallet.add_unconfirmed(second.transaction, NOW)
    sent = [record.transaction for record in wallet.unconfirmed()]
    assert sent == [payment.transaction, second.transaction]
    wallet.connect(chain.mine(payment.transaction, second.transaction), NOW)
    assert wallet.unconfirmed() == ()
    assert wallet.balance().confirmed_sat == 100_000 - 60_000 - payment.fee_sat - second.fee_sat


def test_a_refused_payment_frees_its_coins() -> None:
    wallet, _, _ = funded([100_000])
    payment = wallet.build_payment(send(30_000))
    assert wallet.coins()[0].is_reserved
    wallet.withdraw(payment.transaction.txid)
    assert not wallet.coins()[0].is_reserved
    assert wallet.build_payment(send(30_000)).transaction.inputs[0].outpoint == wallet.coins()[0].outpoint


def test_incoming_unconfirmed_coins_are_not_spent() -> None:
    wallet, _, _ = funded([1_000])
    wallet.add_unconfirmed(pay(wallet.addresses()[0].script_pubkey, 90_000, tag=99), NOW)
    with pytest.raises(InsufficientFunds) as refused:
        wallet.build_payment(send(30_000))
    assert refused.value.available_sat == 1_000
    assert str(refused.value).startswith("Insufficient funds: ")
    assert refused.value.needed_sat > 30_000


def test_an_exact_set_needs_no_change() -> None:
    wallet, _, held = funded([50_000, 20_551, 9_000])
    # 1 input, 1 output: 110 virtual bytes at 5 sat, and one to spare.
    payment = wallet.build_payment(send(20_000))
    assert payment.change_index is None
    assert [held[spend.outpoint].value for spend in payment.transaction.inputs] == [20_551]
    assert not payment.must_watch


def test_the_whole_balance_can_be_sent() -> None:
    wallet, _, held = funded([50_000, 20_000, 9_000])
    plan = send(79_000, bears_fee=True)
    payment = wallet.build_payment(plan)
    check(payment, plan, held)
    assert len(payment.transaction.inputs) == 3
    assert [output.value for output in payment.transaction.outputs] == [79_000 - payment.fee_sat]


def test_outputs_share_the_fee() -> None:
    wallet, _, _ = funded([100_000])
    outputs = tuple(TxOut(value, FOREIGN_SCRIPT) for value in (20_000, 30_000, 10_000))
    payment = wallet.build_payment(PaymentPlan(outputs, RATE, (0, 2)))
    left = [o.value for index, o in enumerate(payment.transaction.outputs) if index != payment.change_index]
    half, rest = divmod(payment.fee_sat, 2)
    assert left == [20_000 - half - rest, 30_000, 10_000 - half]


def test_data_is_carried() -> None:
    wallet, _, held = funded([100_000])
    plan = PaymentPlan((data_output(b"bpm=70"),), RATE)
    payment = wallet.build_payment(plan)
    check(payment, plan, held)
    carried = [data_pushes(output.script_pubkey) for output in payment.transaction.outputs]
    assert (b"bpm=70",) in carried
    entry = wallet.history_of(payment.transaction.txid)
    assert entry == ()
    wallet.add_unconfirmed(payment.transaction, NOW)
    (entry,) = wallet.history_of(payment.transaction.txid)
    assert (entry.amount_sat, entry.fee_sat, entry.address) == (0, -payment.fee_sat, None)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (PaymentPlan((), RATE), "needs an output"),
        (send(293), r"0\.00000293 is dust: .* at least 0\.00000294"),
        (send(-1), "dust"),
        (send(1_000, -1), "negative"),
        (send(22_000_000 * 100_000_000), "all the money"),
        (PaymentPlan((TxOut(1_000, FOREIGN_SCRIPT),), RATE, (1,)), "does not have"),
        (PaymentPlan((TxOut(1_000, FOREIGN_SCRIPT),) * 4_000, RATE), "too many outputs"),
        (send(1_000, 90_000_000), "fee of .* above the limit"),
    ],
)
def test_what_cannot_be_paid_says_why(plan: PaymentPlan, message: str) -> None:
    wallet, _, _ = funded([20 * 100_000_000])
    with pytest.raises(PaymentRefused, match=message):
        wallet.build_payment(plan)
    assert not any(coin.is_reserved for coin in wallet.coins())
    assert wallet.addresses(Chain.CHANGE) == ()


def test_three_hundred_small_coins_can_be_sent_whole_and_in_part() -> None:
    values = [1_000_000] * 300
    for plan in (
        send(250_000_000),
        send(300_000_000, bears_fee=True),
        PaymentPlan((TxOut(0, FOREIGN_SCRIPT),), RATE, empties=True),
    ):
        wallet, _, held = funded(values)
        payment = wallet.build_payment(plan)
        check(payment, plan, held)
        assert len(payment.transaction.inputs) >= 250


def test_a_transaction_takes_as_many_coins_as_are_standard() -> None:
    wallet, _, held = funded([10_000] * 1_600)
    with pytest.raises(PaymentRefused, match="at most ") as refused:
        wallet.build_payment(send(15_000_000))
    most = parse_coins(str(refused.value).split("at most ")[1].split()[0])
    plan = send(most)
    payment = wallet.build_payment(plan)
    check(payment, plan, held)
    assert 399_000 < payment.transaction.weight <= STANDARD_WEIGHT_MAX
    whole, _, _ = funded([10_000] * 1_600)
    with pytest.raises(PaymentRefused, match="can be sent at once"):
        whole.build_payment(PaymentPlan((TxOut(0, FOREIGN_SCRIPT),), RATE, empties=True))


def test_the_larger_coins_make_room() -> None:
    wallet, _, held = funded([10_000] * 1_500 + [9_000_000, 8_000_000])
    plan = send(20_000_000)
    payment = wallet.build_payment(plan)
    check(payment, plan, held)
    assert len(payment.transaction.inputs) < 320


def test_emptying_leaves_nothing_but_what_costs_more_than_it_brings() -> None:
    wallet, _, _ = funded([50_000, 60_000, 300])
    wallet.add_unconfirmed(wallet.build_payment(send(55_000)).transaction, NOW)
    plan = PaymentPlan((TxOut(0, FOREIGN_SCRIPT),), 20_000, empties=True)
    payment = wallet.build_payment(plan)
    assert payment.change_index is None
    assert len(payment.transaction.outputs) == 1
    wallet.add_unconfirmed(payment.transaction, NOW)
    assert wallet.balance().spendable_sat in (0, 300)
    with pytest.raises(InsufficientFunds):
        wallet.build_payment(plan)


def test_lock_times_are_at_the_tip_or_a_little_behind() -> None:
    wallet, chain, _ = funded([100_000])
    while wallet.tip.height < 200:
        wallet.connect(chain.mine(), NOW)
    lock_times = []
    for _ in range(60):
        payment = wallet.build_payment(send(30_000))
        lock_times.append(payment.transaction.lock_time)
        wallet.withdraw(payment.transaction.txid)
    assert all(100 < lock_time <= 200 for lock_time in lock_times)
    assert lock_times.count(200) > 40
    assert min(lock_times) < 200


def test_equal_wallets_build_equal_payments() -> None:
    def build() -> Transaction:
        wallet, _, _ = funded([50_000, 60_000])
        return wallet.build_payment(send(80_000)).transaction

    assert build() == build()


def test_a_long_chain_of_own_change_stops_at_the_ancestor_limit() -> None:
    wallet, _, _ = funded([10_000_000])
    for _ in range(25):
        wallet.add_unconfirmed(wallet.build_payment(send(1_000)).transaction, NOW)
    with pytest.raises(InsufficientFunds):
        wallet.build_payment(send(1_000))
    assert wallet.balance().trusted_pending_sat > 9_000_000
