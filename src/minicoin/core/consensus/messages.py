"""The messages of the rounds, and their bytes. All five are offered together, and spoken together.

A signer says `member` to each peer that offered them, first of all; what else is here passes between signers only, who
proved to each other by that which member they are. A vote is everybody's to pass on: its signature says whose it is.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    BLOCK_SERIALISED_BYTES_MAX,
    CONSENSUS_HELD_VOTES_MAX,
    MEMBERS_MAX,
    MESSAGE_PAYLOAD_BYTES_MAX,
    PEER_ID_BYTES_MAX,
)
from minicoin.core.primitives.block import HEADER_SIZE, RawBlock
from minicoin.core.signers.members import KEY_BYTES
from minicoin.core.signers.recovery import NO_RECOVERY, domain_of
from minicoin.core.signers.votes import (
    NO_ROUND,
    ROUND_MAX,
    SIGNATURE_BYTES,
    SIGNED_VOTE_BYTES,
    SignedVote,
    VoteKind,
    verifies,
)
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_BITMAP_BYTES_MAX: Final = (MEMBERS_MAX + 7) // 8
_PLACE: Final = Struct("<II?i")
_FLAG_AT: Final = 8
_HEIGHT: Final = Struct("<I")

PROPOSAL_BLOCK_BYTES_MAX: Final = min(BLOCK_SERIALISED_BYTES_MAX, MESSAGE_PAYLOAD_BYTES_MAX - SIGNED_VOTE_BYTES)
"""A block that is to be proposed has to fit into a message, with its vote."""


@dataclass(frozen=True, slots=True)
class MemberGreeting(ExtensionMessage):
    """Which member its sender signs for. The signature covers the network and both peer ids, so that it is worth
    nothing on another connection. Behind a recovery it covers that, too, and names it."""

    member: bytes
    signature: bytes
    epoch: bytes = NO_RECOVERY
    """The hash of the last recovery that the sender's configuration names."""

    command = "member"
    version = 1
    payload_bytes_max = KEY_BYTES + SIGNATURE_BYTES + len(NO_RECOVERY)

    def encode(self) -> bytes:
        return self.member + self.signature + (b"" if self.epoch == NO_RECOVERY else self.epoch)

    @classmethod
    def decode(cls, payload: bytes) -> "MemberGreeting":
        reader = Reader(payload, cls.command)
        member, signature = reader.take(KEY_BYTES), reader.take(SIGNATURE_BYTES)
        epoch = reader.take(len(NO_RECOVERY)) if reader.remaining else NO_RECOVERY
        reader.end()
        return cls(member, signature, epoch)

    def holds(self, network_id: bytes, sender: bytes, receiver: bytes) -> bool:
        """Whether the member says so of this sender, to this receiver."""
        return verifies(
            self.member, self.signature, greeting_digest(domain_of(network_id, self.epoch), sender, receiver)
        )


def greeting_digest(domain: bytes, sender: bytes, receiver: bytes) -> bytes:
    """What a greeting's signature is made over; sender and receiver are peer ids."""
    named = b"".join(bytes((len(peer_id),)) + peer_id for peer_id in (sender, receiver))
    return tagged_hash("minicoin/member-greeting", domain + named)


@dataclass(frozen=True, slots=True)
class ProposalMessage(ExtensionMessage):
    """A proposal with the whole block. `vote` names the block's hash."""

    signed: SignedVote
    block: RawBlock

    command = "proposal"
    version = 1
    payload_bytes_max = SIGNED_VOTE_BYTES + PROPOSAL_BLOCK_BYTES_MAX

    def encode(self) -> bytes:
        return self.signed.encode() + self.block.raw

    @classmethod
    def decode(cls, payload: bytes) -> "ProposalMessage":
        """Of the block the header only is read."""
        if len(payload) < SIGNED_VOTE_BYTES + HEADER_SIZE:
            raise DecodeError("truncated proposal")
        signed = SignedVote.decode(payload[:SIGNED_VOTE_BYTES])
        block = RawBlock.parse(payload[SIGNED_VOTE_BYTES:])
        if signed.vote.kind is not VoteKind.PROPOSAL or signed.vote.block != block.hash:
            raise DecodeError("a proposal names the block that it carries")
        return cls(signed, block)


