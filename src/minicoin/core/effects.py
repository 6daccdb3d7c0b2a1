"""Everything the core may want from the world, as values. Drivers and the simulator perform them.

Fast effects (send, dial, close, save, reply) are performed at once; slow work is executed by a worker and comes back as
an event that names the tip it was computed on. Notices want nothing: they tell whoever drives the node what happened.
"""

from dataclasses import dataclass, field

from minicoin.core.answers import Answer, Refused
from minicoin.core.notices import Notice
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxOut
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import Vote
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages import Message


@dataclass(frozen=True, slots=True)
class Send:
    """Queue one message for a connection. The world encodes it, or in the simulator passes it with its wire size."""

    conn: ConnId
    message: Message


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a connection; answered by ConnectionOpened or DialFailed with the same id."""

    conn: ConnId
    address: NodeAddress
    timeout_us: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close a connection, after what is queued was written or a short while passed; answered by ConnectionClosed."""

    conn: ConnId
    reason: str
    is_gated: bool = False
    """The peer is not admitted, and told so where the transport has a way to."""


@dataclass(frozen=True, slots=True)
class AdmitPeers:
    """From now on these peer ids and no others may connect: whoever proves another one is refused before any stream.
    What is open stays, for Close to end. Without it anybody may, unless the network file has an admission."""

    peer_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """The answer to QuestionAsked: None where the question is refused, empty where it needs none."""

    conn: ConnId
    stream: int
    answer: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Resolve:
    """Look up the A and AAAA records of a DNS seed; answered by AddressesFound."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SaveState:
    """Persist a small document (peers, bans, wallet) atomically; answered by Saved once it is on disk.

    A later save of the same key replaces an earlier one; the world may skip the earlier if both wait.
    """

    key: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SaveHeaders:
    """Remember accepted headers, parents first. Needs no answer: a lost header is fetched again."""

    headers: tuple[BlockHeader, ...]
    certificates: tuple[KeptCertificate, ...] = ()
    """Where members sign: what makes each of them final, in the same order."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command, or why it was refused."""

    request: RequestId
    answer: Answer | Refused


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The node wants to stop: close connections, flush, end."""

    reason: str


@dataclass(frozen=True, slots=True)
class SetClock:
    """From now on the time handed to the core stands still at `at`, or with None is the real one again. The world hands
    in DeadlineReached at once: deadlines may have come."""

    at: Micros | None


# --- slow work, for the chain worker: what changes the chain in the order asked, and before what only looks at it ---


@dataclass(frozen=True, slots=True)
class StoreBlock:
    """Parse a block, check what needs no context, append it to the block files; answered by BlockStored or
    BlockRefused. The header stands in the header tree already, its ancestors' with the engine."""

    block: RawBlock
    height: int
    connects: bool = False
    """It extends the block the engine stands at and is connected in the same visit: answered by ChainMoved, or by
    BlockRefused."""
    certificate: KeptCertificate | None = None
    """Where members sign: what makes it final."""


@dataclass(frozen=True, slots=True)
class Activate:
    """Move the engine along `path` (lowest first, all stored): it disconnects down to the parent of path[0] and
    connects the path. Answered by ChainMoved. An empty path with `fork` set only disconnects down to `fork`."""

    fork: BlockHash
    path: tuple[BlockHash, ...]


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """Read a stored block to serve it to a peer; answered by BlockRead."""

    conn: ConnId
    block: BlockHash
    stripped: bool = False


@dataclass(frozen=True, slots=True)
class VerifyTransaction:
    """Check a transaction against the coins at the engine's tip and the outputs of its unconfirmed parents;
    answered by TransactionVerified."""

    transaction: Transaction
    parents: tuple[tuple[Outpoint, TxOut], ...] = ()
    is_own: bool = False
    """Of the wallet or the operator: strangers' wait for it."""


@dataclass(frozen=True, slots=True)
class VerifyProposal:
    """Judge a proposed block on the engine's tip by every rule, without storing or connecting it; answered by
    ProposalVerified."""

    block: RawBlock
    height: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Replace the set of scripts whose transactions block summaries carry."""

    scripts: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Rescan:
    """Read the best chain from `start_height` for transactions of these scripts; answered by RescanProgress events,
    the last of which says it is done."""

    scripts: frozenset[bytes]
    start_height: int


# --- slow work, for other workers ---


@dataclass(frozen=True, slots=True)
class SearchNonce:
    """Search for a header below its target: (version, previous, time, bits) fixed, the coinbase's extra nonce and
    the header's nonce free. Replaces the search going on. Answered by NonceFound.

    `coinbase` is the coinbase without witness, split around its 8-byte extra nonce; `branch` its merkle siblings.
    """

    job: int
    header: BlockHeader
    coinbase_head: bytes
    coinbase_tail: bytes
    branch: tuple[bytes, ...]
    transactions: tuple[bytes, ...] = field(repr=False)
    """Serialised transactions behind the coinbase."""
    coinbase_has_witness: bool = True
    not_before_us: int = 0
    """Do not hand a block out before this time: paces networks whose work is trivial."""


@dataclass(frozen=True, slots=True)
class StopSearch:
    """End the nonce search."""


@dataclass(frozen=True, slots=True)
class StretchKey:
    """Derive an encryption key from a passphrase (scrypt); answered by KeyStretched."""

    request: RequestId
    passphrase: bytes = field(repr=False)
    salt: bytes
    log2_n: int
    r: int
    p: int


# --- with a member's signing key, which whoever performs the effects holds ---


@dataclass(frozen=True, slots=True)
class SignVote:
    """Sign a vote as a member; answered by VoteSigned. That it will be signed is on disk by now."""

    member: bytes
    """With its key, here and below: the public half."""
    vote: Vote
    epoch: bytes = NO_RECOVERY
    """The hash of the recovery behind which it is signed, for whose domain (core/signers/recovery)."""


@dataclass(frozen=True, slots=True)
class SignGreeting:
    """Sign, for the peer of this connection, that this node signs for a member; answered by GreetingSigned."""

    member: bytes
    conn: ConnId
    peer_id: bytes
    epoch: bytes = NO_RECOVERY
    """The hash of the last recovery that is named here."""


@dataclass(frozen=True, slots=True)
class SignStatement:
    """Sign a statement as a member; answered by StatementSigned. That it will be signed is on disk by now."""

    member: bytes
    kind: StatementKind
    body: bytes = field(repr=False)


Effect = (
    Send
    | Dial
    | Close
    | AdmitPeers
    | AnswerQuestion
    | Resolve
    | SaveState
    | SaveHeaders
    | Reply
    | Shutdown
    | SetClock
    | StoreBlock
    | Activate
    | ReadBlock
    | VerifyTransaction
    | VerifyProposal
    | Watch
    | Rescan
    | SearchNonce
    | StopSearch
    | StretchKey
    | SignVote
    | SignGreeting
    | SignStatement
    | Notice
)
