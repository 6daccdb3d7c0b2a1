"""What commands are answered: each with its own frozen value, or refused for one of the reasons there are.

core/commands says which command has which answer. The numbers that RPC's clients know are rpc's.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.transaction import Transaction, Txid, Wtxid
from minicoin.core.signers.changes import MemberChange


class Reason(StrEnum):
    """Why a command was refused."""

    INVALID = "invalid"
    """What it asks makes no sense, whatever the node's state."""
    UNABLE = "unable"
    """It makes sense and cannot be done: not on this network, not any more, or it was tried and failed."""
    STOPPED = "stopped"
    """The node shuts down, or its chain stands still for a fault that the text names."""
    CROWDED = "crowded"
    """Too many wait for the same already."""
    NOT_SAVED = "not-saved"
    """The disk refused."""
    WRONG_ROLE = "wrong-role"
    """A node of this role keeps nothing of what it takes."""

    UNKNOWN_PEER = "unknown-peer"
    NO_SLOT = "no-slot"
    """No connection of this kind is free."""

    UNKNOWN_BLOCK = "unknown-block"
    HEADER_REFUSED = "header-refused"
    UNKNOWN_TRANSACTION = "unknown-transaction"
    TRANSACTION_REFUSED = "transaction-refused"
    COINS_MISSING = "coins-missing"
    """A transaction spends what is not there, or not any more."""
    ALREADY_CONFIRMED = "already-confirmed"
    NO_TEMPLATE = "no-template"
    """There will be no other block template to wait for."""

    WALLET_OFF = "wallet-off"
    """The node runs without a wallet, and can have none."""
    NO_WALLET = "no-wallet"
    WALLET_FAILED = "wallet-failed"
    WALLET_LOCKED = "wallet-locked"
    WRONG_PASSPHRASE = "wrong-passphrase"
    WRONG_ENCRYPTION_STATE = "wrong-encryption-state"
    """Locking or unlocking what has no passphrase."""
    INSUFFICIENT_FUNDS = "insufficient-funds"
    NOT_ABANDONABLE = "not-abandonable"
    """The wallet knows no such payment, or it may still be confirmed."""


RECORDS_ARE_OFF: Final = "the nodes of this network exchange no records: its file does not say own_messages = true"

MEMBERS_SIGN: Final = (
    "the members of this network sign its blocks in turn: nobody mines, and no block is taken that they did not sign"
)
NO_MEMBERS: Final = "nobody signs the blocks of this network: it has no members"

NO_SETTINGS: Final = (
    "nobody signs the blocks of this network: what its nodes go by is their operators' choice, and what its founders "
    "sign, where it has any (minicoin records put config VALUE --key NAME)"
)
ADMISSION_IS_OFF: Final = "anybody may connect to the nodes of this network: its file has no admission"

WALLET_IS_OFF: Final = "Method not found (this node runs without a wallet, as one that is recorded does)"


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to a command that was not carried out, or not to its end; `text` is for people."""

    reason: Reason
    text: str


class CommandRefused(Exception):
    """A command or a read from outside that the node refused."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


@dataclass(frozen=True, slots=True)
class Done:
    """It is carried out, and there is nothing to tell of it."""


# --- network ---


class LetterProblem(StrEnum):
    """Why a letter went no further."""

    NO_WAY = "no-way"
    """Whoever had it has nobody to give it to."""
    NO_ANSWER = "no-answer"
    """Those it was given to were silent, or left."""
    NO_RECEIPT = "no-receipt"
    """It was taken, and how it ended nobody said in time."""
    TOO_FAR = "too-far"
    """Its hops are used up."""
    GONE_ROUND = "gone-round"
    """It came back to where it had been."""
    CROWDED = "crowded"
    """Too many letters there."""
    EXPIRED = "expired"
    """Its time of writing is too far from what the clock there says."""
    NOT_SAVED = "not-saved"
    """The addressee's disk refused it."""


class Outcome(StrEnum):
    """What became of a letter, as far as its sender can know."""

    DELIVERED = "delivered"
    """The addressee signed that it has it."""
    FAILED = "failed"
    """No receipt came in time. It may have arrived all the same; the same letter sent again does no harm."""
    MAYBE = "maybe"
    """No way is known: it was given to neighbours to pass on, and no receipt came in time."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a letter.

    `hops`: how many it took to a receipt. `hop` and `problem`: where it failed, counted from here, and why.
    `neighbours`: how many were given a letter without a way.
    """

    outcome: Outcome
    letter_id: bytes
    hops: int = 0
    hop: int = 0
    problem: LetterProblem | None = None
    neighbours: int = 0


# --- records ---


@dataclass(frozen=True, slots=True)
class RecordSigned:
    """A record with our signature. It is on disk and goes to peers, unless signatures of others are `missing`: then it
    is held nowhere, and its bytes are what they are to sign."""

    encoded: bytes
    version: int
    expires_s: int
    """Unix time; 0 for never."""
    missing: int = 0


