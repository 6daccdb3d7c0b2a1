"""Evidence: what proves, to whoever knows the member lists, that a member lied, or more of them than a list tolerates.

1. *Two votes* of one member for one slot (height, round, kind), which no honest member signs.
2. *Two certificates* of one height, of two blocks: more members lied than the list tolerates. Who did is not said by
   them, where they are of two rounds.
3. *Two admissions* of one version that one member signed, with different contents; or *two configurations*.

Evidence proves itself: it names its height, and holds if the signatures in it are of that height's members. So it may
come from anywhere, is nobody's, and never ends. The two parts stand in the order of their bytes, so that whoever finds
the same two has the same evidence.

Bytes: kind u8, the accused member's key (zeros for two certificates), height u32; then two votes, each with its
signature; or a u16 length and a certificate, and the other; or the two signatures, a u16 length and the body of an
admission or a configuration, and the other. Integers are little-endian.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import ClassVar, Final, TypeVar, assert_never

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.limits import EVIDENCE_BYTES_MAX
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.certificate import CERTIFICATE_BYTES_MAX, Certificate
from minicoin.core.signers.members import KEY_BYTES, MemberList
from minicoin.core.signers.recovery import NO_RECOVERY, domain_of
from minicoin.core.signers.settings import ConfigurationRecord
from minicoin.core.signers.votes import SIGNATURE_BYTES, VOTE_BYTES, SignedVote, Vote, verifies

_HEAD: Final = Struct("<B32sI")
_LENGTH: Final = Struct("<H")
_NOBODY: Final = bytes(KEY_BYTES)

assert _HEAD.size + 2 * (_LENGTH.size + CERTIFICATE_BYTES_MAX) <= EVIDENCE_BYTES_MAX


class EvidenceKind(IntEnum):
    """By its first byte."""

    VOTES = 1
    CERTIFICATES = 2
    ADMISSIONS = 3
    CONFIGURATIONS = 4


@dataclass(frozen=True, slots=True)
class TwoVotes:
    """A member signed both for one slot."""

    first: SignedVote
    second: SignedVote

    @property
    def accused(self) -> bytes:
        """Who lied; empty where that cannot be told."""
        return self.first.member

    @property
    def height(self) -> int:
        """Whose members it is about."""
        return self.first.vote.height

    @property
    def text(self) -> str:
        """For operators."""
        vote = self.first.vote
        kind, seconds = vote.kind.name.lower(), sorted(hash_to_hex(one.vote.block) for one in (self.first, self.second))
        return f"two {kind}s at height {vote.height} in round {vote.round}, for {seconds[0]} and {seconds[1]}"

    def problem(self, members: MemberList, network_id: bytes, epoch: bytes = NO_RECOVERY) -> str | None:
        """Why it proves nothing under the list of its height, which signs behind the recovery of this hash; None where
        it does."""
        if self.accused not in members:
            return f"{self.accused.hex()} is no member at height {self.height}"
        if not all(one.holds(domain_of(network_id, epoch)) for one in (self.first, self.second)):
            return "a vote in it is not signed by the member that it accuses"
        return None

    def encode(self) -> bytes:
        parts = sorted(one.vote.encode() + one.signature for one in (self.first, self.second))
        return _HEAD.pack(EvidenceKind.VOTES, self.accused, self.height) + b"".join(parts)


@dataclass(frozen=True, slots=True)
class TwoCertificates:
    """Two blocks of one height are certified."""

    first: Certificate
    second: Certificate

    @property
    def accused(self) -> bytes:
        return b""

    @property
    def height(self) -> int:
        return self.first.height

    @property
    def text(self) -> str:
        blocks = sorted(hash_to_hex(one.block) for one in (self.first, self.second))
        return (
            f"two blocks are certified at height {self.height}, {blocks[0]} and {blocks[1]}: more members lied than "
            "their list tolerates"
        )

    def problem(self, members: MemberList, network_id: bytes, epoch: bytes = NO_RECOVERY) -> str | None:
        domain = domain_of(network_id, epoch)
        return self.first.problem(members, domain) or self.second.problem(members, domain)

    def encode(self) -> bytes:
        head = _HEAD.pack(EvidenceKind.CERTIFICATES, _NOBODY, self.height)
        return head + _with_lengths(*sorted((self.first.encode(), self.second.encode())))


_Statement = AdmissionRecord | ConfigurationRecord


class _TwoContents(ABC):
    """A member signed both contents of a version. Each has its signature and no other."""

    __slots__ = ()

    KIND: ClassVar[EvidenceKind]
    WHAT: ClassVar[str]

    @property
    @abstractmethod
    def contents(self) -> tuple[_Statement, _Statement]:
        """Both."""

    @property
    def accused(self) -> bytes:
        return self.contents[0].signatures[0][0]

    @property
    def height(self) -> int:
        return self.contents[0].height

    @property
    def text(self) -> str:
        return f"two contents of version {self.contents[0].version} of the {self.WHAT}, at height {self.height}"

    def problem(self, members: MemberList, network_id: bytes, epoch: bytes = NO_RECOVERY) -> str | None:
        if self.accused not in members:
            return f"{self.accused.hex()} is no member at height {self.height}"
        if not all(verifies(self.accused, one.signatures[0][1], one.digest(network_id)) for one in self.contents):
            return f"a content of the {self.WHAT} in it is not signed by the member that it accuses"
        return None

    def encode(self) -> bytes:
        (low, low_signature), (high, high_signature) = sorted(
            (one.body(), one.signatures[0][1]) for one in self.contents
        )
        head = _HEAD.pack(self.KIND, self.accused, self.height)
        return head + low_signature + high_signature + _with_lengths(low, high)


@dataclass(frozen=True, slots=True)
class TwoAdmissions(_TwoContents):
    """Two contents of one version of an admission, signed by one member."""

    KIND: ClassVar[EvidenceKind] = EvidenceKind.ADMISSIONS
    WHAT: ClassVar[str] = "admission"
    first: AdmissionRecord
    second: AdmissionRecord

    @property
    def contents(self) -> tuple[AdmissionRecord, AdmissionRecord]:
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class TwoConfigurations(_TwoContents):
    """Two contents of one version of a configuration, signed by one member."""

    KIND: ClassVar[EvidenceKind] = EvidenceKind.CONFIGURATIONS
    WHAT: ClassVar[str] = "configuration"
    first: ConfigurationRecord
    second: ConfigurationRecord

    @property
    def contents(self) -> tuple[ConfigurationRecord, ConfigurationRecord]:
        return self.first, self.second


Evidence = TwoVotes | TwoCertificates | TwoAdmissions | TwoConfigurations


def accused_of(raw: bytes) -> bytes:
    """Whom evidence accuses, from its bytes."""
    key = raw[1 : 1 + KEY_BYTES]
    return b"" if key == _NOBODY else key


def decode_evidence(raw: bytes) -> Evidence:
    """What encode() gave; no signature is looked at. Raises DecodeError."""
    if not _HEAD.size < len(raw) <= EVIDENCE_BYTES_MAX:
        raise DecodeError(f"evidence of {len(raw)} bytes, at most {EVIDENCE_BYTES_MAX}")
    kind, accused, _ = _HEAD.unpack_from(raw)
    if kind not in EvidenceKind.__members__.values():
        raise DecodeError(f"evidence of kind {kind}")
    rest = raw[_HEAD.size :]
    found: Evidence
    match EvidenceKind(kind):
        case EvidenceKind.VOTES:
            found = _votes(rest, accused)
        case EvidenceKind.CERTIFICATES:
            found = _certificates(rest)
        case EvidenceKind.ADMISSIONS:
            found = TwoAdmissions(*_statements(AdmissionRecord, "admissions", rest, accused))
        case EvidenceKind.CONFIGURATIONS:
            found = TwoConfigurations(*_statements(ConfigurationRecord, "configurations", rest, accused))
        case never:
            assert_never(never)
    if found.encode() != raw:
        raise DecodeError("evidence says whom and which height it is about, and its parts stand in order")
    return found


def _votes(rest: bytes, accused: bytes) -> TwoVotes:
    size = VOTE_BYTES + SIGNATURE_BYTES
    if len(rest) != 2 * size:
        raise DecodeError("evidence of two votes has two votes")
    first, second = (
        SignedVote(Vote.decode(one[:VOTE_BYTES]), accused, one[VOTE_BYTES:]) for one in (rest[:size], rest[size:])
    )
    if first.vote.slot != second.vote.slot or first.vote == second.vote:
        raise DecodeError("two votes are evidence where they differ, and are for one slot")
    return TwoVotes(first, second)


def _certificates(rest: bytes) -> TwoCertificates:
    first, second = map(Certificate.decode, _two(rest))
    if first.height != second.height or first.block == second.block:
        raise DecodeError("two certificates are evidence where they are of one height, and of two blocks")
    return TwoCertificates(first, second)


_S = TypeVar("_S", AdmissionRecord, ConfigurationRecord)


def _statements(kind: type[_S], what: str, rest: bytes, accused: bytes) -> tuple[_S, _S]:
    bodies = map(kind.decode_body, _two(rest[2 * SIGNATURE_BYTES :]))
    signatures = rest[:SIGNATURE_BYTES], rest[SIGNATURE_BYTES : 2 * SIGNATURE_BYTES]
    first, second = (body.with_signature(accused, one) for body, one in zip(bodies, signatures, strict=True))
    if first.version != second.version or not first.version or first.height != second.height:
        raise DecodeError(f"two {what} are evidence where they are of one version and one height")
    if first.hash == second.hash:
        raise DecodeError(f"two {what} are evidence where they differ")
    return first, second


def _with_lengths(first: bytes, second: bytes) -> bytes:
    return _LENGTH.pack(len(first)) + first + _LENGTH.pack(len(second)) + second


def _two(raw: bytes) -> tuple[bytes, bytes]:
    """Two parts with their lengths, and nothing behind them."""
    first, rest = _one(raw)
    second, rest = _one(rest)
    if rest:
        raise DecodeError(f"{len(rest)} bytes stand behind the parts of evidence")
    return first, second


def _one(raw: bytes) -> tuple[bytes, bytes]:
    if len(raw) < _LENGTH.size:
        raise DecodeError("truncated evidence")
    end = _LENGTH.size + _LENGTH.unpack_from(raw)[0]
    if len(raw) < end:
        raise DecodeError("truncated evidence")
    return raw[_LENGTH.size : end], raw[end:]
