"""What outside may ask the node to do. Each is answered by exactly one Reply; what only reads is core/queries'."""

from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeVar

from minicoin.core.answers import (
    Aborted,
    AddressEntered,
    AdmissionSigned,
    Answer,
    BlockVerdict,
    CommandRefused,
    Done,
    Finality,
    FreshAddress,
    MembersDrafted,
    Mined,
    PackageResult,
    PeerFound,
    RecordSigned,
    RecoveryDrafted,
    Refused,
    Rescanned,
    Sent,
    SettingsDrafted,
    Signed,
    SigningKeyHeld,
    TipAt,
    Told,
    WalletWords,
)
from minicoin.core.faults import MisuseError
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Transaction, Txid, TxOut
from minicoin.core.signers.admission import AdmissionRow

A_co = TypeVar("A_co", bound=Answer, covariant=True)
A = TypeVar("A", bound=Answer)


class Asks(Protocol[A_co]):
    """A command with the type of its answer, so that whoever asks knows what he gets."""

    @property
    def answer(self) -> type[A_co]: ...


@dataclass(frozen=True, slots=True)
class Stop:
    """Shut down in an orderly way."""

    answer: ClassVar = Done


# --- network ---


@dataclass(frozen=True, slots=True)
class AddNode:
    """Connect to a node; keep trying when `permanent`."""

    answer: ClassVar = Done
    address: NodeAddress
    permanent: bool = True


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """Forget an added node."""

    answer: ClassVar = Done
    address: NodeAddress


@dataclass(frozen=True, slots=True)
class DisconnectNode:
    """Close the connection with this id."""

    answer: ClassVar = Done
    conn: int


@dataclass(frozen=True, slots=True)
class SetBan:
    """Ban a subnet or an address until a time (Unix seconds)."""

    answer: ClassVar = Done
    subnet: str
    until: int


@dataclass(frozen=True, slots=True)
class ClearBan:
    """Lift one ban, or all with an empty subnet."""

    answer: ClassVar = Done
    subnet: str = ""


@dataclass(frozen=True, slots=True)
class SetNetworkActive:
    """Close every connection and make and take none, or go back to that."""

    answer: ClassVar = Done
    is_active: bool


@dataclass(frozen=True, slots=True)
class PingPeers:
    """Ping every peer now."""

    answer: ClassVar = Done


@dataclass(frozen=True, slots=True)
class FindPeer:
    """Where the node of a peer id is, as far as the network model can know."""

    answer: ClassVar = PeerFound
    target: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """Write a letter to the node of a peer id; answered when it is known what became of it, at most 15 s later. With
    the `letter_id` of an earlier one to the same peer, of the same text, it is that letter again."""

    answer: ClassVar = Told
    target: bytes
    text: str
    letter_id: bytes = b""
    """Empty: one is drawn."""


# --- records (core/records) ---


@dataclass(frozen=True, slots=True)
class PutRecord:
    """Sign a record as this node and give it to everybody; answered once it is on disk."""

    answer: ClassVar = RecordSigned
    kind: str
    key: str
    value: bytes
    life_s: int | None = None
    """As long as its kind allows where None."""


@dataclass(frozen=True, slots=True)
class SignRecord:
    """Add our signature to a record that several sign, and give it to everybody where it was the last one needed."""

    answer: ClassVar = RecordSigned
    encoded: bytes


# --- admission (core/admission) ---


@dataclass(frozen=True, slots=True)
class ProposeAdmission:
    """Sign, as this node's member, a draft of the next version: each row takes the place of the bank's in that role,
    and the expelled have none. Answered when it is signed."""

    answer: ClassVar = AdmissionSigned
    rows: tuple[AdmissionRow, ...]
    expelled: tuple[str, ...]
    """Names of banks."""


@dataclass(frozen=True, slots=True)
class ApproveAdmission:
    """Sign, as this node's member, a draft that another proposed. Answered when it is signed."""

    answer: ClassVar = AdmissionSigned
    version: int
    hash: bytes = b""
    """Its first bytes, where there are several drafts of the version."""


# --- evidence (core/evidence) ---


@dataclass(frozen=True, slots=True)
class AcknowledgeEvidence:
    """The operator has seen the first so many pieces of evidence: the node warns of them no more. Answered when that is
    on disk."""

    answer: ClassVar = Done
    count: int


# --- the member list (core/members) ---


@dataclass(frozen=True, slots=True)
class ProposeMembers:
    """Draft a change of the member list and sign it as this node's member; answered once our signature is on disk."""

    answer: ClassVar = MembersDrafted
    added: tuple[tuple[str, bytes], ...] = ()
    """(name, key)."""
    removed: tuple[str, ...] = ()
    """Each by name or key."""
    from_height: int | None = None
    """None: soon."""
    forced: bool = False
    """Sign it although the chain would stand still, as far as this node can tell."""


@dataclass(frozen=True, slots=True)
class ProposeSettings:
    """Draft other settings and sign them as this node's member."""

    answer: ClassVar = SettingsDrafted
    values: tuple[tuple[str, str | None], ...]
    """(name, value); None for what it is without the members' word."""
    from_height: int | None = None
    """The first block that it holds for, where a block carries it; None: soon."""


