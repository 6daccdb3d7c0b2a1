"""One record: its form on the wire and on disk, what its signatures cover, and whether they hold.

The body is kind, key, version (8 bytes), expiry (8 bytes, Unix seconds, 0 for none) and value; behind it stand the
signatures, by ascending signer. Lengths and counts are CompactSizes, integers little-endian. A signer is a peer id that
holds its key (Ed25519 and secp256k1 do, RSA does not). Signed is DOMAIN, the network's id, the body. Of what members
sign, a signer is a member's x-only key, and signed is the statement (`statements`). Evidence has no signatures: it is
the accused member's, or nobody's, and key and version are its height, so that there is one of a member and height.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import (
    EVIDENCE_BYTES_MAX,
    MEMBERS_MAX,
    RECORD_SIGNATURES_VERIFIED_REMEMBERED_MAX,
    SIGNATURE_BYTES_MAX,
    SIGNED_RECORD_KEY_CHARACTERS_MAX,
    SIGNED_RECORD_SIGNATURES_MAX,
)
from minicoin.core.records.kinds import EVIDENCE, KINDS, KindRow
from minicoin.core.records.statements import read_statement
from minicoin.core.signers.evidence import Evidence, accused_of, decode_evidence
from minicoin.core.signers.members import KEY_BYTES
from minicoin.core.signers.votes import SIGNATURE_BYTES, verifies
from minicoin.core.units import SECOND_US
from minicoin.core.wire.reader import Reader

DOMAIN: Final = b"minicoin record 1\0"
SOURCE_BYTES: Final = 16
INLINE_PEER_ID_BYTES_MAX: Final = 44
"""Two bytes and a key message of at most 42."""
_KIND_BYTES_MAX: Final = 16
_NUMBERS: Final = Struct("<QQ")
RECORD_BYTES_MIN: Final = 1 + 1 + 1 + _NUMBERS.size + 1 + 1 + 1 + 1 + 1 + 1


@dataclass(frozen=True, slots=True)
class RecordSignature:
    """Who signed, as the bytes of a peer id that holds its key."""

    signer: bytes
    signature: bytes


Place = tuple[str, bytes, str]
"""(kind, owner, key): in one place stands one record, the newest."""


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record as it travels. It keeps to its kind's row, or it could not be read; who signed it is the store's to
    judge."""

    kind: str
    key: str
    version: int
    """Microseconds of the signer's clock, above all he has signed before."""
    expires_s: int
    """Unix time; 0 for never."""
    value: bytes
    signatures: tuple[RecordSignature, ...]

    @property
    def owner(self) -> bytes:
        """Whose it is: its signer, or whom it accuses; nobody's where several sign together."""
        kind = KINDS[self.kind]
        if kind.proves_itself:
            return accused_of(self.value)
        return b"" if kind.is_shared else self.signatures[0].signer

    @property
    def place(self) -> Place:
        return self.kind, self.owner, self.key

    @property
    def source(self) -> bytes:
        """Within what its version is unique and rises."""
        return source_of(self.kind, self.owner)

    @property
    def expires_us(self) -> int | None:
        return self.expires_s * SECOND_US or None

    def body(self) -> bytes:
        """What its signatures cover, but for the network."""
        kind, key = self.kind.encode("ascii"), self.key.encode("ascii")
        return b"".join(
            (
                encode_compact(len(kind)) + kind,
                encode_compact(len(key)) + key,
                _NUMBERS.pack(self.version, self.expires_s),
                encode_compact(len(self.value)) + self.value,
            )
        )

    def summed(self) -> bytes:
        """By what the records of two nodes are compared: one proof of a height is as good as another."""
        return replace(self, value=b"").body() if KINDS[self.kind].proves_itself else self.body()

    def encode(self) -> bytes:
        parts = [self.body(), encode_compact(len(self.signatures))]
        for one in self.signatures:
            parts += (encode_compact(len(one.signer)), one.signer, encode_compact(len(one.signature)), one.signature)
        return b"".join(parts)


