"""What workers take and give: refusal reasons, chain updates, transaction verdicts. Plain values that may cross a
thread or a process boundary."""

from dataclasses import dataclass, field
from enum import StrEnum

from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut


class BlockReason(StrEnum):
    """Why a block or header is refused. Names follow Bitcoin Core's reject reasons where it has one."""

    MALFORMED = "malformed"
    UNKNOWN_PARENT = "prev-blk-not-found"
    INVALID_PARENT = "bad-prevblk"
    BAD_PROOF = "high-hash"
    BAD_BITS = "bad-diffbits"
    TIME_TOO_OLD = "time-too-old"
    TIME_TOO_NEW = "time-too-new"
    TIME_WARP = "time-timewarp-attack"
    BAD_VERSION = "bad-version"
    BAD_SIGNATURE = "bad-signet-blksig"
    BAD_MERKLE_ROOT = "bad-txnmrklroot"
    MUTATED = "bad-txns-duplicate"
    BAD_LENGTH = "bad-blk-length"
    BAD_WEIGHT = "bad-blk-weight"
    BAD_SIGOPS = "bad-blk-sigops"
    COINBASE_MISSING = "bad-cb-missing"
    COINBASE_MULTIPLE = "bad-cb-multiple"
    COINBASE_HEIGHT = "bad-cb-height"
    COINBASE_AMOUNT = "bad-cb-amount"
    COINBASE_LENGTH = "bad-cb-length"
    COINBASE_TAGS = "bad-cb-tags"
    COINBASE_ALLOCATION = "bad-cb-allocation"
    WITNESS_MERKLE = "bad-witness-merkle-match"
    WITNESS_NONCE = "bad-witness-nonce-size"
    WITNESS_UNEXPECTED = "unexpected-witness"
    NON_FINAL = "bad-txns-nonfinal"
    BIP30 = "bad-txns-BIP30"
    FEES_OUT_OF_RANGE = "bad-txns-accumulated-fee-outofrange"
    SCRIPT_FAILED = "block-script-verify-flag-failed"
    TRANSACTION = "bad-txns"
    CHECKPOINT = "checkpoint mismatch"
    CERTIFICATE = "bad-certificate"
    SECOND_CERTIFICATE = "second-certificate"
    RECOVERY = "other-recovery"
    MEMBER_CHANGE = "bad-member-change"
    NEXT_MEMBERS = "bad-next-members"
    SETTINGS_CHANGE = "bad-settings-change"
    SETTINGS_UNKNOWN = "unknown-settings"
    MARKED_INVALID = "duplicate-invalid"


class TxReason(StrEnum):
    """Why a transaction is refused, by consensus or by relay policy."""

    MALFORMED = "malformed"
    NO_INPUTS = "bad-txns-vin-empty"
    NO_OUTPUTS = "bad-txns-vout-empty"
    OVERSIZE = "bad-txns-oversize"
    NEGATIVE_VALUE = "bad-txns-vout-negative"
    VALUE_TOO_LARGE = "bad-txns-vout-toolarge"
    TOTAL_TOO_LARGE = "bad-txns-txouttotal-toolarge"
    DUPLICATE_INPUTS = "bad-txns-inputs-duplicate"
    NULL_PREVOUT = "bad-txns-prevout-null"
    MISSING_OR_SPENT = "bad-txns-inputs-missingorspent"
    PREMATURE_COINBASE = "bad-txns-premature-spend-of-coinbase"
    INPUT_VALUES = "bad-txns-inputvalues-outofrange"
    IN_BELOW_OUT = "bad-txns-in-belowout"
    NON_FINAL = "non-final"
    NON_BIP68_FINAL = "non-BIP68-final"
    SCRIPT_FAILED = "mempool-script-verify-flag-failed"
    SIGOPS = "bad-txns-too-many-sigops"
    COINBASE = "coinbase"
    COINBASE_LENGTH = "bad-cb-length"
    COINBASE_TAGS = "bad-cb-tags"
    COINBASE_ALLOCATION = "bad-cb-allocation"
    # Relay policy from here on: never a reason to punish a peer.
    VERSION = "version"
    TX_SIZE = "tx-size"
    TX_SIZE_SMALL = "tx-size-small"
    SCRIPTSIG_SIZE = "scriptsig-size"
    SCRIPTSIG_NOT_PUSHONLY = "scriptsig-not-pushonly"
    SCRIPTPUBKEY = "scriptpubkey"
    DATACARRIER = "datacarrier"
    BARE_MULTISIG = "bare-multisig"
    DUST = "dust"
    EPHEMERAL_UNSPENT = "missing-ephemeral-spends"
    TRUC = "TRUC-violation"
    NONSTANDARD_INPUTS = "bad-txns-nonstandard-inputs"
    WITNESS_NONSTANDARD = "bad-witness-nonstandard"
    MIN_RELAY_FEE = "min relay fee not met"
    MEMPOOL_MIN_FEE = "mempool min fee not met"
    MEMPOOL_FULL = "mempool full"
    REPLACEMENT_DISALLOWED = "bip125-replacement-disallowed"
    INSUFFICIENT_FEE = "insufficient fee"
    TOO_MANY_REPLACED = "too many potential replacements"
    SPENDS_CONFLICTING = "bad-txns-spends-conflicting-tx"
    ADDS_UNCONFIRMED = "replacement-adds-unconfirmed"
    TOO_LONG_CHAIN = "too-long-mempool-chain"
    ALREADY_KNOWN = "txn-already-in-mempool"
    OTHER_WITNESS_KNOWN = "txn-same-nonwitness-data-in-mempool"
    ALREADY_CONFIRMED = "txn-already-known"


