"""A certificate: that a quorum of the members of a height precommitted to one block. It makes the block final.

It is no part of its own block. It lies in the coinbase of the next one, and travels beside the header at the tip and in
sync. Bytes: height u32, round u32, block hash, hash of the next height's list, a bit for each member of the height's
list (lowest bit first, in whole bytes), the signatures in the order of their bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import MEMBERS_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import NIL, ROUND_MAX, SIGNATURE_BYTES, SignedVote, Vote, VoteKind, verifies

_HEAD: Final = Struct("<II32s32s")
_BITMAP_BYTES_MAX: Final = (MEMBERS_MAX + 7) // 8
_LENGTH_BYTES: Final = 2
CERTIFICATE_BYTES_MAX: Final = _HEAD.size + 1 + _BITMAP_BYTES_MAX + MEMBERS_MAX * SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Certificate:
    """`bitmap` is as long as the list of its height asks for, `signatures` as many as it has bits."""

    height: int
    round: int
    block: BlockHash
    next_members: bytes
    bitmap: bytes
    signatures: tuple[bytes, ...]

    @property
    def vote(self) -> Vote:
        """What each of its signers signed."""
        return Vote(VoteKind.PRECOMMIT, self.height, self.round, self.block, self.next_members)

    def signers(self, members: MemberList) -> tuple[bytes, ...]:
        """Who signed, of the list it was made for."""
        return tuple(key for place, key in enumerate(members.keys) if self.bitmap[place // 8] >> place % 8 & 1)

    def problem(self, members: MemberList, network_id: bytes) -> str | None:
        """Why it does not certify its block under this list; None where it does."""
        if len(self.bitmap) != (len(members) + 7) // 8:
            return f"its bitmap does not fit a list of {len(members)} members"
        places = [place for place in range(len(self.bitmap) * 8) if self.bitmap[place // 8] >> place % 8 & 1]
        if places and places[-1] >= len(members):
            return "it names a member that the list does not have"
        if len(places) < members.quorum:
            return f"{len(places)} members signed, and the quorum is {members.quorum}"
        digest = self.vote.digest(network_id)
        for place, signature in zip(places, self.signatures, strict=True):
            if not verifies(members.keys[place], signature, digest):
                return f"the signature of member {members.keys[place].hex()} does not hold"
        return None

    def encode(self) -> bytes:
        head = _HEAD.pack(self.height, self.round, self.block, self.next_members)
        return head + bytes((len(self.bitmap),)) + self.bitmap + b"".join(self.signatures)

    @classmethod
    def decode(cls, raw: bytes) -> "Certificate":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        if not _HEAD.size < len(raw) <= CERTIFICATE_BYTES_MAX:
            raise DecodeError(f"a certificate of {len(raw)} bytes")
        height, round_, block, next_members = _HEAD.unpack_from(raw)
        bitmap_at = _HEAD.size + 1
        signatures_at = bitmap_at + raw[_HEAD.size]
        bitmap = raw[bitmap_at:signatures_at]
        count = int.from_bytes(bitmap, "little").bit_count()
        if not 1 <= raw[_HEAD.size] <= _BITMAP_BYTES_MAX or len(raw) != signatures_at + count * SIGNATURE_BYTES:
            raise DecodeError("a certificate has as many signatures as its bitmap has bits")
        if round_ > ROUND_MAX or block == NIL:
            raise DecodeError("a certificate names a block and a round")
        signatures = (raw[at : at + SIGNATURE_BYTES] for at in range(signatures_at, len(raw), SIGNATURE_BYTES))
        return cls(height, round_, BlockHash(block), next_members, bitmap, tuple(signatures))


@dataclass(frozen=True, slots=True)
class KeptCertificate:
    """A certificate as nodes keep it, a million in a row: its bytes, and behind them those of the next height's list
    where that is another than its own height's."""

    raw: bytes
    next_members: bytes = b""

    @property
    def certificate(self) -> Certificate:
        return Certificate.decode(self.raw)

    @property
    def place(self) -> tuple[int, BlockHash]:
        """Height and hash of the block that it is for; a start with a million of them decodes no more."""
        height, _, block, _ = _HEAD.unpack_from(self.raw)
        return height, BlockHash(block)

    @property
    def members(self) -> MemberList | None:
        """The next height's list, where it is another."""
        return MemberList.decode(self.next_members) if self.next_members else None

    def encode(self) -> bytes:
        return len(self.next_members).to_bytes(_LENGTH_BYTES, "little") + self.next_members + self.raw

    @classmethod
    def decode(cls, raw: bytes) -> "KeptCertificate":
        """What encode() gave; nothing in it is looked at."""
        end = _LENGTH_BYTES + int.from_bytes(raw[:_LENGTH_BYTES], "little")
        return cls(raw[end:], raw[_LENGTH_BYTES:end])


def keep(certificate: Certificate, next_members: MemberList | None = None) -> KeptCertificate:
    """`next_members` where the next height's list is another."""
    return KeptCertificate(certificate.encode(), b"" if next_members is None else next_members.encode())


def certificate_of(votes: Iterable[SignedVote], members: MemberList) -> Certificate:
    """The certificate of a quorum of precommits to one block, each of another member of the list. Raises
    MisuseError."""
    by_member = {one.member: one for one in votes}
    placed = [(place, by_member[key]) for place, key in enumerate(members.keys) if key in by_member]
    said = {one.vote for _, one in placed}
    if len(placed) < members.quorum or len(said) != 1:
        raise MisuseError("a certificate is made of a quorum of equal precommits")
    (vote,) = said
    bitmap = bytearray((len(members) + 7) // 8)
    for place, _ in placed:
        bitmap[place // 8] |= 1 << place % 8
    signatures = tuple(one.signature for _, one in placed)
    return Certificate(vote.height, vote.round, vote.block, vote.next_members, bytes(bitmap), signatures)