@dataclass(frozen=True, slots=True)
class VoteMessage(ExtensionMessage):
    """A prevote or a precommit, of its sender or of another member."""

    signed: SignedVote

    command = "vote"
    version = 1
    payload_bytes_max = SIGNED_VOTE_BYTES

    def encode(self) -> bytes:
        return self.signed.encode()

    @classmethod
    def decode(cls, payload: bytes) -> "VoteMessage":
        signed = SignedVote.decode(payload)
        if signed.vote.kind is VoteKind.PROPOSAL:
            raise DecodeError("a proposal comes with its block")
        return cls(signed)


@dataclass(frozen=True, slots=True)
class WantVotes(ExtensionMessage):
    """Where its sender stands, and what it has of that round: a bit for each member, lowest first. It is answered with
    what it lacks, or with certified headers where it is behind."""

    height: int
    round: int
    has_proposal: bool
    prevotes: bytes
    precommits: bytes
    valid_round: int = NO_ROUND
    """The last round of which it knows a quorum of prevotes for a block."""

    command = "wantvotes"
    version = 1
    payload_bytes_max = _PLACE.size + 2 * (1 + _BITMAP_BYTES_MAX)

    def encode(self) -> bytes:
        bitmaps = b"".join(encode_compact(len(bitmap)) + bitmap for bitmap in (self.prevotes, self.precommits))
        return _PLACE.pack(self.height, self.round, self.has_proposal, self.valid_round) + bitmaps

    @classmethod
    def decode(cls, payload: bytes) -> "WantVotes":
        reader = Reader(payload, cls.command)
        height, round_, has_proposal, valid_round = reader.unpack(_PLACE)
        if payload[_FLAG_AT] > 1:
            raise DecodeError("a flag is 0 or 1")
        if round_ > ROUND_MAX or valid_round < NO_ROUND:
            raise DecodeError("a round that there is not")
        wanted = cls(
            height,
            round_,
            bool(has_proposal),
            reader.var_bytes(_BITMAP_BYTES_MAX),
            reader.var_bytes(_BITMAP_BYTES_MAX),
            valid_round,
        )
        reader.end()
        return wanted


@dataclass(frozen=True, slots=True)
class HeldVotes(ExtensionMessage):
    """To a member whose node greeted: the height its sender works on, the votes it holds there that are signed with
    that member's key, and the peer id of another node that proved the same member to it, if there is one."""

    height: int
    votes: tuple[SignedVote, ...]
    elsewhere: bytes = b""

    command = "heldvotes"
    version = 1
    payload_bytes_max = _HEIGHT.size + 3 + CONSENSUS_HELD_VOTES_MAX * SIGNED_VOTE_BYTES + 1 + PEER_ID_BYTES_MAX

    def encode(self) -> bytes:
        votes = encode_compact(len(self.votes)) + b"".join(vote.encode() for vote in self.votes)
        elsewhere = bytes((len(self.elsewhere),)) + self.elsewhere if self.elsewhere else b""
        return _HEIGHT.pack(self.height) + votes + elsewhere

    @classmethod
    def decode(cls, payload: bytes) -> "HeldVotes":
        reader = Reader(payload, cls.command)
        (height,) = reader.unpack(_HEIGHT)
        count = reader.count(SIGNED_VOTE_BYTES, CONSENSUS_HELD_VOTES_MAX)
        votes = tuple(SignedVote.decode(reader.take(SIGNED_VOTE_BYTES)) for _ in range(count))
        elsewhere = b""
        if reader.remaining:
            elsewhere = reader.take(reader.take(1)[0])
            if not 1 <= len(elsewhere) <= PEER_ID_BYTES_MAX:
                raise DecodeError("a peer id has bytes, and not as many")
        reader.end()
        return cls(height, votes, elsewhere)


CONSENSUS_MESSAGES: Final = (MemberGreeting, ProposalMessage, VoteMessage, WantVotes, HeldVotes)
