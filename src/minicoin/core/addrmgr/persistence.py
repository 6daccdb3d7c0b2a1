"""The book's persisted form: magic, version, key, a zero, entries, SHA-256 of all before. Integers little-endian.

The zero counts anchors, which no version has written yet. Slots of the new table are stored, since they depend on who
told us; slots of the tried table follow from the key. When an address was last dialled is forgotten, as in Bitcoin
Core.
"""

from hashlib import sha256
from struct import Struct
from struct import error as StructError
from typing import Final

from minicoin.core.addrmgr.entry import KnownAddress, read_packed_address
from minicoin.core.addrmgr.groups import is_routable, network_group
from minicoin.core.addrmgr.tables import KEY_BYTES, Tables
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    ADDRESS_BUCKET_SLOTS,
    ADDRESS_NEW_BUCKETS,
    ADDRESS_NEW_SLOTS_PER_ADDRESS,
    ADDRESS_TRIED_BUCKETS,
)

_MAGIC: Final = b"mcab"
_FORMAT: Final = 1
_CHECKSUM_BYTES: Final = 32
_HEAD: Final = Struct(f"<4sB{KEY_BYTES}sBI")
# Services, time, last success, attempts, bytes of the source group, slots of the new table (0: stands in tried).
_FACTS: Final = Struct("<QQQIBB")
_SLOT: Final = Struct("<H")
_ENTRIES_MAX: Final = (ADDRESS_NEW_BUCKETS + ADDRESS_TRIED_BUCKETS) * ADDRESS_BUCKET_SLOTS


def encode_tables(tables: Tables) -> bytes:
    """Entries in the order in which they became known."""
    parts = [_HEAD.pack(_MAGIC, _FORMAT, tables.key, 0, len(tables.entries))]
    for entry in tables.entries.values():
        slots = entry.new_slots
        facts = (entry.services, entry.time, entry.last_success, entry.attempts, len(entry.source_group), len(slots))
        parts += (entry.packed, _FACTS.pack(*facts), entry.source_group)
        parts += [_SLOT.pack(slot) for slot in slots]
    body = b"".join(parts)
    return body + sha256(body).digest()


def decode_tables(raw: bytes, *, allow_private: bool) -> Tables:
    """Raises DecodeError that says what is wrong."""
    if raw[: len(_MAGIC)] != _MAGIC:
        raise DecodeError("not an address book")
    if len(raw) < _HEAD.size + _CHECKSUM_BYTES:
        raise DecodeError("address book is truncated")
    if raw[len(_MAGIC)] != _FORMAT:
        raise DecodeError(f"address book has format {raw[len(_MAGIC)]}, only {_FORMAT} is known")
    body = raw[:-_CHECKSUM_BYTES]
    if sha256(body).digest() != raw[-_CHECKSUM_BYTES:]:
        raise DecodeError("address book's checksum does not match: it is damaged or cut short")
    try:
        return _decode_body(body, allow_private)
    except (StructError, IndexError) as error:
        raise DecodeError("address book ends within an entry") from error


def _decode_body(body: bytes, allow_private: bool) -> Tables:
    _, _, key, anchor_count, entry_count = _HEAD.unpack_from(body)
    if anchor_count:
        raise DecodeError(f"address book holds {anchor_count} anchors, which this version does not know")
    if entry_count > _ENTRIES_MAX:
        raise DecodeError(f"address book claims {entry_count} addresses: too many")
    at = _HEAD.size
    tables = Tables(key)
    for _ in range(entry_count):
        at = _decode_entry(body, at, tables, allow_private)
    if at != len(body):
        raise DecodeError(f"address book has {len(body) - at} bytes behind its last entry")
    return tables


def _decode_entry(body: bytes, at: int, tables: Tables, allow_private: bool) -> int:
    address, at = read_packed_address(body, at)
    services, time, last_success, attempts, group_length, slot_count = _FACTS.unpack_from(body, at)
    at += _FACTS.size
    source_group = body[at : at + group_length]
    at += group_length
    slots = [_SLOT.unpack_from(body, at + 2 * number)[0] for number in range(slot_count)]
    at += 2 * slot_count
    if slot_count > ADDRESS_NEW_SLOTS_PER_ADDRESS:
        raise DecodeError(f"address book holds {address} in {slot_count} slots of the new table")
    if address in tables.entries:
        raise DecodeError(f"address book holds {address} twice")
    if not is_routable(address, allow_private=allow_private):
        return at
    group = network_group(address, allow_private=allow_private)
    entry = KnownAddress(address, group, source_group, services, time)
    entry.last_success, entry.attempts = last_success, attempts
    tables.create(entry)
    if slots:
        _stand_in_new(tables, entry, slots)
    else:
        _stand_in_tried(tables, entry)
    return at


def _stand_in_new(tables: Tables, entry: KnownAddress, slots: list[int]) -> None:
    for slot in slots:
        if tables.new_slot_in(entry, slot // ADDRESS_BUCKET_SLOTS) != slot or tables.new_at(slot) is not None:
            raise DecodeError(f"address book puts {entry.address} into a slot where it cannot stand")
        tables.put_new(entry, slot)


def _stand_in_tried(tables: Tables, entry: KnownAddress) -> None:
    slot = tables.tried_slot(entry)
    if tables.tried_at(slot) is None:
        tables.put_tried(entry, slot)
        return
    # Slots follow from groups, and the rules of groups may have changed since: the later one starts again as new.
    fallback = tables.new_slot(entry, entry.source_group)
    if tables.new_at(fallback) is None:
        tables.put_new(entry, fallback)
    else:
        tables.delete(entry)
