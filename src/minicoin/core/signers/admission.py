"""An admission: who may connect to the nodes of a network, bank by bank, signed by a quorum of its members.

It names peer ids, which libp2p proves, and for each bank whether its nodes sign blocks or only look on. Version 0 is
the network file's: it is unsigned, names nothing before it, and is part of the network id. A later one names the hash
of the version its signers held, and the height whose list of members they signed as; versions may be left out.

Body: version u32, height u32, previous hash, count u16, and for each row, by ascending name and role: a length byte and
the name (UTF-8), role u8 (1 signer, 2 observer), a signer's member key, a count byte and as many peer ids, ascending,
each behind a length byte. Behind it stand the signatures (signatures.py). Integers are little-endian. Signed is
tagged_hash("minicoin/admission", network id, body).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from struct import Struct
from typing import ClassVar, Final, Self

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import (
    ADMISSION_BODY_BYTES_MAX,
    ADMISSION_PEER_IDS_PER_ROW_MAX,
    MEMBER_NAME_BYTES_MAX,
)
from minicoin.core.signers.members import KEY_BYTES, MemberList
from minicoin.core.signers.signatures import (
    SIGNATURES_BYTES_MAX,
    Signatures,
    SignedBody,
    read_signatures,
)
from minicoin.core.signers.votes import verifies

ADMISSION_TAG: Final = "minicoin/admission"
_HEAD: Final = Struct("<II32sH")
_NONE_BEFORE: Final = bytes(32)
_INLINE_KEY_BYTES_MAX: Final = 42
_HASH_BYTES: Final = 32
_PEER_ID_BYTES_MIN: Final = 3
_ROW_BYTES_MIN: Final = 1 + 1 + 1 + 1 + 1 + _PEER_ID_BYTES_MIN
_ROWS_MAX: Final = ADMISSION_BODY_BYTES_MAX // _ROW_BYTES_MIN
ADMISSION_BYTES_MAX: Final = ADMISSION_BODY_BYTES_MAX + SIGNATURES_BYTES_MAX


class AdmittedRole(IntEnum):
    """What a bank's nodes are admitted as."""

    SIGNER = 1
    OBSERVER = 2


@dataclass(frozen=True, slots=True)
class AdmissionRow:
    """Nodes of one bank. A bank whose nodes sign and look on has two rows."""

    name: str
    role: AdmittedRole
    key: bytes | None
    """Which member its nodes sign for; None for observers."""
    peer_ids: tuple[bytes, ...]
    """In ascending order."""

    def encode(self) -> bytes:
        name = self.name.encode()
        ids = b"".join(bytes((len(peer_id),)) + peer_id for peer_id in self.peer_ids)
        return bytes((len(name),)) + name + bytes((self.role,)) + (self.key or b"") + bytes((len(self.peer_ids),)) + ids


@dataclass(frozen=True, slots=True)
class AdmissionRecord(SignedBody):
    """Made by `admission_record` or decoded."""

    TAG: ClassVar[str] = ADMISSION_TAG
    version: int
    height: int
    previous: bytes
    rows: tuple[AdmissionRow, ...]
    signatures: Signatures = ()

    def body(self) -> bytes:
        head = _HEAD.pack(self.version, self.height, self.previous, len(self.rows))
        return head + b"".join(row.encode() for row in self.rows)

    def admitted(self) -> dict[bytes, AdmissionRow]:
        """The row of each peer id that may connect."""
        return {peer_id: row for row in self.rows for peer_id in row.peer_ids}

    def with_signatures(self, signatures: Signatures) -> Self:
        return replace(self, signatures=signatures)

    def problem(self, under: MemberList, network_id: bytes) -> str | None:
        """Why a quorum of `under`, the list of its height, does not stand behind it; None where it does. Every
        signature must be a member's and hold."""
        if not self.version:
            return "version 0 is the network file's, and nobody else's to give"
        digest = self.digest(network_id)
        for key, signature in self.signatures:
            if key not in under:
                return f"{key.hex()} signed it, who is no member at height {self.height}"
            if not verifies(key, signature, digest):
                return f"the signature of member {key.hex()} does not hold"
        if len(self.signatures) < under.quorum:
            return f"{len(self.signatures)} members signed it, and the quorum is {under.quorum}"
        return None

    @classmethod
    def decode(cls, raw: bytes) -> "AdmissionRecord":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        if len(raw) > ADMISSION_BYTES_MAX:
            raise DecodeError(f"an admission of {len(raw)} bytes, at most {ADMISSION_BYTES_MAX}")
        record, at = _read_body(raw)
        signatures = read_signatures(raw, at, "an admission")
        if signatures and not record.version:
            raise DecodeError("version 0 of an admission is unsigned: it is part of the network file")
        return replace(record, signatures=signatures)

    @classmethod
    def decode_body(cls, raw: bytes) -> "AdmissionRecord":
        """What body() gave, without signatures. Raises DecodeError."""
        record, at = _read_body(raw)
        if at != len(raw):
            raise DecodeError(f"{len(raw) - at} bytes stand behind an admission")
        return record


