"""History as listtransactions tells it: one line for each output that matters, newest first."""

import pytest
from tests.unit.wallet.chains import FOREIGN_SCRIPT, GENESIS, NOW, FakeChain, pay
from tests.unit.wallet.test_keyring import FakeAccount

from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.wallet.history import list_history, record_status
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import Chain
from minicoin.core.wallet.ledger import WalletLedger
from minicoin.core.wallet.records import HistoryCategory, RecordState


class Desk:
    """A ledger with a confirmed coin of 50,000."""

    def __init__(self) -> None:
        self.keyring = Keyring(FakeAccount())
        self.ledger = WalletLedger(self.keyring, GENESIS, coinbase_maturity=100)
        self.script = self.keyring.hand_out(Chain.RECEIVING)
        self.change = self.keyring.hand_out(Chain.CHANGE)
        self.chain = FakeChain(self.keyring.scripts())
        self.funding = pay(self.script, 50_000, tag=9)
        self.ledger.connect(self.chain.mine(self.funding), NOW)

    def send(self, *outputs: TxOut) -> Transaction:
        payment = Transaction(2, (TxIn(make_outpoint(self.funding.txid, 0)),), outputs)
        self.ledger.add_pending(payment, NOW)
        return payment

    def lines(self) -> list[tuple[HistoryCategory, int, int | None]]:
        return [(entry.category, entry.amount_sat, entry.fee_sat) for entry in list_history(self.ledger, self.keyring)]


RECEIVED = (HistoryCategory.RECEIVE, 50_000, None)


def test_change_is_neither_sent_nor_received() -> None:
    desk = Desk()
    desk.send(TxOut(30_000, FOREIGN_SCRIPT), TxOut(19_000, desk.change))
    assert desk.lines() == [(HistoryCategory.SEND, -30_000, -1_000), RECEIVED]


def test_a_payment_to_ourselves_is_sent_and_received() -> None:
    desk = Desk()
    desk.send(TxOut(49_000, desk.script))
    assert desk.lines() == [
        (HistoryCategory.RECEIVE, 49_000, None),
        (HistoryCategory.SEND, -49_000, -1_000),
        RECEIVED,
    ]


def test_newest_first_and_within_a_transaction_the_last_output_first() -> None:
    desk = Desk()
    desk.send(TxOut(1_000, FOREIGN_SCRIPT), TxOut(2_000, FOREIGN_SCRIPT))
    assert [amount for _, amount, _ in desk.lines()] == [-2_000, -1_000, 50_000]


def test_a_fee_is_not_guessed_where_a_foreign_coin_is_spent_too() -> None:
    desk = Desk()
    spends = (TxIn(make_outpoint(desk.funding.txid, 0)), TxIn(make_outpoint(b"\x09" * 32, 0)))
    desk.ledger.add_pending(Transaction(2, spends, (TxOut(60_000, FOREIGN_SCRIPT),)), NOW)
    assert desk.lines()[0] == (HistoryCategory.SEND, -60_000, None)


def test_what_others_receive_from_others_is_not_ours() -> None:
    desk = Desk()
    desk.ledger.connect(desk.chain.mine(pay(FOREIGN_SCRIPT, 5_000, tag=4)), NOW)
    assert desk.lines() == [RECEIVED]


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_status_tells_place_confirmations_and_rivals(is_confirmed: bool) -> None:
    desk = Desk()
    payment = desk.send(TxOut(40_000, FOREIGN_SCRIPT))
    rival = desk.send(TxOut(30_000, FOREIGN_SCRIPT))
    if is_confirmed:
        desk.ledger.connect(desk.chain.mine(rival), NOW)
    record = desk.ledger.record(payment.txid)
    assert record is not None
    status = record_status(record, desk.ledger)
    assert status.conflicts == (rival.txid,)
    assert status.state is (RecordState.CONFLICTED if is_confirmed else RecordState.REPLACED)
    assert (status.confirmations, status.is_trusted) == (-1 if is_confirmed else 0, False)
