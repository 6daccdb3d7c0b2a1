"""What outside may ask the node to do. Each is answered by exactly one Reply; what only reads is core/queries'."""

from dataclasses import dataclass, field

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Transaction, Txid, TxOut

# Bitcoin Core's JSON-RPC error codes (rpc/protocol.h), which clients know how to tell apart.
MISC_ERROR = -1
TYPE_ERROR = -3
WALLET_ERROR = -4
INVALID_ADDRESS = -5
WALLET_INSUFFICIENT_FUNDS = -6
INVALID_PARAMETER = -8
NOT_CONNECTED = -9
IN_INITIAL_DOWNLOAD = -10
UNLOCK_NEEDED = -13
WRONG_PASSPHRASE = -14
WRONG_ENCRYPTION_STATE = -15
WALLET_NOT_FOUND = -18
DESERIALIZATION_ERROR = -22
NODE_ALREADY_ADDED = -23
NODE_NOT_ADDED = -24
VERIFY_ERROR = -25
VERIFY_REJECTED = -26
ALREADY_IN_CHAIN = -27
NODE_NOT_CONNECTED = -29
INVALID_SUBNET = -30
NODE_CAPACITY_REACHED = -34
METHOD_NOT_FOUND = -32601

WALLET_IS_OFF = "Method not found (this node runs without a wallet, as one that is recorded does)"


class CommandError(Exception):
    """A command or a request from outside that was refused, with one of these codes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Stop:
    """Shut down in an orderly way."""


# --- network ---


@dataclass(frozen=True, slots=True)
class AddNode:
    """Connect to a node; keep trying when `permanent`."""

    address: NodeAddress
    permanent: bool = True


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """Forget an added node."""

    address: NodeAddress


@dataclass(frozen=True, slots=True)
class DisconnectNode:
    """Close the connection with this id."""

    conn: int


@dataclass(frozen=True, slots=True)
class SetBan:
    """Ban a subnet or an address until a time (Unix seconds)."""

    subnet: str
    until: int


@dataclass(frozen=True, slots=True)
class ClearBan:
    """Lift one ban, or all with an empty subnet."""

    subnet: str = ""


@dataclass(frozen=True, slots=True)
class SetNetworkActive:
    """Close every connection and make and take none, or go back to that."""

    is_active: bool


@dataclass(frozen=True, slots=True)
class PingPeers:
    """Ping every peer now."""


# --- chain and transactions ---


@dataclass(frozen=True, slots=True)
class SubmitBlock:
    """Take a block from outside; answered when it is part of a chain or refused."""

    block: RawBlock


@dataclass(frozen=True, slots=True)
class SubmitHeader:
    """Take a header from outside; refused with the reason, as the error's text."""

    header: BlockHeader


@dataclass(frozen=True, slots=True)
class WaitForTip:
    """Answered with (hash, height) of the tip once it is another than `tip`, at the latest after `patience_us`."""

    tip: BlockHash
    patience_us: int


@dataclass(frozen=True, slots=True)
class WaitForChain:
    """Answered when everything that came before it has been carried out and the chain stands where it should."""


@dataclass(frozen=True, slots=True)
class InvalidateBlock:
    """Treat a block and its descendants as invalid."""

    block: BlockHash


@dataclass(frozen=True, slots=True)
class ReconsiderBlock:
    """Take that back."""

    block: BlockHash


@dataclass(frozen=True, slots=True)
class PreferBlock:
    """Treat a block as if it had come before all others of the same work; answered when the chain stands so."""

    block: BlockHash


@dataclass(frozen=True, slots=True)
class SaveMempool:
    """Write the mempool now; answered once it is on disk."""