def admission_record(version: int, height: int, previous: bytes, rows: Iterable[AdmissionRow]) -> AdmissionRecord:
    """An unsigned admission of these rows, in whatever order they come. Raises MisuseError."""
    ordered = sorted(rows, key=_place)
    for row in ordered:
        name = row.name.encode()
        if not 1 <= len(name) <= MEMBER_NAME_BYTES_MAX or not row.name.isprintable():
            raise MisuseError(f"a bank's name has 1 to {MEMBER_NAME_BYTES_MAX} bytes, all of which can be shown")
        if not 1 <= len(row.peer_ids) <= ADMISSION_PEER_IDS_PER_ROW_MAX:
            raise MisuseError(f"{row.name} has 1 to {ADMISSION_PEER_IDS_PER_ROW_MAX} nodes, not {len(row.peer_ids)}")
    kept = tuple(replace(row, peer_ids=tuple(sorted(row.peer_ids))) for row in ordered)
    record = AdmissionRecord(version, height, previous, kept)
    if len(record.body()) > ADMISSION_BODY_BYTES_MAX:
        raise MisuseError(
            f"an admission of {len(record.body())} bytes, at most {ADMISSION_BODY_BYTES_MAX}: fewer nodes"
        )
    try:
        _check(record)
    except DecodeError as error:
        raise MisuseError(str(error)) from error
    return record


def first_admission(rows: Iterable[AdmissionRow]) -> AdmissionRecord:
    """Version 0, for a network file. Raises MisuseError."""
    return admission_record(0, 0, _NONE_BEFORE, rows)


def _place(row: AdmissionRow) -> tuple[bytes, int]:
    return row.name.encode(), row.role


def _check(record: AdmissionRecord) -> None:
    """What holds between rows. Raises DecodeError."""
    if not record.version and (record.height or record.previous != _NONE_BEFORE):
        raise DecodeError("version 0 of an admission names nothing in front of it")
    if record.version and not record.height:
        raise DecodeError("an admission is signed by the members of a height, and the genesis block has none")
    if not record.rows:
        raise DecodeError("an admission admits somebody")
    places = [_place(row) for row in record.rows]
    if any(low >= high for low, high in pairwise(places)):
        raise DecodeError("the banks of an admission stand in order, each once in a role")
    peer_ids = [peer_id for row in record.rows for peer_id in row.peer_ids]
    if not all(map(_is_peer_id, peer_ids)):
        raise DecodeError("an admission names something that is no peer id")
    if len(dict.fromkeys(peer_ids)) != len(peer_ids):
        raise DecodeError("an admission names one node twice")
    keys = [row.key for row in record.rows if row.key is not None]
    if len(dict.fromkeys(keys)) != len(keys):
        raise DecodeError("an admission names one member twice")
    if any((row.key is not None) != (row.role is AdmittedRole.SIGNER) for row in record.rows):
        raise DecodeError("who is admitted as a signer has a member's key, and nobody else")


def _is_peer_id(raw: bytes) -> bool:
    """The multihash of a key: the key itself where it is short, else its SHA-256 (libp2p/specs peer-ids)."""
    if len(raw) < _PEER_ID_BYTES_MIN or raw[1] != len(raw) - 2:
        return False
    return raw[1] <= _INLINE_KEY_BYTES_MAX if raw[0] == 0 else raw[0] == 0x12 and raw[1] == _HASH_BYTES


def _read_body(raw: bytes) -> tuple[AdmissionRecord, int]:
    """An admission without signatures, and where it ends."""
    if len(raw) < _HEAD.size:
        raise DecodeError("a truncated admission")
    version, height, previous, count = _HEAD.unpack_from(raw)
    if count > _ROWS_MAX:
        raise DecodeError(f"an admission of {count} rows, at most {_ROWS_MAX}")
    rows: list[AdmissionRow] = []
    at = _HEAD.size
    for _ in range(count):
        row, at = _read_row(raw, at)
        rows.append(row)
    if at > ADMISSION_BODY_BYTES_MAX:
        raise DecodeError(f"an admission of {at} bytes, at most {ADMISSION_BODY_BYTES_MAX}")
    record = AdmissionRecord(version, height, previous, tuple(rows))
    _check(record)
    return record, at


def _read_row(raw: bytes, at: int) -> tuple[AdmissionRow, int]:
    name_raw, at = _read_short(raw, at)
    try:
        name = name_raw.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("a bank's name is not UTF-8") from error
    if not 1 <= len(name_raw) <= MEMBER_NAME_BYTES_MAX or not name.isprintable():
        raise DecodeError(f"a bank's name has 1 to {MEMBER_NAME_BYTES_MAX} bytes, all of which can be shown")
    role_raw, at = _read(raw, at, 1)
    if role_raw[0] not in AdmittedRole.__members__.values():
        raise DecodeError(f"a bank's nodes are admitted as signer or observer, not as {role_raw[0]}")
    role = AdmittedRole(role_raw[0])
    key: bytes | None = None
    if role is AdmittedRole.SIGNER:
        key, at = _read(raw, at, KEY_BYTES)
    count_raw, at = _read(raw, at, 1)
    peer_ids: list[bytes] = []
    for _ in range(count_raw[0]):
        peer_id, at = _read_short(raw, at)
        peer_ids.append(peer_id)
    if not 1 <= len(peer_ids) <= ADMISSION_PEER_IDS_PER_ROW_MAX or peer_ids != sorted(peer_ids):
        raise DecodeError(f"a bank has 1 to {ADMISSION_PEER_IDS_PER_ROW_MAX} nodes, whose peer ids stand in order")
    return AdmissionRow(name, role, key, tuple(peer_ids)), at


def _read(raw: bytes, at: int, count: int) -> tuple[bytes, int]:
    if at + count > len(raw):
        raise DecodeError("a truncated admission")
    return raw[at : at + count], at + count


def _read_short(raw: bytes, at: int) -> tuple[bytes, int]:
    length, at = _read(raw, at, 1)
    return _read(raw, at, length[0])