def source_of(kind: str, owner: bytes) -> bytes:
    """The name of a source in digests: too long for anybody to find a second key of the same name."""
    name = kind.encode("ascii")
    if not owner:
        what = b"kind " + name
    elif KINDS[kind].names_members:
        # Statements of two kinds may have one version.
        what = b"member " + name + b" " + owner
    else:
        what = b"signer " + owner
    return sha256(what).digest()[:SOURCE_BYTES]


def read_record(reader: Reader) -> SignedRecord:
    """The next record. Raises DecodeError on what no row of `kinds` allows."""
    kind = KINDS.get(_text(reader, _KIND_BYTES_MAX))
    if kind is None:
        raise DecodeError("record of an unknown kind")
    key = _text(reader, SIGNED_RECORD_KEY_CHARACTERS_MAX)
    version, expires_s = reader.unpack(_NUMBERS)
    value = reader.var_bytes(kind.value_bytes_max)
    if kind.statement is None:
        signatures = tuple(_signature(reader) for _ in range(reader.count(4, SIGNED_RECORD_SIGNATURES_MAX)))
    else:
        signatures = tuple(_member_signature(reader) for _ in range(reader.count(4, MEMBERS_MAX)))
    record = SignedRecord(kind.name, key, version, expires_s, value, signatures)
    _check(record, kind)
    return record


def decode_record(raw: bytes) -> SignedRecord:
    """One record and nothing behind it. Raises DecodeError."""
    reader = Reader(raw, "record")
    record = read_record(reader)
    reader.end()
    return record


def _text(reader: Reader, length_max: int) -> str:
    raw = reader.var_bytes(length_max)
    if not all(0x20 < byte < 0x7F for byte in raw):
        raise DecodeError("a record's kind and key are printable ASCII without spaces")
    return raw.decode("ascii")


def _signature(reader: Reader) -> RecordSignature:
    signer = reader.var_bytes(INLINE_PEER_ID_BYTES_MAX)
    if not holds_key(signer):
        raise DecodeError("a record's signer is no peer id that holds its key")
    return RecordSignature(signer, reader.var_bytes(SIGNATURE_BYTES_MAX))


def _member_signature(reader: Reader) -> RecordSignature:
    member, signature = reader.var_bytes(KEY_BYTES), reader.var_bytes(SIGNATURE_BYTES)
    if len(member) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        raise DecodeError("a member's key or signature is too short")
    return RecordSignature(member, signature)


def holds_key(peer_id: bytes) -> bool:
    """Whether it is a peer id in which its key stands."""
    return len(peer_id) > 2 and peer_id[0] == 0 and peer_id[1] == len(peer_id) - 2 <= INLINE_PEER_ID_BYTES_MAX - 2


def _check(record: SignedRecord, kind: KindRow) -> None:
    """What a row says of the numbers and the count."""
    signers = [one.signer for one in record.signatures]
    if bool(signers) is kind.proves_itself or signers != sorted(dict.fromkeys(signers)):
        raise DecodeError("a record's signers do not stand in order, each once; evidence has none")
    if len(signers) > 1 and not kind.is_shared:
        raise DecodeError(f"a record of kind {kind.name} has one signer, not {len(signers)}")
    if kind.proves_itself:
        height = decode_evidence(record.value).height
        if (record.key, record.version) != (str(height), height):
            raise DecodeError("the key of evidence is the height that it is about, and so is its version")
    statement = read_statement(kind, record.value)
    if statement is not None and (record.key or record.version != statement.version):
        raise DecodeError(f"a record of kind {kind.name} has no key, and the version that it states")
    if kind.life_max_us is None:
        if record.expires_s:
            raise DecodeError(f"a record of kind {kind.name} does not expire")
    # Rounded up to the second in which it ends.
    elif not record.version < record.expires_s * SECOND_US < record.version + kind.life_max_us + SECOND_US:
        raise DecodeError(f"a record of kind {kind.name} lives {kind.life_max_us // SECOND_US} seconds at most")


# --- signing ---


