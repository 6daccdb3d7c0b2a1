"""What a node says of itself, as values: blocks, transactions, peers, addresses, wallet, and what went wrong.

Owns the closed union `Notice`, which is part of `Effect`: a notice stands among the effects of the event that brought
it about, in the order of what happened. Nobody answers one, and the core never reads one; the log, recordings, the
laboratory's readers and whoever drives a node do.

Rules:
- A notice says what has happened, never what may: it is queued where the state changes, behind the change.
- It holds what the node knew and nothing that has to be looked up or formatted for it: most are heard by nobody.
- Whoever is named more than once is named alike: a peer by its connection, a block and a transaction by their hashes.
- Remotes choose how many there are of some. What one message can bring by the hundred is one notice, or is told at the
  first, second, fourth time and so on (MessageDropped).
"""

from dataclasses import dataclass
from enum import StrEnum

from minicoin.core.primitives.address import AddressSource, NodeAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Txid
from minicoin.core.primitives.verdicts import BlockReason, TxReason
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.evidence import Evidence
from minicoin.core.signers.votes import Vote
from minicoin.core.units import ConnId

# --- the chain ---


@dataclass(frozen=True, slots=True)
class BlockDisconnected:
    """The best chain lost its last block. On a reorganisation all that leave come first, highest first."""

    block: BlockHash
    height: int


@dataclass(frozen=True, slots=True)
class BlockConnected:
    """The best chain gained a block, on top of the one before."""

    block: BlockHash
    height: int


@dataclass(frozen=True, slots=True)
class TipMoved:
    """The best chain ends with this block now: what was disconnected and connected has been told, and what became of
    the mempool's transactions."""

    block: BlockHash
    height: int
    best_header_height: int


@dataclass(frozen=True, slots=True)
class Reorganised:
    """The best chain lost blocks, and gained others in their place."""

    disconnected: int
    connected: int
    tip: BlockHash


@dataclass(frozen=True, slots=True)
class BlockMarkedInvalid:
    """A block breaks a rule: neither it nor a block behind it will be in the best chain."""

    block: BlockHash
    reason: BlockReason
    detail: str


@dataclass(frozen=True, slots=True)
class ChainHalted:
    """A worker could not do its part (full disk, damaged file): the chain stands still until a restart."""

    what: str
    error: str


@dataclass(frozen=True, slots=True)
class Unanchored:
    """Members sign the blocks of this network, and the node starts at the genesis block without an anchor: it goes by
    what peers show."""

    genesis: BlockHash


# --- signers ---


@dataclass(frozen=True, slots=True)
class QuorumPresent:
    """As many members are here as make a block final."""

    present: int
    quorum: int


@dataclass(frozen=True, slots=True)
class QuorumLost:
    """Too few members are here: no block is made until a quorum is back."""

    present: int
    quorum: int
    missing: tuple[bytes, ...]
    """The keys of those that are not."""


@dataclass(frozen=True, slots=True)
class TakeOverRefused:
    """This standby was to take over, and stands by all the same."""

    reason: str


@dataclass(frozen=True, slots=True)
class SigningStopped:
    """This node signs nothing any more, and an operator has to see to it."""

    reason: str


@dataclass(frozen=True, slots=True)
class RecoverySigned:
    """This node's member signed a recovery, and signs no more block for the list that it takes over from."""

    recovery: bytes
    """Its hash, as far as this signature goes."""
    height: int
    block: BlockHash
    members: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RecoveryNamed:
    """The configuration names a recovery: behind this block its members sign."""

    recovery: bytes
    height: int
    block: BlockHash
    members: tuple[bytes, ...]
    signers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RecoveryUnnamed:
    """Peers follow a recovery that holds and that this node's configuration does not name."""

    recovery: bytes
    height: int


@dataclass(frozen=True, slots=True)
class RecoveryContradicted:
    """Members went on without a recovery that is named here: their certificate, of another block, is evidence."""

    recovery: bytes
    height: int
    block: BlockHash
    certificate: bytes


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """A member lied, or its key is used in two places; or more of them lied than their list tolerates. It is new here,
    and holds."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class VoteCast:
    """A vote of ours is signed, and on its way to the others."""

    member: bytes
    """Whose: a node may sign for one key after another."""
    vote: Vote


@dataclass(frozen=True, slots=True)
class ProposalRefused:
    """A block was not voted for."""

    block: BlockHash
    height: int
    reason: str


@dataclass(frozen=True, slots=True)
class MembersCarried:
    """A block carries a change of the member list, which holds from its height on; or a recovery names the block."""

    height: int
    """Of the block."""
    block: BlockHash
    change: MemberChange


@dataclass(frozen=True, slots=True)
class SettingsCarried:
    """A block carries a change of what validity depends on. It holds from a later height on."""

    version: int
    from_height: int
    height: int
    """Of the block that carries it."""
    settings: tuple[tuple[str, str], ...]
    """(name, value) of all that is set then; the rest is what the network was founded with."""
    signers: tuple[bytes, ...]
    """The members' keys under it."""


