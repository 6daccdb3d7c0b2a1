"""The values the ledger is made of: a wallet transaction with its place, a coin, a balance, a line of history."""

from dataclasses import dataclass, field
from enum import StrEnum

from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut, outpoint_txid
from minicoin.core.units import Micros
from minicoin.core.wallet.keys import KeyPath


class RecordState(StrEnum):
    """Whether a transaction counts. Only the first two do; the others are kept for the history, and to wait again."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    """In no block. Its coins are spent, whether the mempool holds it at the moment or not."""
    REPLACED = "replaced"
    """Another pending transaction of the wallet spends its coins. Pending again should that one be given up."""
    CONFLICTED = "conflicted"
    """A block spends its coins otherwise. Pending again should that block leave the best chain."""
    ABANDONED = "abandoned"
    """Given up by the owner, by nobody else."""
    ORPHAN = "orphan"
    """A coinbase whose block left the best chain."""

    @property
    def is_active(self) -> bool:
        """Whether its inputs are spent and its outputs exist."""
        return self in (RecordState.CONFIRMED, RecordState.PENDING)


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """Where in the best chain a transaction stands; for an orphan where it stood, for a conflicted one where its rival
    stands."""

    hash: BlockHash
    height: int
    position: int
    time: int


@dataclass(frozen=True, slots=True)
class Record:
    """A transaction that pays to the wallet or spends its coins.

    `spent` holds the outputs its inputs spend, in input order, where all are known; else it is empty.
    """

    transaction: Transaction
    state: RecordState
    received_us: Micros
    arrival: int
    place: BlockPlace | None = None
    spent: tuple[TxOut, ...] = ()
    txid: Txid = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "txid", self.transaction.txid)

    @property
    def fee_sat(self) -> int | None:
        """What it pays to the miner; None where not everything it spends is known, and for a coinbase."""
        if not self.spent:
            return None
        return sum(output.value for output in self.spent) - sum(output.value for output in self.transaction.outputs)

    @property
    def order(self) -> tuple[int, int, int]:
        """History order: by place in the chain, what has none behind by arrival."""
        if self.place is None or self.state is RecordState.CONFLICTED:
            return (1, self.arrival, 0)
        return (0, self.place.height, self.place.position)


@dataclass(frozen=True, slots=True)
class OwnOutput:
    """An output of the wallet that an active transaction created."""

    outpoint: Outpoint
    output: TxOut
    path: KeyPath

    @property
    def txid(self) -> Txid:
        return outpoint_txid(self.outpoint)


class CoinState(StrEnum):
    """What can be done with a coin."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    """Unconfirmed and from outside: seen, not to be spent."""
    CHANGE = "change"
    """Unconfirmed, but from a payment of our own: spendable."""
    IMMATURE = "immature"
    WAITING = "waiting"
    """Of a transaction that the mempool does not hold at the moment."""


@dataclass(frozen=True, slots=True)
class WalletCoin:
    """An unspent output of the wallet."""

    outpoint: Outpoint
    output: TxOut
    path: KeyPath
    state: CoinState
    confirmations: int
    is_reserved: bool = False

    @property
    def is_spendable(self) -> bool:
        return self.state in (CoinState.CONFIRMED, CoinState.CHANGE) and not self.is_reserved


@dataclass(frozen=True, slots=True)
class Balance:
    """What the unspent coins are worth. `pending_sat` is everything unconfirmed; of it, `trusted_pending_sat` is the
    change of own payments, which may be spent at once. `held_sat` is the worth of the coins that payments spend which
    the mempool does not hold at the moment; neither these coins nor the change of such payments are in the rest."""

    confirmed_sat: int = 0
    pending_sat: int = 0
    immature_sat: int = 0
    trusted_pending_sat: int = 0
    held_sat: int = 0

    @property
    def spendable_sat(self) -> int:
        """Bitcoin Core's `trusted`, what getbalance answers."""
        return self.confirmed_sat + self.trusted_pending_sat

    @property
    def untrusted_pending_sat(self) -> int:
        """Bitcoin Core's `untrusted_pending`."""
        return self.pending_sat - self.trusted_pending_sat


class HistoryCategory(StrEnum):
    """Bitcoin Core's categories of listtransactions."""

    SEND = "send"
    RECEIVE = "receive"
    GENERATE = "generate"
    IMMATURE = "immature"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """How a transaction of the wallet stands. `confirmations` is 0 while pending, and below 0 where a block of that
    depth made it impossible. `is_trusted` says that it waits in the mempool and nobody but the wallet can keep it from
    being mined; `conflicts` are the wallet's transactions that spend the same coins."""

    txid: Txid
    state: RecordState
    confirmations: int
    place: BlockPlace | None
    received_us: Micros
    is_trusted: bool
    conflicts: tuple[Txid, ...]


@dataclass(frozen=True, slots=True)
class HistoryEntry(TransactionStatus):
    """One output of a wallet transaction from the wallet's view. `amount_sat` and `fee_sat` are negative where they
    leave it."""

    output_index: int
    category: HistoryCategory
    amount_sat: int
    fee_sat: int | None
    script_pubkey: bytes
    address: str | None = None
    label: str = ""
