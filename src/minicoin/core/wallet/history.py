"""The wallet's history, line by line as Bitcoin Core's listtransactions tells it, newest first."""

from collections.abc import Iterator
from dataclasses import replace

from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import Chain
from minicoin.core.wallet.ledger import Ledger
from minicoin.core.wallet.records import Category, HistoryEntry, Record, RecordState


def list_history(ledger: Ledger, keyring: Keyring) -> Iterator[HistoryEntry]:
    """One entry per output that matters: what we sent, what we received; our own change is neither."""
    for record in ledger.newest_first():
        yield from reversed(record_entries(record, ledger, keyring))


def record_entries(record: Record, ledger: Ledger, keyring: Keyring) -> list[HistoryEntry]:
    """The entries of one transaction, in output order, a payment to ourselves as sent and received."""
    is_ours = ledger.debit_sat(record) > 0
    fee = record.fee_sat if is_ours else None
    received_as = _received_category(record, ledger)
    entries: list[HistoryEntry] = []
    for index, output in enumerate(record.transaction.outputs):
        path = keyring.path_of(output.script_pubkey)
        if is_ours and path is not None and path.chain is Chain.CHANGE:
            continue
        entry = HistoryEntry(
            txid=record.txid,
            output_index=index,
            category=received_as,
            amount_sat=output.value,
            fee_sat=None,
            script_pubkey=output.script_pubkey,
            confirmations=ledger.confirmations(record),
            place=record.place,
            received_us=record.received_us,
            is_abandoned=record.state is RecordState.INACTIVE and not record.transaction.is_coinbase,
        )
        if is_ours:
            sent_fee = None if fee is None else -fee
            entries.append(replace(entry, category=Category.SEND, amount_sat=-output.value, fee_sat=sent_fee))
        if path is not None:
            entries.append(entry)
    return entries


def _received_category(record: Record, ledger: Ledger) -> Category:
    if not record.transaction.is_coinbase:
        return Category.RECEIVE
    if record.state is not RecordState.CONFIRMED:
        return Category.ORPHAN
    return Category.IMMATURE if ledger.is_immature(record) else Category.GENERATE
