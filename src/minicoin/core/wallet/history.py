"""The wallet's history, line by line as Bitcoin Core's listtransactions tells it, newest first."""

from collections.abc import Iterator

from minicoin.core.wallet.coins import is_trusted
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import Chain
from minicoin.core.wallet.ledger import WalletLedger
from minicoin.core.wallet.records import HistoryCategory, HistoryEntry, Record, RecordState, TransactionStatus


def list_history(ledger: WalletLedger, keyring: Keyring) -> Iterator[HistoryEntry]:
    """One entry per output that matters: what we sent, what we received; our own change is neither."""
    for record in ledger.newest_first():
        yield from reversed(record_entries(record, ledger, keyring))


def record_status(record: Record, ledger: WalletLedger) -> TransactionStatus:
    """How the transaction stands as a whole."""
    return TransactionStatus(
        record.txid,
        record.state,
        ledger.confirmations(record),
        record.place,
        record.received_us,
        is_trusted(ledger, record),
        ledger.coins.rivals(record.transaction),
    )


def record_entries(record: Record, ledger: WalletLedger, keyring: Keyring) -> list[HistoryEntry]:
    """The entries of one transaction, in output order, a payment to ourselves as sent and received."""
    is_ours = ledger.debit_sat(record) > 0
    fee = record.fee_sat if is_ours else None
    sent_fee = None if fee is None else -fee
    received_as = _received_category(record, ledger)
    status = record_status(record, ledger)
    entries: list[HistoryEntry] = []
    for index, output in enumerate(record.transaction.outputs):
        path = keyring.path_of(output.script_pubkey)
        if is_ours and path is not None and path.chain is Chain.CHANGE:
            continue
        if is_ours:
            entries.append(_entry(status, index, HistoryCategory.SEND, -output.value, sent_fee, output.script_pubkey))
        if path is not None:
            entries.append(_entry(status, index, received_as, output.value, None, output.script_pubkey))
    return entries


def _entry(
    status: TransactionStatus,
    index: int,
    category: HistoryCategory,
    amount_sat: int,
    fee_sat: int | None,
    script: bytes,
) -> HistoryEntry:
    return HistoryEntry(
        txid=status.txid,
        state=status.state,
        confirmations=status.confirmations,
        place=status.place,
        received_us=status.received_us,
        is_trusted=status.is_trusted,
        conflicts=status.conflicts,
        output_index=index,
        category=category,
        amount_sat=amount_sat,
        fee_sat=fee_sat,
        script_pubkey=script,
    )


def _received_category(record: Record, ledger: WalletLedger) -> HistoryCategory:
    if not record.transaction.is_coinbase:
        return HistoryCategory.RECEIVE
    if record.state is not RecordState.CONFIRMED:
        return HistoryCategory.ORPHAN
    return HistoryCategory.IMMATURE if ledger.is_immature(record) else HistoryCategory.GENERATE