@dataclass(frozen=True, slots=True)
class MembersDrafted:
    """A change of the member list with every signature known here, ours among them, which is on disk."""

    change: MemberChange
    quorum: int
    missing: int
    """So many more members must sign before a block carries it."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SigningKeyHeld:
    """The node holds this key now."""

    member: bytes


@dataclass(frozen=True, slots=True)
class SettingsDrafted:
    """A draft of settings with every signature known here, ours among them."""

    hash: bytes
    version: int
    from_height: int
    """From which block on it is to hold; 0 for what a record sets, which holds once a quorum has signed it."""
    settings: tuple[tuple[str, str], ...]
    """(name, value) of all that is set then."""
    signatures: int
    quorum: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveryDrafted:
    """A recovery with every signature known here."""

    file: RecoveryFile
    needed: int
    missing: int
    """So many more members must sign before operators may name it."""
    warnings: tuple[str, ...]
    is_signed: bool
    """Ours is among them, and on disk."""


@dataclass(frozen=True, slots=True)
class AdmissionSigned:
    """A draft of an admission with our member's signature. It is on disk and goes to peers."""

    version: int
    hash: bytes
    signatures: int
    """That are known here."""
    quorum: int
    """So many make it hold."""
    consequences: tuple[str, ...]


# --- chain and transactions ---


@dataclass(frozen=True, slots=True)
class BlockVerdict:
    """What became of a submitted block: part of the best chain where `refusal` is empty, else Bitcoin Core's word."""

    refusal: str = ""


@dataclass(frozen=True, slots=True)
class TipAt:
    """Where the tip stands."""

    hash: BlockHash
    height: int


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """A block that members signed, and how many of them."""

    hash: BlockHash
    height: int
    signers: int


@dataclass(frozen=True, slots=True)
class Finality:
    """The block that holds a payment; None where no block did within the time given, and one still may."""

    block: FinalBlock | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that stands in the mempool and is told to the peers."""

    txid: Txid


NOT_VALIDATED: Final = "package-not-validated"
"""The error of a member that was not looked at, because another had ended it for the package."""


@dataclass(frozen=True, slots=True)
class MemberResult:
    """What became of one member of a package: it stands in the pool, or `error` says why not.

    `paid_sat` for `paid_vsize` virtual bytes is what counted for it, together with the members `paid_with`; zero where
    it stood in the pool before. `other` is a transaction of the same txid that stands in the pool in its place.
    """

    transaction: Transaction
    error: str = ""
    other: Wtxid | None = None
    fee_sat: int = 0
    vsize: int = 0
    paid_sat: int = 0
    paid_vsize: int = 0
    paid_with: tuple[Wtxid, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageResult:
    """What became of a package. `replaced` left the pool for it."""

    members: tuple[MemberResult, ...]
    replaced: tuple[Txid, ...] = ()


# --- mining ---


@dataclass(frozen=True, slots=True)
class Mined:
    """The blocks found, fewer than asked for where the search was ended. `unsubmitted` is one that joins no chain."""

    blocks: tuple[BlockHash, ...]
    unsubmitted: RawBlock | None = None


@dataclass(frozen=True, slots=True)
class Aborted:
    """How many commands were ended."""

    count: int


# --- wallet ---


@dataclass(frozen=True, slots=True)
class WalletWords:
    """The words that a new wallet is restored from."""

    mnemonic: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FreshAddress:
    """One that nobody was given yet; it is on disk."""

    address: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction with the signatures that the wallet can make."""

    transaction: Transaction
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Rescanned:
    """Up to which height the chain was searched."""

    height: int


# --- for tests ---


@dataclass(frozen=True, slots=True)
class AddressEntered:
    """Whether an address stands in the book: `problem` says why not."""

    problem: str = ""


class FoundBy(StrEnum):
    """How we know where a peer is, the surest first."""

    CONNECTED = "connected"
    RECORD = "record"
    """It says so itself, signed."""
    LOOKUP = "lookup"
    """Peers near to it were asked."""
    BOOK = "book"
    """It stands in our address book."""
    HEARSAY = "hearsay"
    """Somebody says so."""


@dataclass(frozen=True, slots=True)
class PeerFound:
    """Where a peer is."""

    addresses: tuple[NodeAddress, ...] = ()
    """None where nobody knows."""
    by: FoundBy | None = None
    told_by: bytes = b""
    """The peer id of who told us; empty where we knew."""
    asked: int = 0
    """Peers that were asked."""
    is_certain: bool = False
    """It answered us itself, or signed it; otherwise it may be elsewhere by now, or not be at all."""
    hops: int = 0
    """Answers that led there, one after another: 0 where we knew."""


Answer = (
    Done
    | Told
    | RecordSigned
    | AdmissionSigned
    | MembersDrafted
    | SigningKeyHeld
    | SettingsDrafted
    | RecoveryDrafted
    | BlockVerdict
    | TipAt
    | Finality
    | Sent
    | PackageResult
    | Mined
    | Aborted
    | WalletWords
    | FreshAddress
    | Signed
    | Rescanned
    | AddressEntered
    | PeerFound
)