@dataclass(frozen=True, slots=True)
class ApproveSettings:
    """Sign a draft of settings that another member proposed."""

    answer: ClassVar = SettingsDrafted
    prefix: str
    """What its hash begins with, in hex."""


@dataclass(frozen=True, slots=True)
class ApproveMembers:
    """Sign an open change that another member proposed."""

    answer: ClassVar = MembersDrafted
    prefix: str
    """What its hash begins with, in hex."""
    forced: bool = False


@dataclass(frozen=True, slots=True)
class HoldSigningKey:
    """Sign with this key too, from the height on whose list has it; whoever has the secret holds it by now."""

    answer: ClassVar = SigningKeyHeld
    member: bytes
    state: bytes | None
    """Its record, as the document has it; None where that is not there."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Have a standby sign, as soon as that is safe; answered once it has begun to ask."""

    answer: ClassVar = Done
    sign_from: int | None = None
    """The operator answers for it that the key signed nothing from this height on."""


@dataclass(frozen=True, slots=True)
class ProposeRecovery:
    """Draft a recovery behind the last certified block; signed as this node's member, or only looked at."""

    answer: ClassVar = RecoveryDrafted
    added: tuple[tuple[str, bytes], ...] = ()
    """(name, key)."""
    removed: tuple[str, ...] = ()
    """Each by name or key."""
    signs: bool = False
    forced: bool = False
    """Sign it although the network is not halted, as far as this node can tell."""


@dataclass(frozen=True, slots=True)
class SignRecovery:
    """The same for one that another member drafted."""

    answer: ClassVar = RecoveryDrafted
    file: RecoveryFile
    signs: bool = False
    forced: bool = False


# --- chain and transactions ---


@dataclass(frozen=True, slots=True)
class SubmitBlock:
    """Take a block from outside; answered when it is part of a chain or refused."""

    answer: ClassVar = BlockVerdict
    block: RawBlock


@dataclass(frozen=True, slots=True)
class SubmitHeader:
    """Take a header from outside; refused with the rule that it breaks."""

    answer: ClassVar = Done
    header: BlockHeader


@dataclass(frozen=True, slots=True)
class WaitForTip:
    """Answered once the tip is another than `tip`, at the latest after `patience_us`."""

    answer: ClassVar = TipAt
    tip: BlockHash
    patience_us: int


@dataclass(frozen=True, slots=True)
class WaitForFinal:
    """Answered once a payment is final, at the latest after `patience_us`; refused where nobody here knows of it."""

    answer: ClassVar = Finality
    txid: Txid
    patience_us: int


@dataclass(frozen=True, slots=True)
class WaitForChain:
    """Answered when everything that came before it has been carried out and the chain stands where it should."""

    answer: ClassVar = Done


@dataclass(frozen=True, slots=True)
class InvalidateBlock:
    """Treat a block and its descendants as invalid."""

    answer: ClassVar = Done
    block: BlockHash


@dataclass(frozen=True, slots=True)
class ReconsiderBlock:
    """Take that back."""

    answer: ClassVar = Done
    block: BlockHash


@dataclass(frozen=True, slots=True)
class PreferBlock:
    """Treat a block as if it had come before all others of the same work; answered when the chain stands so."""

    answer: ClassVar = Done
    block: BlockHash


@dataclass(frozen=True, slots=True)
class SaveMempool:
    """Write the mempool now; answered once it is on disk."""

    answer: ClassVar = Done


@dataclass(frozen=True, slots=True)
class SubmitTransaction:
    """Verify, keep and relay a transaction."""

    answer: ClassVar = Sent
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SubmitPackage:
    """Offer a transaction behind some of its unconfirmed parents."""

    answer: ClassVar = PackageResult
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class PrioritiseTransaction:
    """Count a transaction as paying so much more (or less), whether it is here yet or not."""

    answer: ClassVar = Done
    txid: Txid
    delta_sat: int


# --- mining ---


@dataclass(frozen=True, slots=True)
class Generate:
    """Mine `count` blocks paying to a script, now."""

    answer: ClassVar = Mined
    count: int
    script_pubkey: bytes


@dataclass(frozen=True, slots=True)
class AbortGenerate:
    """End what Generate commands are under way; each is answered with the blocks it has found."""

    answer: ClassVar = Aborted


@dataclass(frozen=True, slots=True)
class AwaitTemplate:
    """Answered when a block template would differ from one made on this tip at this count of mempool updates: at once
    where the tip is another, else when it moves, or a minute later when transactions came or went."""

    answer: ClassVar = Done
    tip: BlockHash
    mempool_updates: int


@dataclass(frozen=True, slots=True)
class GenerateBlock:
    """Mine one block of these transactions, now; handed back only where it `submits` nothing."""

    answer: ClassVar = Mined
    script_pubkey: bytes
    transactions: tuple[Transaction, ...]
    submits: bool = True


@dataclass(frozen=True, slots=True)
class SetMining:
    """Mine to this script from now on; None stops."""

    answer: ClassVar = Done
    script_pubkey: bytes | None


