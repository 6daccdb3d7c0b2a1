"""Codecs of inv, getdata, notfound and tx. One inv may carry 50,000 items, hence the bulk unpacking."""

from collections.abc import Callable
from functools import partial
from struct import Struct
from typing import Final, TypeVar

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import INVENTORY_PER_MESSAGE_MAX
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.wire.messages_inventory import GetData, Inv, InventoryVector, InvType, NotFound, Tx
from minicoin.core.wire.reader import Reader

T = TypeVar("T")

INVENTORY_VECTOR_SIZE: Final = 36
_VECTOR: Final = Struct("<I32s")
_TYPES: Final[dict[int, int]] = {int(known): known for known in InvType}
# Past the named tuple's own constructor: a third less time for 50,000 of them.
_make_vector: Final[Callable[[tuple[int, bytes]], InventoryVector]] = partial(tuple.__new__, InventoryVector)


def encode_inventory(message: Inv | GetData | NotFound) -> bytes:
    """Raises MisuseError above 50,000 items."""
    inventory = message.inventory
    if len(inventory) > INVENTORY_PER_MESSAGE_MAX:
        raise MisuseError(f"inventory of {len(inventory)} items, at most {INVENTORY_PER_MESSAGE_MAX} allowed")
    pack = _VECTOR.pack
    return encode_compact(len(inventory)) + b"".join([pack(kind, item) for kind, item in inventory])


def decode_inventory(what: str, message: Callable[[tuple[InventoryVector, ...]], T]) -> Callable[[bytes], T]:
    """A decoder of one of the three messages that are a list of vectors."""

    def decode(payload: bytes) -> T:
        reader = Reader(payload, what)
        count = reader.count(INVENTORY_VECTOR_SIZE, INVENTORY_PER_MESSAGE_MAX)
        vectors = reader.take(count * INVENTORY_VECTOR_SIZE)
        reader.end()
        known = _TYPES.get
        return message(tuple([_make_vector((known(kind, kind), item)) for kind, item in _VECTOR.iter_unpack(vectors)]))

    return decode


def encode_tx(message: Tx) -> bytes:
    return message.transaction.raw


def decode_tx(payload: bytes) -> Tx:
    """Raises DecodeError."""
    if not payload:
        raise DecodeError("truncated tx")
    return Tx(Transaction.parse(payload))