@dataclass(frozen=True, slots=True)
class SettingsApplied:
    """The block to come is the first that such a change holds for."""

    version: int
    height: int
    settings: tuple[tuple[str, str], ...]


# --- mining ---


@dataclass(frozen=True, slots=True)
class BlockMined:
    """This node found a block; it is on its way to the engine."""

    block: BlockHash


@dataclass(frozen=True, slots=True)
class MinedBlockRefused:
    """A block that this node found is of no use."""

    reason: str


# --- the mempool ---


@dataclass(frozen=True, slots=True)
class TransactionAdded:
    """A transaction stands in the mempool."""

    txid: Txid
    fee_sat: int
    vsize: int


class RemovalReason(StrEnum):
    """Why a transaction left the mempool; in the words of Bitcoin Core where it has one."""

    CONFIRMED = "block"
    """A block of the best chain holds it."""
    CONFLICT = "conflict"
    """A block of the best chain spends a coin of it otherwise, or of something it builds on."""
    REORG = "reorg"
    """Blocks that it rests on left the best chain. It is told as added again if it stands the new tip."""
    REPLACED = "replaced"
    """Another one that pays more spends its coins."""
    EVICTED = "sizelimit"
    """There was no room, and it paid the least."""
    EXPIRED = "expiry"
    """No block took it for too long."""
    WITHDRAWN = "withdrawn"
    """A payment of our own that was told to nobody, taken back because the disk refused it."""


@dataclass(frozen=True, slots=True)
class TransactionRemoved:
    """A transaction left the mempool. What spends it leaves with it and is told as well, unless a block holds it.

    `replaced_by` names what took its place, `block` the one that holds it.
    """

    txid: Txid
    reason: RemovalReason
    replaced_by: Txid | None = None
    block: BlockHash | None = None


@dataclass(frozen=True, slots=True)
class TransactionRefused:
    """A transaction did not get into the mempool."""

    txid: Txid
    reason: TxReason


@dataclass(frozen=True, slots=True)
class MempoolNotRestored:
    """What an earlier run kept of the mempool cannot be read."""

    error: str


# --- peers ---


@dataclass(frozen=True, slots=True)
class PeerOpened:
    """A connection is up; its handshake begins."""

    conn: ConnId
    remote: NodeAddress
    inbound: bool


