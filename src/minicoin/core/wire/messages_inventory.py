"""Messages that announce, ask for and carry items by hash: inv, getdata, notfound, mempool, tx."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from minicoin.core.primitives.transaction import Transaction


class InvType(IntEnum):
    """What an inventory hash names (BIP37, 144, 152, 339)."""

    TX = 1
    BLOCK = 2
    FILTERED_BLOCK = 3
    CMPCT_BLOCK = 4
    WTX = 5
    WITNESS_TX = 0x4000_0001
    WITNESS_BLOCK = 0x4000_0002


class InventoryVector(NamedTuple):
    """One item: an InvType, or a plain int where the type is unknown to us, and its hash.

    A named tuple like TxIn, since 50,000 of them come in one message.
    """

    type: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Inv:
    """Announces items."""

    inventory: tuple[InventoryVector, ...]


@dataclass(frozen=True, slots=True)
class GetData:
    """Asks for items."""

    inventory: tuple[InventoryVector, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """Items asked for that the sender does not have."""

    inventory: tuple[InventoryVector, ...]


@dataclass(frozen=True, slots=True)
class MemPool:
    """Asks for an inv of the mempool (BIP35)."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction."""

    transaction: Transaction
