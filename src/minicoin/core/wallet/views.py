"""What a wallet answers: values for node, RPC and dashboard."""

from dataclasses import dataclass

from minicoin.core.effects import Rescan
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.units import Micros
from minicoin.core.wallet.keys import KeyPath
from minicoin.core.wallet.ledger import Tip
from minicoin.core.wallet.records import Balance


@dataclass(frozen=True, slots=True)
class WalletChange:
    """What an event did: the wallet's transactions it touched, whether the watch set grew, a rescan to start."""

    txids: tuple[Txid, ...] = ()
    must_watch: bool = False
    rescan: Rescan | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A signed payment whose coins are reserved until the mempool takes it or refuses it."""

    transaction: Transaction
    fee_sat: int
    change_index: int | None
    must_watch: bool


@dataclass(frozen=True, slots=True)
class HandedOutAddress:
    """A fresh address; not to be told outside before the wallet was saved and its script is watched."""

    address: str
    script_pubkey: bytes


@dataclass(frozen=True, slots=True)
class AddressEntry:
    """An address that was handed out, or seen on the chain."""

    address: str
    label: str
    path: KeyPath
    script_pubkey: bytes


@dataclass(frozen=True, slots=True)
class WalletSnapshot:
    """The wallet from outside."""

    name: str
    is_encrypted: bool
    is_locked: bool
    unlocked_until: Micros | None
    balance: Balance
    tip: Tip
    receiving_addresses: int
    change_addresses: int
    transactions: int
    rescan_height: int | None
    """Up to where a rescan under way has come."""
