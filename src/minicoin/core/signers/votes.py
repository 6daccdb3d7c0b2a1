"""One member's signed word on a block: a proposal, a prevote or a precommit.

Signed is tagged_hash("minicoin/vote", network id, kind u8, height u32, round u32, block hash or zeros for nil, the hash
of the next height's member list, valid round i32). A proposal's signature covers the round in which its block was found
valid, -1 for none; the others say -1. Signatures are BIP340's with auxiliary data of zeros, so that equal nodes of a
laboratory sign equal bytes.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import Final

from coincurve import PrivateKey, PublicKeyXOnly

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.faults import DecodeError
from minicoin.core.limits import VOTE_SIGNATURES_VERIFIED_REMEMBERED_MAX
from minicoin.core.primitives.block import ZERO_HASH, BlockHash
from minicoin.core.signers.members import KEY_BYTES

SIGNATURE_BYTES: Final = 64
NO_ROUND: Final = -1
NIL: Final = ZERO_HASH
"""The hash of no block."""
ROUND_MAX: Final = (1 << 31) - 1

_BODY: Final = Struct("<BII32s32si")
_AUXILIARY: Final = bytes(32)
VOTE_BYTES: Final = _BODY.size


class VoteKind(IntEnum):
    """What is said, in the order in which a round asks for it."""

    PROPOSAL = 1
    PREVOTE = 2
    PRECOMMIT = 3


@dataclass(frozen=True, slots=True)
class Vote:
    """What is signed."""

    kind: VoteKind
    height: int
    round: int
    block: BlockHash
    """NIL for none; a proposal always names one."""
    next_members: bytes
    """The hash of the list of the next height, as the block makes it; zeros beside NIL."""
    valid_round: int = NO_ROUND

    @property
    def slot(self) -> tuple[int, int, int]:
        """Of what a member may sign one only: (height, round, kind). Slots are signed in ascending order."""
        return self.height, self.round, int(self.kind)

    def encode(self) -> bytes:
        return _BODY.pack(self.kind, self.height, self.round, self.block, self.next_members, self.valid_round)

    def digest(self, network_id: bytes) -> bytes:
        """What the signature is made over."""
        return tagged_hash("minicoin/vote", network_id + self.encode())

    @classmethod
    def decode(cls, raw: bytes) -> "Vote":
        """What encode() gave. Raises DecodeError."""
        if len(raw) != VOTE_BYTES:
            raise DecodeError(f"a vote has {VOTE_BYTES} bytes, not {len(raw)}")
        kind, height, round_, block, next_members, valid_round = _BODY.unpack(raw)
        if kind not in VoteKind.__members__.values():
            raise DecodeError(f"a vote of kind {kind}")
        vote = cls(VoteKind(kind), height, round_, BlockHash(block), next_members, valid_round)
        _check(vote)
        return vote


@dataclass(frozen=True, slots=True)
class SignedVote:
    """A vote, whose it is, and the signature."""

    vote: Vote
    member: bytes
    signature: bytes

    def encode(self) -> bytes:
        return self.vote.encode() + self.member + self.signature

    @classmethod
    def decode(cls, raw: bytes) -> "SignedVote":
        """What encode() gave; the signature is not looked at. Raises DecodeError."""
        if len(raw) != SIGNED_VOTE_BYTES:
            raise DecodeError(f"a signed vote has {SIGNED_VOTE_BYTES} bytes, not {len(raw)}")
        member_at = VOTE_BYTES
        vote = Vote.decode(raw[:member_at])
        return cls(vote, raw[member_at : member_at + KEY_BYTES], raw[member_at + KEY_BYTES :])

    def holds(self, network_id: bytes) -> bool:
        """Whether the signature is the member's; as good as free for one that was verified before."""
        return verifies(self.member, self.signature, self.vote.digest(network_id))


SIGNED_VOTE_BYTES: Final = VOTE_BYTES + KEY_BYTES + SIGNATURE_BYTES


def _check(vote: Vote) -> None:
    if vote.round > ROUND_MAX:
        raise DecodeError("a round above the highest there is")
    if vote.kind is VoteKind.PROPOSAL:
        if vote.block == NIL or not NO_ROUND <= vote.valid_round < vote.round:
            raise DecodeError("a proposal names a block, and a valid round in front of its own")
    elif vote.valid_round != NO_ROUND:
        raise DecodeError("only a proposal has a valid round")
    if vote.block == NIL and vote.next_members != NIL:
        raise DecodeError("a vote for no block names no list")


def sign_vote(vote: Vote, key: PrivateKey, network_id: bytes) -> SignedVote:
    """The vote, signed. What may be signed is the sign state's to say (core/consensus)."""
    signature = key.sign_schnorr(vote.digest(network_id), _AUXILIARY)
    return SignedVote(vote, key.public_key_xonly.format(), signature)


# For all nodes of a process: in a laboratory each vote comes to each of them, and again in a certificate.
@lru_cache(VOTE_SIGNATURES_VERIFIED_REMEMBERED_MAX)
def verifies(member: bytes, signature: bytes, digest: bytes) -> bool:
    """Whether it is BIP340's signature of this key over this digest."""
    try:
        return bool(PublicKeyXOnly(member).verify(signature, digest))
    except ValueError:
        return False


def is_public_key(member: bytes) -> bool:
    """Whether these bytes are one: half of all are not, and nobody can sign with those."""
    # The library takes the length for granted.
    if len(member) != KEY_BYTES:
        return False
    try:
        PublicKeyXOnly(member)
    except ValueError:
        return False
    return True