def unsigned_record(kind: KindRow, key: str, value: bytes, version: int, life_us: int | None = None) -> SignedRecord:
    """A record without signatures, of the longest life its kind allows unless a shorter one is given. Raises
    MisuseError that says what of it its kind does not allow."""
    if len(key) > SIGNED_RECORD_KEY_CHARACTERS_MAX or not all(" " < letter < "\x7f" for letter in key):
        raise MisuseError(
            f"a record's key has at most {SIGNED_RECORD_KEY_CHARACTERS_MAX} printable ASCII characters and no spaces"
        )
    if len(value) > kind.value_bytes_max:
        raise MisuseError(
            f"{len(value)} bytes are too long for a record of kind {kind.name}: at most {kind.value_bytes_max}"
        )
    if kind.life_max_us is None:
        if life_us is not None:
            raise MisuseError(f"a record of kind {kind.name} does not expire")
        return SignedRecord(kind.name, key, version, 0, value, ())
    if life_us is not None and not 0 < life_us <= kind.life_max_us:
        raise MisuseError(f"a record of kind {kind.name} lives 1 to {kind.life_max_us // SECOND_US} seconds")
    expires_us = version + (life_us or kind.life_max_us)
    return SignedRecord(kind.name, key, version, -(-expires_us // SECOND_US), value, ())


def signed_bytes(record: SignedRecord, network_id: bytes) -> bytes:
    return DOMAIN + network_id + record.body()


def with_signature(record: SignedRecord, identity: Identity, network_id: bytes) -> SignedRecord:
    """The record signed by one more, or anew. Raises MisuseError for an identity whose key is too long for a record."""
    signer = identity.peer_id.multihash
    if not holds_key(signer):
        raise MisuseError("records are signed with Ed25519 or secp256k1 keys; this node's identity has another")
    added = RecordSignature(signer, identity.sign(signed_bytes(record, network_id)))
    others = (one for one in record.signatures if one.signer != signer)
    signatures = tuple(sorted((*others, added), key=lambda one: one.signer))
    return SignedRecord(record.kind, record.key, record.version, record.expires_s, record.value, signatures)


def has_forged_signature(record: SignedRecord, network_id: bytes) -> bool:
    """Whether a signature does not hold; as good as free for one that was verified before. Those within evidence are
    not looked at."""
    statement = KINDS[record.kind].statement
    if statement is not None:
        digest = statement.digest(network_id, record.value)
        return not all(verifies(one.signer, one.signature, digest) for one in record.signatures)
    message = signed_bytes(record, network_id)
    return not all(_verifies(one.signer, one.signature, message) for one in record.signatures)


# For all nodes of a process: in a laboratory each record comes to each of them.
@lru_cache(RECORD_SIGNATURES_VERIFIED_REMEMBERED_MAX)
def _verifies(signer: bytes, signature: bytes, message: bytes) -> bool:
    try:
        key = PeerId(signer).public_key()
    except DecodeError:
        return False
    return key is not None and key.verifies(signature, message)


def statement_record(kind: str, version: int, value: bytes, signatures: Iterable[tuple[bytes, bytes]]) -> SignedRecord:
    """A record of a statement with (member, signature) pairs, which are not looked at."""
    ordered = sorted(signatures)
    return SignedRecord(kind, "", version, 0, value, tuple(RecordSignature(*one) for one in ordered))


def evidence_record(evidence: Evidence) -> SignedRecord:
    """A record of evidence, which is not looked at. Raises MisuseError where it is too long for one."""
    value, height = evidence.encode(), evidence.height
    if len(value) > EVIDENCE_BYTES_MAX:
        raise MisuseError(f"evidence of {len(value)} bytes, at most {EVIDENCE_BYTES_MAX}")
    return SignedRecord(EVIDENCE, str(height), height, 0, value, ())


def sum_of(records: Iterable[SignedRecord]) -> int:
    """A check sum over records, in any order."""
    total = 0
    for record in records:
        total ^= int.from_bytes(sha256(record.summed()).digest()[:8], "little")
    return total
