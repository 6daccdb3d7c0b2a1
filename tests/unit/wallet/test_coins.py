"""What coins are worth and which a payment may use: our own change at once, what comes from outside after its block."""

from tests.unit.wallet.chains import FOREIGN_SCRIPT, GENESIS, NOW, FakeChain, pay
from tests.unit.wallet.test_keyring import FakeAccount

from minicoin.core.limits import ANCESTORS_MAX, WALLET_PAYMENT_CANDIDATES_MAX
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.wallet import coins
from minicoin.core.wallet.coins import is_trusted, list_coins, spendable_coins, sum_balance
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import Chain
from minicoin.core.wallet.ledger import WalletLedger
from minicoin.core.wallet.records import CoinState


class Desk:
    """A ledger with one script, and what happens to it."""

    def __init__(self) -> None:
        keyring = Keyring(FakeAccount())
        self.ledger = WalletLedger(keyring, GENESIS, coinbase_maturity=100)
        self.script = keyring.hand_out(Chain.RECEIVING)
        self.chain = FakeChain(keyring.scripts())

    def confirm(self, *transactions: Transaction) -> None:
        self.ledger.connect(self.chain.mine(*transactions), NOW)

    def coin(self, value: int, tag: int = 1) -> Transaction:
        """A confirmed coin."""
        funding = pay(self.script, value, tag=tag)
        self.confirm(funding)
        return funding

    def receive(self, value: int, tag: int = 99) -> Transaction:
        """An unconfirmed one from outside."""
        payment = pay(self.script, value, tag=tag)
        self.ledger.add_pending(payment, NOW)
        return payment

    def keep(self, parent: Transaction, value: int) -> Transaction:
        """An unconfirmed payment of ours, whose change is `value`."""
        payment = pay(self.script, value, [make_outpoint(parent.txid, 0)])
        self.ledger.add_pending(payment, NOW)
        return payment

    def states(self) -> dict[int, CoinState]:
        return {coin.output.value: coin.state for coin in list_coins(self.ledger)}


def test_change_of_our_own_is_spendable_and_what_comes_from_outside_waits() -> None:
    desk = Desk()
    desk.keep(desk.coin(50_000), 40_000)
    desk.receive(7_000)
    desk.coin(3_000, tag=2)
    assert desk.states() == {40_000: CoinState.CHANGE, 7_000: CoinState.PENDING, 3_000: CoinState.CONFIRMED}
    found = spendable_coins(desk.ledger)
    assert [coin.output.value for coin in (*found.confirmed, *found.change)] == [3_000, 40_000]
    assert (found.total_sat, found.waiting_sat) == (43_000, 0)
    assert sum_balance(desk.ledger).spendable_sat == 43_000


def test_a_foreign_coin_anywhere_above_makes_change_wait() -> None:
    desk = Desk()
    foreign = desk.receive(50_000)
    child = desk.keep(foreign, 40_000)
    grandchild = desk.keep(child, 30_000)
    assert desk.states() == {30_000: CoinState.PENDING}
    record = desk.ledger.record(grandchild.txid)
    assert record is not None and not is_trusted(desk.ledger, record)
    # Its block makes the whole chain ours.
    desk.confirm(foreign)
    assert desk.states() == {30_000: CoinState.CHANGE}
    assert is_trusted(desk.ledger, record)


def test_what_the_mempool_does_not_hold_is_worth_nothing_for_now_and_neither_is_what_it_spends() -> None:
    desk = Desk()
    payment = desk.keep(desk.coin(50_000), 40_000)
    desk.ledger.leave_pool(payment.txid)
    assert desk.states() == {40_000: CoinState.WAITING}
    balance = sum_balance(desk.ledger)
    assert (balance.spendable_sat, balance.pending_sat, balance.held_sat) == (0, 0, 50_000)
    assert spendable_coins(desk.ledger).waiting_sat == 40_000


def test_change_is_offered_as_far_as_all_of_it_could_be_spent_at_once() -> None:
    desk = Desk()
    last = desk.coin(1_000_000)
    for depth in range(ANCESTORS_MAX - 1):
        last = desk.keep(last, 1_000_000 - 1 - depth)
    assert len(spendable_coins(desk.ledger).change) == 1
    longer = desk.keep(last, 5_000)
    found = spendable_coins(desk.ledger)
    assert (found.change, found.waiting_sat) == ((), longer.outputs[0].value)


def test_of_many_confirmed_coins_the_most_valuable_are_looked_at_and_all_are_counted(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    assert WALLET_PAYMENT_CANDIDATES_MAX > 3
    monkeypatch.setattr(coins, "WALLET_PAYMENT_CANDIDATES_MAX", 3)
    desk = Desk()
    for number in range(1, 6):
        desk.coin(number * 1_000, tag=number)
    found = spendable_coins(desk.ledger)
    assert [coin.output.value for coin in found.confirmed] == [5_000, 4_000, 3_000]
    assert found.total_sat == 15_000


def test_a_payment_of_two_coins_one_of_them_foreign_is_not_trusted() -> None:
    desk = Desk()
    ours = make_outpoint(desk.coin(50_000).txid, 0)
    theirs = make_outpoint(b"\x09" * 32, 0)
    mixed = Transaction(2, (TxIn(ours), TxIn(theirs)), (TxOut(60_000, desk.script), TxOut(1, FOREIGN_SCRIPT)))
    desk.ledger.add_pending(mixed, NOW)
    assert desk.states() == {60_000: CoinState.PENDING}