@dataclass(frozen=True, slots=True)
class PeerReady:
    """The handshake is over."""

    conn: ConnId
    remote: NodeAddress
    user_agent: str
    start_height: int


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The session of a connection is over, whoever ended it."""

    conn: ConnId
    remote: NodeAddress
    reason: str


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """A connection is up for which there is no room: it is closed without a session."""

    conn: ConnId
    remote: NodeAddress
    reason: str


@dataclass(frozen=True, slots=True)
class PeerPenalised:
    """A peer broke the protocol. A score of 0 costs the connection only; enough of the others a ban."""

    conn: ConnId
    remote: NodeAddress
    reason: str
    score: int


@dataclass(frozen=True, slots=True)
class MessageDropped:
    """A damaged message was passed over; told at the first, second, fourth, eighth of a session."""

    conn: ConnId
    remote: NodeAddress
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class PeerUnreachable:
    """A dial ended without a connection. `is_chosen`: the operator named that node."""

    remote: NodeAddress
    reason: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class InboundLost:
    """Somebody connected and left, or was sent away, before the channel was up."""

    remote: NodeAddress
    reason: str


@dataclass(frozen=True, slots=True)
class NetworkSwitched:
    """The operator switched all connections on or off."""

    is_active: bool


# --- addresses ---


@dataclass(frozen=True, slots=True)
class AddressesLearned:
    """Nodes were named by a source outside the network, or by a peer (`origin`). `added`: those of them that were new
    to the address book."""

    source: AddressSource
    origin: str
    added: tuple[NodeAddress, ...]


@dataclass(frozen=True, slots=True)
class AddressesForgotten:
    """A source outside the network no longer stands by what it said: those of them that it alone had named and that
    never answered are out of the address book."""

    source: AddressSource
    origin: str
    forgotten: tuple[NodeAddress, ...]


@dataclass(frozen=True, slots=True)
class OwnAddressLearned:
    """Where others reach this node; peers are told from now on."""

    address: NodeAddress


# --- records ---


@dataclass(frozen=True, slots=True)
class LearnedRecord:
    """Which record: its kind, whose it is, its key, and its version."""

    kind: str
    owner: bytes
    key: str
    version: int


@dataclass(frozen=True, slots=True)
class RecordsLearned:
    """Records that are new are held, of peers or our own: all that came with one event."""

    records: tuple[LearnedRecord, ...]


@dataclass(frozen=True, slots=True)
class RecordsIgnored:
    """So many records of a source outside the network change nothing, and why the first of them does not."""

    origin: str
    count: int
    reason: str


# --- letters ---


@dataclass(frozen=True, slots=True)
class LetterReceived:
    """A letter for this node is on its disk: from which peer id, under which id, and what it says."""

    sender: bytes
    letter_id: bytes
    text: str


# --- the wallet ---


@dataclass(frozen=True, slots=True)
class WalletChanged:
    """Transactions of the wallet came, went, or stand elsewhere than before: its balance may be another."""

    txids: tuple[Txid, ...]


@dataclass(frozen=True, slots=True)
class WalletNotSaved:
    """The disk refused the wallet. It is tried again; who waits for it has heard why."""

    error: str


@dataclass(frozen=True, slots=True)
class PaymentAbandoned:
    """A payment of the wallet was given up: its coins are free."""

    txid: Txid


@dataclass(frozen=True, slots=True)
class AdmissionChanged:
    """From now on another version says who may connect."""

    version: int
    admitted: tuple[str, ...]
    """Names of banks that may, and could not before."""
    expelled: tuple[str, ...]
    peers: int
    """Nodes that may."""
    record: AdmissionRecord
    """What it says, with the signatures."""


@dataclass(frozen=True, slots=True)
class OwnAdmissionLost:
    """This node is not among those that may connect: others refuse it."""

    version: int


@dataclass(frozen=True, slots=True)
class AdmissionContradicted:
    """Members signed two contents of one version of the admission."""

    version: int
    members: tuple[bytes, ...]
    """Who signed both."""
    is_split: bool
    """A quorum signed each."""


@dataclass(frozen=True, slots=True)
class ConfigurationChanged:
    """From now on this node goes by another version of what is set for all nodes."""

    version: int
    height: int
    """Whose list of members signed it; 0 where founders did."""
    settings: tuple[tuple[str, str], ...]
    """(name, value) of all that is set."""
    signers: tuple[bytes, ...]
    """The members' keys, or the peer ids of the founders who signed what is newest."""
    unknown: tuple[str, ...]
    """Why some of it does not hold here."""


@dataclass(frozen=True, slots=True)
class ConfigurationContradicted:
    """Members signed two contents of one version of the configuration."""

    version: int
    members: tuple[bytes, ...]
    """Who signed both."""
    is_split: bool
    """A quorum signed each."""


Notice = (
    BlockDisconnected
    | BlockConnected
    | TipMoved
    | Reorganised
    | BlockMarkedInvalid
    | ChainHalted
    | Unanchored
    | QuorumPresent
    | QuorumLost
    | SigningStopped
    | TakeOverRefused
    | RecoverySigned
    | RecoveryNamed
    | RecoveryUnnamed
    | RecoveryContradicted
    | EvidenceFound
    | VoteCast
    | ProposalRefused
    | MembersCarried
    | SettingsCarried
    | SettingsApplied
    | BlockMined
    | MinedBlockRefused
    | TransactionAdded
    | TransactionRemoved
    | TransactionRefused
    | MempoolNotRestored
    | PeerOpened
    | PeerReady
    | PeerClosed
    | PeerRefused
    | PeerPenalised
    | MessageDropped
    | PeerUnreachable
    | InboundLost
    | NetworkSwitched
    | AddressesLearned
    | AddressesForgotten
    | OwnAddressLearned
    | RecordsLearned
    | RecordsIgnored
    | LetterReceived
    | WalletChanged
    | WalletNotSaved
    | PaymentAbandoned
    | AdmissionChanged
    | OwnAdmissionLost
    | AdmissionContradicted
    | ConfigurationChanged
    | ConfigurationContradicted
)