def _name(reason: BlockReason, transaction: TxReason | None) -> str:
    """A few faults of transactions have another name where a block commits them; the others keep theirs."""
    return str(transaction if transaction is not None and reason is BlockReason.TRANSACTION else reason)


class BlockRejected(Exception):
    """A block or header breaks a rule. `transaction` says which rule of which transaction, where it was one."""

    def __init__(
        self,
        reason: BlockReason,
        detail: str = "",
        transaction: TxReason | None = None,
        *,
        is_permanent: bool = True,
    ) -> None:
        self.name = _name(reason, transaction)
        """Bitcoin Core's word for it."""
        super().__init__(f"{self.name}{', ' + detail if detail else ''}")
        self.reason = reason
        self.detail = detail
        self.transaction = transaction
        # A mutated body or a time too far ahead says nothing about the hash: it may be good another time.
        self.is_permanent = is_permanent


class TxRejected(Exception):
    """A transaction breaks a rule."""

    def __init__(self, reason: TxReason, detail: str = "") -> None:
        super().__init__(f"{reason}{', ' + detail if detail else ''}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Coin:
    """An unspent output: where it stands and since when."""

    output: TxOut
    height: int
    is_coinbase: bool


@dataclass(frozen=True, slots=True)
class WatchedTransaction:
    """A transaction of a block that touches a watched script: pays to one, or spends a coin of one."""

    transaction: Transaction
    position: int
    spent: tuple[TxOut, ...] = ()
    """The outputs its inputs spend, in input order; empty for the coinbase."""


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """What mempool, wallet and relay need to know of a connected or disconnected block."""

    header: BlockHeader
    height: int
    txids: tuple[Txid, ...]
    spent: tuple[Outpoint, ...] = field(repr=False)
    watched: tuple[WatchedTransaction, ...] = ()
    size: int = 0
    weight: int = 0
    fees_sat: int = 0
    changes: tuple[bytes, ...] = field(default=(), repr=False)
    """What its coinbase changes from a later height on, where members sign, each as it stands there."""

    @property
    def hash(self) -> BlockHash:
        return self.header.hash


@dataclass(frozen=True, slots=True)
class DisconnectedBlock:
    """A block that left the best chain, with the transactions that may return to the mempool (no coinbase)."""

    summary: BlockSummary
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class ChainUpdate:
    """The engine moved: first `disconnected` (tip first), then `connected` (lowest first); now it stands at `tip`."""

    tip: BlockHash
    height: int
    disconnected: tuple[DisconnectedBlock, ...]
    connected: tuple[BlockSummary, ...]


@dataclass(frozen=True, slots=True)
class InvalidBlock:
    """The engine refused a block of the path; it stands at the last good one."""

    hash: BlockHash
    reason: BlockReason
    detail: str
    is_permanent: bool
    transaction: TxReason | None = None
    """The rule a transaction of it broke, where it was one."""

    @property
    def name(self) -> str:
        """Bitcoin Core's word for the reason."""
        return _name(self.reason, self.transaction)


@dataclass(frozen=True, slots=True)
class TxVerdict:
    """Outcome of verifying one transaction against the coins at `tip` (and the parents handed along)."""

    transaction: Transaction
    tip: BlockHash
    fee_sat: int = 0
    sigop_cost: int = 0
    spends_coinbase_height: int | None = None
    """The greatest height of a coinbase it spends, which a reorg may make immature again."""
    spent: tuple[TxOut, ...] = field(default=(), repr=False)
    """The outputs its inputs spend, in input order; empty where one is missing or the transaction was refused."""
    missing: tuple[Outpoint, ...] = ()
    rejected: TxReason | None = None
    detail: str = ""
