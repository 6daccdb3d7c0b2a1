"""A change of the member list: the whole list from a height on, signed by a quorum of the list it is carried under.

A coinbase carries it at least two blocks in front of the height from which it holds, so that the certificate of the
block between names it. Its version is one above that of the change carried last (the founding list has version 0), and
it names that change's hash (the founding list's hash at first), so that one change has one successor.

Signed is tagged_hash("minicoin/member-change", network id, body). Body: version u32, from_height u32, previous hash,
the list, and for each member in the list's order its name (a length byte, UTF-8). Behind it stand the signatures
(signatures.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from struct import Struct
from typing import ClassVar, Final, Self

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import MEMBER_NAME_BYTES_MAX, MEMBERS_MAX
from minicoin.core.signers.members import KEY_BYTES, MemberList
from minicoin.core.signers.signatures import (
    SIGNATURES_BYTES_MAX,
    Signatures,
    SignedBody,
    read_signatures,
)

_HEAD: Final = Struct("<II32s")
MEMBER_CHANGE_TAG: Final = "minicoin/member-change"
MEMBER_CHANGE_BYTES_MAX: Final = (
    _HEAD.size + 2 + MEMBERS_MAX * (KEY_BYTES + 1 + MEMBER_NAME_BYTES_MAX) + SIGNATURES_BYTES_MAX
)


@dataclass(frozen=True, slots=True)
class MemberChange(SignedBody):
    """`names` and `members.keys` belong together by their place."""

    TAG: ClassVar[str] = MEMBER_CHANGE_TAG
    version: int
    from_height: int
    previous: bytes
    members: MemberList
    names: tuple[str, ...]
    signatures: Signatures = ()

    def body(self) -> bytes:
        names = b"".join(bytes((len(name.encode()),)) + name.encode() for name in self.names)
        return _HEAD.pack(self.version, self.from_height, self.previous) + self.members.encode() + names

    def with_signatures(self, signatures: Signatures) -> Self:
        return replace(self, signatures=signatures)

    @classmethod
    def decode_body(cls, raw: bytes) -> "MemberChange":
        """What body() gave, without signatures. Raises DecodeError."""
        return cls.decode(raw + bytes(1))

    @classmethod
    def decode(cls, raw: bytes) -> "MemberChange":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        if len(raw) > MEMBER_CHANGE_BYTES_MAX or len(raw) < _HEAD.size + 2:
            raise DecodeError(f"a change of members of {len(raw)} bytes")
        version, from_height, previous = _HEAD.unpack_from(raw)
        count = int.from_bytes(raw[_HEAD.size : _HEAD.size + 2], "little")
        at = _HEAD.size + 2 + count * KEY_BYTES
        members = MemberList.decode(raw[_HEAD.size : at])
        names: list[str] = []
        for _ in range(count):
            name, at = _name(raw, at)
            names.append(name)
        signatures = read_signatures(raw, at, "a change of members")
        return cls(version, from_height, previous, members, tuple(names), signatures)


def _name(raw: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + (raw[at] if at < len(raw) else 0)
    return name_of(raw[at + 1 : end] if end <= len(raw) else b""), end


def name_of(octets: bytes) -> str:
    """A member's name from its bytes. Raises DecodeError."""
    if not 1 <= len(octets) <= MEMBER_NAME_BYTES_MAX:
        raise DecodeError(f"a member's name has 1 to {MEMBER_NAME_BYTES_MAX} bytes")
    try:
        name = octets.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("a member's name is not UTF-8") from error
    if not name.isprintable():
        raise DecodeError("a member's name has characters that cannot be shown")
    return name


def member_change(version: int, from_height: int, previous: bytes, named: Iterable[tuple[bytes, str]]) -> MemberChange:
    """An unsigned change to these (key, name), in whatever order they come. Raises MisuseError."""
    rows = sorted(named)
    names = tuple(name for _, name in rows)
    if any(not 1 <= len(name.encode()) <= MEMBER_NAME_BYTES_MAX or not name.isprintable() for name in names):
        raise MisuseError(f"a member's name has 1 to {MEMBER_NAME_BYTES_MAX} bytes, all of which can be shown")
    return MemberChange(version, from_height, previous, MemberList(tuple(key for key, _ in rows)), names)
