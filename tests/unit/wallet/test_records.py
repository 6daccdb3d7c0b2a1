"""The values of the ledger: which states count, what a fee is, and the order of history."""

from dataclasses import replace

from tests.unit.wallet.chains import FOREIGN_SCRIPT, NOW, pay

from minicoin.core.primitives.transaction import TxOut
from minicoin.core.wallet.keys import Chain, KeyPath
from minicoin.core.wallet.records import (
    Balance,
    BlockPlace,
    CoinState,
    Record,
    RecordState,
    WalletCoin,
)

PAYMENT = pay(FOREIGN_SCRIPT, 40_000)
PENDING = Record(PAYMENT, RecordState.PENDING, NOW, arrival=3)


def test_two_states_count() -> None:
    assert [state for state in RecordState if state.is_active] == [RecordState.CONFIRMED, RecordState.PENDING]


def test_a_fee_is_known_where_everything_spent_is() -> None:
    assert PENDING.txid == PAYMENT.txid
    assert PENDING.fee_sat is None
    assert replace(PENDING, spent=(TxOut(50_000, FOREIGN_SCRIPT),)).fee_sat == 10_000


def test_history_goes_by_place_and_what_has_none_comes_behind_by_arrival() -> None:
    place = BlockPlace(bytes(32), 7, 2, 0)
    records = [
        replace(PENDING, arrival=1),
        replace(PENDING, state=RecordState.CONFLICTED, place=place, arrival=0),
        replace(PENDING, state=RecordState.CONFIRMED, place=replace(place, position=3), arrival=9),
        replace(PENDING, state=RecordState.CONFIRMED, place=place, arrival=8),
    ]
    assert [record.arrival for record in sorted(records, key=lambda record: record.order)] == [8, 9, 0, 1]


def test_a_coin_is_spent_when_it_is_ours_to_spend_and_no_payment_has_it() -> None:
    coin = WalletCoin(PAYMENT.inputs[0].outpoint, PAYMENT.outputs[0], KeyPath(Chain.RECEIVING, 0), CoinState.CHANGE, 0)
    spendable = [state for state in CoinState if replace(coin, state=state).is_spendable]
    assert spendable == [CoinState.CONFIRMED, CoinState.CHANGE]
    assert not replace(coin, is_reserved=True).is_spendable


def test_a_balance_is_split_as_bitcoin_core_splits_it() -> None:
    balance = Balance(confirmed_sat=100, pending_sat=30, trusted_pending_sat=20)
    assert (balance.spendable_sat, balance.untrusted_pending_sat) == (120, 10)