# --- wallet ---


@dataclass(frozen=True, slots=True)
class CreateWallet:
    """Make a wallet. `entropy` is 16 or 32 secret bytes; an empty passphrase leaves the seed unencrypted."""

    answer: ClassVar = WalletWords
    entropy: bytes = field(repr=False)
    passphrase: str = field(repr=False, default="")
    mnemonic: str = field(repr=False, default="")
    """Restore from these words instead of `entropy`."""


@dataclass(frozen=True, slots=True)
class NewAddress:
    """A fresh receiving address; answered once it is saved."""

    answer: ClassVar = FreshAddress
    label: str = ""


@dataclass(frozen=True, slots=True)
class Unlock:
    """Open the wallet's seed for some seconds."""

    answer: ClassVar = Done
    passphrase: str = field(repr=False)
    timeout_s: int = 60


@dataclass(frozen=True, slots=True)
class Lock:
    """Close it again."""

    answer: ClassVar = Done


@dataclass(frozen=True, slots=True)
class Pay:
    """Build, sign, save and send a payment. Feerate 0: the node's estimate. One that `empties`
    the wallet has one output, which gets everything less the fee."""

    answer: ClassVar = Sent
    outputs: tuple[TxOut, ...]
    feerate_sat_per_kvb: int = 0
    subtract_fee_from: tuple[int, ...] = ()
    empties: bool = False


@dataclass(frozen=True, slots=True)
class AbandonTransaction:
    """Give up a payment that stands in no block and not in the mempool; answered once that is saved."""

    answer: ClassVar = Done
    txid: Txid


@dataclass(frozen=True, slots=True)
class SignTransaction:
    """Sign what the wallet can."""

    answer: ClassVar = Signed
    transaction: Transaction
    spent: tuple[TxOut | None, ...] = ()


@dataclass(frozen=True, slots=True)
class RescanWallet:
    """Look through the chain from a height for transactions of the wallet."""

    answer: ClassVar = Rescanned
    start_height: int = 0


# --- for tests, on networks of trivial work only ---


@dataclass(frozen=True, slots=True)
class SetMockTime:
    """Let the node's clock stand at a time (Unix seconds) until it is set again; 0 lets it run."""

    answer: ClassVar = Done
    time_s: int


@dataclass(frozen=True, slots=True)
class MockScheduler:
    """Bring forward by so many seconds what the node would do of itself some time."""

    answer: ClassVar = Done
    delta_s: int


@dataclass(frozen=True, slots=True)
class AddPeerAddress:
    """Put an address into the address book."""

    answer: ClassVar = AddressEntered
    address: NodeAddress
    is_tried: bool = False


@dataclass(frozen=True, slots=True)
class AddConnection:
    """Dial an address as if the node had chosen it for a connection of this kind (SlotKind)."""

    answer: ClassVar = Done
    address: NodeAddress
    kind: str


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send a peer a message of any command and payload."""

    answer: ClassVar = Done
    conn: int
    command: str
    payload: bytes


# --- the union, by who carries them out ---

NetworkCommand = AddNode | RemoveNode | DisconnectNode | SetBan | ClearBan | SetNetworkActive | PingPeers
PeerIdCommand = FindPeer | Tell
RecordCommand = PutRecord | SignRecord
AdmissionCommand = ProposeAdmission | ApproveAdmission
MembersCommand = ProposeMembers | ApproveMembers
SettingsCommand = ProposeSettings | ApproveSettings
RecoveryCommand = ProposeRecovery | SignRecovery
ChainCommand = (
    SubmitBlock
    | SubmitHeader
    | WaitForTip
    | WaitForFinal
    | WaitForChain
    | InvalidateBlock
    | ReconsiderBlock
    | PreferBlock
)
PoolCommand = SaveMempool | SubmitTransaction | SubmitPackage | PrioritiseTransaction
MiningCommand = Generate | AbortGenerate | AwaitTemplate | GenerateBlock | SetMining
WalletCommand = CreateWallet | NewAddress | Unlock | Lock | Pay | AbandonTransaction | SignTransaction | RescanWallet
TrialCommand = SetMockTime | MockScheduler | AddPeerAddress | AddConnection | SendMessage

Command = (
    Stop
    | NetworkCommand
    | PeerIdCommand
    | RecordCommand
    | AdmissionCommand
    | AcknowledgeEvidence
    | MembersCommand
    | HoldSigningKey
    | SettingsCommand
    | TakeOver
    | RecoveryCommand
    | ChainCommand
    | PoolCommand
    | MiningCommand
    | WalletCommand
    | TrialCommand
)


def closed(command: Asks[Answer]) -> Command:
    """The same as one of the union. Raises MisuseError for what is no command."""
    if not isinstance(command, Command):
        raise MisuseError(f"not a command: {command!r}")
    return command


def take_answer(command: Asks[A], answer: Answer | Refused) -> A:
    """The answer to this command, as what it is. Raises CommandRefused."""
    if isinstance(answer, Refused):
        raise CommandRefused(answer.reason, answer.text)
    assert isinstance(answer, command.answer), f"{command!r} was answered {answer!r}"
    return answer
