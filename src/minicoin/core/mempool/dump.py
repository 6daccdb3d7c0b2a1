"""The mempool's form on disk: what survives a restart. Own transactions first where not everything fits.

Form: magic, count (u32), then per transaction arrival time (u64, microseconds), flags (bit 0: own, bit 1: no peer has
it yet), length (u32) and the transaction as on the wire. Everything is verified anew when it is read back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError

from minicoin.core.faults import DecodeError
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.table import EntryTable, ancestors
from minicoin.core.mempool.unbroadcast import Unbroadcast
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.units import Micros

_MAGIC = b"mcmp\x01"
_COUNT = Struct("<I")
_RECORD = Struct("<QBI")
_OWN = 1
_UNBROADCAST = 2


@dataclass(frozen=True, slots=True)
class DumpedTransaction:
    """A transaction that stood in the mempool of an earlier run."""

    transaction: Transaction
    time: Micros
    is_own: bool
    is_unbroadcast: bool = False


def encode_dump(
    table: EntryTable, unbroadcast: Unbroadcast, bytes_max: int, waiting: Iterable[DumpedTransaction] = ()
) -> bytes:
    """As much of the table as fits, parents before children, and then of what waits to get there."""
    kept: dict[Txid, Entry] = {}
    room = bytes_max - len(_MAGIC) - _COUNT.size
    for entry in (*(entry for entry in table if entry.is_own), *table):
        if entry.txid in kept:
            continue
        above = ancestors(entry).values() if entry.parents else ()
        package = [needed for needed in (*above, entry) if needed.txid not in kept]
        size = sum(_RECORD.size + needed.transaction.size for needed in package)
        if size <= room:
            room -= size
            kept.update((needed.txid, needed) for needed in package)
    records = [
        _record(DumpedTransaction(entry.transaction, Micros(entry.time), entry.is_own, entry.txid in unbroadcast))
        for entry in sorted(kept.values(), key=lambda e: e.sequence)
    ]
    for dumped in waiting:
        record = _record(dumped)
        if len(record) <= room:
            room -= len(record)
            records.append(record)
    return b"".join((_MAGIC, _COUNT.pack(len(records)), *records))


def _record(dumped: DumpedTransaction) -> bytes:
    raw = dumped.transaction.raw
    flags = (_OWN if dumped.is_own else 0) | (_UNBROADCAST if dumped.is_unbroadcast else 0)
    return _RECORD.pack(dumped.time, flags, len(raw)) + raw


def decode_dump(raw: bytes) -> list[DumpedTransaction]:
    """Raises DecodeError where the dump is not one."""
    if not raw.startswith(_MAGIC):
        raise DecodeError("not a mempool dump of this version")
    try:
        (count,) = _COUNT.unpack_from(raw, len(_MAGIC))
        at = len(_MAGIC) + _COUNT.size
        found: list[DumpedTransaction] = []
        for _ in range(count):
            time, flags, length = _RECORD.unpack_from(raw, at)
            at += _RECORD.size + length
            transaction = Transaction.parse(raw[at - length : at])
            found.append(DumpedTransaction(transaction, Micros(time), bool(flags & _OWN), bool(flags & _UNBROADCAST)))
    except StructError as error:
        raise DecodeError("truncated mempool dump") from error
    if at != len(raw):
        raise DecodeError("bytes behind the mempool dump")
    return found