@dataclass(frozen=True, slots=True)
class SubmitTransaction:
    """Verify, keep and relay a transaction; answered with its txid."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SubmitPackage:
    """Offer a transaction behind some of its unconfirmed parents; answered with a PackageResult."""

    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class PrioritiseTransaction:
    """Count a transaction as paying so much more (or less), whether it is here yet or not; answered with True."""

    txid: Txid
    delta_sat: int


# --- mining ---


@dataclass(frozen=True, slots=True)
class Generate:
    """Mine `count` blocks paying to a script, now; answered with their hashes."""

    count: int
    script_pubkey: bytes


@dataclass(frozen=True, slots=True)
class AbortGenerate:
    """End what Generate commands are under way; each is answered with the blocks it has found."""


@dataclass(frozen=True, slots=True)
class AwaitTemplate:
    """Answered when a block template would differ from one made on this tip at this count of mempool updates: at once
    where the tip is another, else when it moves, or a minute later when transactions came or went."""

    tip: BlockHash
    mempool_updates: int


@dataclass(frozen=True, slots=True)
class GenerateBlock:
    """Mine one block of these transactions, now; answered with the list of its hash, or with the block itself where it
    is not to be submitted."""

    script_pubkey: bytes
    transactions: tuple[Transaction, ...]
    submits: bool = True


@dataclass(frozen=True, slots=True)
class SetMining:
    """Mine to this script from now on; None stops."""

    script_pubkey: bytes | None


# --- wallet ---


@dataclass(frozen=True, slots=True)
class CreateWallet:
    """Make a wallet. `entropy` is 16 or 32 secret bytes; an empty passphrase leaves the seed unencrypted."""

    entropy: bytes = field(repr=False)
    passphrase: str = field(repr=False, default="")
    mnemonic: str = field(repr=False, default="")
    """Restore from these words instead of `entropy`."""


@dataclass(frozen=True, slots=True)
class NewAddress:
    """A fresh receiving address; answered once it is saved."""

    label: str = ""


@dataclass(frozen=True, slots=True)
class Unlock:
    """Open the wallet's seed for some seconds."""

    passphrase: str = field(repr=False)
    timeout_s: int = 60


@dataclass(frozen=True, slots=True)
class Lock:
    """Close it again."""


@dataclass(frozen=True, slots=True)
class Pay:
    """Build, sign, save and send a payment; answered with its txid. Feerate 0: the node's estimate. One that `empties`
    the wallet has one output, which gets everything less the fee."""

    outputs: tuple[TxOut, ...]
    feerate_sat_per_kvb: int = 0
    subtract_fee_from: tuple[int, ...] = ()
    empties: bool = False


@dataclass(frozen=True, slots=True)
class AbandonTransaction:
    """Give up a payment that stands in no block and not in the mempool; answered once that is saved."""

    txid: Txid


@dataclass(frozen=True, slots=True)
class SignTransaction:
    """Sign what the wallet can; answered with (transaction, is complete)."""

    transaction: Transaction
    spent: tuple[TxOut | None, ...] = ()


@dataclass(frozen=True, slots=True)
class RescanWallet:
    """Look through the chain from a height for transactions of the wallet."""

    start_height: int = 0


# --- for tests, on networks of trivial work only ---


@dataclass(frozen=True, slots=True)
class SetMockTime:
    """Let the node's clock stand at a time (Unix seconds) until it is set again; 0 lets it run."""

    time_s: int


@dataclass(frozen=True, slots=True)
class MockScheduler:
    """Bring forward by so many seconds what the node would do of itself some time."""

    delta_s: int


@dataclass(frozen=True, slots=True)
class AddPeerAddress:
    """Put an address into the address book; answered with the reason why it is not there, empty where it is."""

    address: NodeAddress
    is_tried: bool = False


@dataclass(frozen=True, slots=True)
class AddConnection:
    """Dial an address as if the node had chosen it for a connection of this kind (SlotKind)."""

    address: NodeAddress
    kind: str


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send a peer a message of any command and payload."""

    conn: int
    command: str
    payload: bytes


Command = (
    Stop
    | AddNode
    | RemoveNode
    | DisconnectNode
    | SetBan
    | ClearBan
    | PingPeers
    | SetNetworkActive
    | PreferBlock
    | SaveMempool
    | SubmitBlock
    | InvalidateBlock
    | ReconsiderBlock
    | SubmitTransaction
    | PrioritiseTransaction
    | SubmitPackage
    | Generate
    | AbortGenerate
    | AwaitTemplate
    | SubmitHeader
    | WaitForTip
    | WaitForChain
    | GenerateBlock
    | SetMining
    | CreateWallet
    | NewAddress
    | Unlock
    | Lock
    | Pay
    | AbandonTransaction
    | SignTransaction
    | RescanWallet
    | SetMockTime
    | MockScheduler
    | AddPeerAddress
    | AddConnection
    | SendMessage
)
