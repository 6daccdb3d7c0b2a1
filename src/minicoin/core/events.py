"""Everything the world tells the core, as values: connections, bytes, time, results of effects, commands."""

from dataclasses import dataclass, field

from minicoin.core.commands import Command
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.verdicts import ChainUpdate, InvalidBlock, TxVerdict, WatchedTransaction
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import SignedVote, Vote
from minicoin.core.units import ConnId, RequestId
from minicoin.core.wire.messages import Message


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """A channel is up, its transport handshake done. `remote` carries the peer id where the transport proves one."""

    conn: ConnId
    remote: NodeAddress
    inbound: bool
    local: NodeAddress | None = None
    heard: tuple[Message, ...] = field(default=(), repr=False)
    """What the remote has said on it already, in order: how a simulated network begins with finished handshakes."""


@dataclass(frozen=True, slots=True)
class DialFailed:
    """A Dial ended without a connection."""

    conn: ConnId
    address: NodeAddress
    reason: str


@dataclass(frozen=True, slots=True)
class InboundFailed:
    """Somebody connected and left, or was sent away, before the channel was up."""

    remote: NodeAddress
    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """A connection is gone, whoever closed it. `score` counts what the remote broke in the transport (PeerFault)."""

    conn: ConnId
    reason: str
    score: int = 0


@dataclass(frozen=True, slots=True)
class BytesReceived:
    """Application bytes of a connection, in order."""

    conn: ConnId
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message that was never bytes: the simulator's way in. `size` is what it would have been on the wire."""

    conn: ConnId
    message: Message
    size: int


@dataclass(frozen=True, slots=True)
class SendQueueLow:
    """A connection's send queue drained below its low mark: one more item may be served."""

    conn: ConnId


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """Somebody asks on a stream beside the wire, as one does that speaks no wire; answered by AnswerQuestion. The
    connection may be one that the core was told nothing of; who asks, the transport has proven."""

    conn: ConnId
    stream: int
    peer_id: bytes
    question: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """The time next_deadline() named has come."""


@dataclass(frozen=True, slots=True)
class AddressesFound:
    """A discovery source outside the network found nodes; empty when a look-up failed."""

    source: AddressSource
    origin: str
    addresses: tuple[TimedAddress, ...]


@dataclass(frozen=True, slots=True)
class AddressesWithdrawn:
    """A discovery source outside the network no longer stands by what it said of these."""

    source: AddressSource
    origin: str
    addresses: tuple[NodeAddress, ...]


@dataclass(frozen=True, slots=True)
class RecordsHeard:
    """A source outside the network holds these signed records, as bytes. What they are worth their signatures say."""

    origin: str
    records: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Saved:
    """A SaveState reached the disk, or failed with `error`."""

    key: str
    error: str = ""


# --- results of the chain worker ---


@dataclass(frozen=True, slots=True)
class BlockStored:
    """A block's bytes are in the block files and pass the checks that need no context."""

    block: BlockHash
    height: int


@dataclass(frozen=True, slots=True)
class BlockRefused:
    """A block failed a check that needs no context; nothing was stored."""

    block: BlockHash
    invalid: InvalidBlock


@dataclass(frozen=True, slots=True)
class ChainMoved:
    """The engine carried out an Activate, or connected a block it was given to store, as far as blocks were valid."""

    update: ChainUpdate
    invalid: InvalidBlock | None = None
    stored: BlockHash | None = None
    """The block that was stored on this visit, valid or not."""


@dataclass(frozen=True, slots=True)
class BlockRead:
    """A stored block for a peer, in wire form; None where it is not stored (any more)."""

    conn: ConnId
    hash: BlockHash
    block: RawBlock | None


@dataclass(frozen=True, slots=True)
class TransactionVerified:
    """The verdict on one transaction, and how long the worker took for it."""

    verdict: TxVerdict
    cost_us: int = 0


@dataclass(frozen=True, slots=True)
class ProposalVerified:
    """The verdict on a proposed block: why it cannot be the next one, or who signs behind it."""

    block: BlockHash
    refusal: InvalidBlock | None
    next_members: MemberList | None = None


@dataclass(frozen=True, slots=True)
class RescanProgress:
    """Blocks [..height] are scanned; `found` pairs each transaction with its block."""

    height: int
    found: tuple[tuple[BlockHash, int, WatchedTransaction], ...]
    done: bool
    error: str = ""


# --- results of other workers ---


@dataclass(frozen=True, slots=True)
class NonceFound:
    """A block was mined for job `job`."""

    job: int
    block: RawBlock


@dataclass(frozen=True, slots=True)
class KeyStretched:
    """The derived key."""

    request: RequestId
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VoteSigned:
    """The vote with its signature, or without one and why."""

    vote: Vote
    signed: SignedVote | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GreetingSigned:
    """The signature of a greeting (core/consensus/messages) for the peer of this connection, or None and why."""

    member: bytes
    conn: ConnId
    signature: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatementSigned:
    """The statement's signature by the member that was to sign it, or None and why."""

    member: bytes
    kind: StatementKind
    body: bytes = field(repr=False)
    signature: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkFailed:
    """A worker cannot go on (disk full, damaged file): the node reports it and stops taking blocks."""

    what: str
    error: str


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A command from outside; answered by exactly one Reply."""

    request: RequestId
    command: Command


Event = (
    ConnectionOpened
    | DialFailed
    | InboundFailed
    | ConnectionClosed
    | BytesReceived
    | MessageReceived
    | SendQueueLow
    | QuestionAsked
    | DeadlineReached
    | AddressesFound
    | AddressesWithdrawn
    | RecordsHeard
    | Saved
    | BlockStored
    | BlockRefused
    | ChainMoved
    | BlockRead
    | TransactionVerified
    | ProposalVerified
    | RescanProgress
    | NonceFound
    | KeyStretched
    | VoteSigned
    | GreetingSigned
    | StatementSigned
    | WorkFailed
    | CommandReceived
)
