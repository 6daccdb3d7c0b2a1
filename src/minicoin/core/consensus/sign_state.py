"""What a signing key has signed: the one thing a signer must never lose, as a value and as bytes.

Rules, and why:
- A vote is recorded here, and this is on disk, before its signature exists. So after a crash at any moment the record
  holds everything that may have left.
- Slots (height, round, kind) are signed in ascending order, each once; the vote of a slot that was recorded may be
  signed again, and gives the same bytes. Everything else is refused: no two votes for one slot, ever.
- The record holds the lock and the valid choice, each with the quorum of prevotes behind it. A signer that came back
  without its lock could help to decide another block: one bank certifies v in round 0 and drops off, four restart and
  certify v'. One that came back without the prevotes could not show the others why they may let go of theirs.
- Of a height the votes of the last rounds are kept, to be sent again after a start.
- Who signs a recovery (core/signers/recovery) signs nothing more as a member of the list that it takes over from, at no
  height: the promise stands here, and there is one for each list. Its lock stays, so that the same can be signed again.
- Behind a recovery that the configuration names the key signs for another domain, its epoch, and begins anew: no vote
  there can contradict one from before. It never goes back.
- A key is made together with its empty record, of height 0. Where a key is there and its record is not, the record was
  lost, and the key must not sign for now (core/consensus/fitness).

Bytes, little-endian: version u8, member 32, height u32, count u16, the votes by ascending slot (core/signers/votes),
lock, valid choice. Each of these two: 0, or 1 and round u32, block 32, list's hash 32, count u8, for each prevote by
ascending member the key and the signature; the valid choice is 2 where it is the lock. Then the epoch 32, the promise
(0, or 1 and height u32, subject 32), what epochs were left, a count u8 and each 32, and the SHA-256 of all that, so
that no bit that turned on the disk is taken for a word of this key. Two older versions have no hash and are still read:
1 ends behind the valid choice, 2 has the rest.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from struct import Struct
from typing import Final

from minicoin.core.consensus.choice import Choice, Justified
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import MEMBERS_MAX, RECOVERIES_NAMED_MAX, ROUNDS_KEPT_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.members import KEY_BYTES
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery
from minicoin.core.signers.votes import NIL, ROUND_MAX, SIGNATURE_BYTES, VOTE_BYTES, SignedVote, Vote, VoteKind
from minicoin.core.wire.reader import Reader

_PLAIN: Final = 1
_RECOVERED: Final = 2
_VERSION: Final = 3
_CHECKSUM_BYTES: Final = 32
_PROMISE: Final = Struct("<I32s")
_HEAD: Final = Struct("<B32sIH")
_JUSTIFIED: Final = Struct("<I32s32sB")
_NONE, _GIVEN, _LOCK = 0, 1, 2


@dataclass(frozen=True, slots=True)
class RecoveryPromise:
    """A recovery was signed behind the block of this height; `subject` says which."""

    height: int
    subject: bytes


@dataclass(frozen=True, slots=True)
class SignState:
    """Of one key. `votes` are its own of `height`, by ascending slot."""

    member: bytes
    height: int = 0
    votes: tuple[Vote, ...] = ()
    lock: Justified | None = None
    valid: Justified | None = None
    epoch: bytes = NO_RECOVERY
    """The hash of the recovery behind which it signs."""
    promise: RecoveryPromise | None = None
    left: tuple[bytes, ...] = ()
    """Epochs in which it signs nothing any more."""

    def problem(self, vote: Vote) -> str | None:
        """Why this may not be signed; None where it may."""
        if self.promise is not None:
            return f"a recovery behind block {self.promise.height} was signed: nothing more is for the list before it"
        if vote.height < self.height:
            return f"height {vote.height} is behind height {self.height}, up to which the key may have signed"
        if vote in self.votes or not self.votes or vote.slot > self.votes[-1].slot:
            return None
        last = self.votes[-1]
        return (
            f"{vote.kind.name.lower()} of height {vote.height}, round {vote.round} is not signed: "
            f"{last.kind.name.lower()} of round {last.round} was signed before it"
        )

    def recorded(self, vote: Vote, lock: Justified | None, valid: Justified | None) -> "SignState":
        """The record that has to be on disk before this vote is signed. Raises MisuseError for one that may not be."""
        if (problem := self.problem(vote)) is not None:
            raise MisuseError(problem)
        if vote in self.votes:
            return self
        known = self.votes if vote.height == self.height else ()
        kept = tuple(one for one in known if one.round >= vote.round - ROUNDS_KEPT_MAX)
        return replace(self, height=vote.height, votes=(*kept, vote), lock=lock, valid=valid)

    def raised(self, height: int) -> "SignState":
        """The record of a key that signs nothing below this height."""
        return self if height <= self.height else replace(self, height=height, votes=(), lock=None, valid=None)

    def behind(self, epoch: bytes) -> "SignState":
        """The record of a key that signs in this epoch from now on. Raises MisuseError for one that it has left."""
        if epoch == self.epoch:
            return self
        if epoch in self.left or len(self.left) >= RECOVERIES_NAMED_MAX:
            raise MisuseError(f"the key signs behind recovery {self.epoch.hex()} now, and not behind {epoch.hex()}")
        return SignState(self.member, epoch=epoch, left=(*self.left, self.epoch))

    def entered(self, recovery: Recovery) -> "SignState":
        """The record of a key that signs behind this recovery. Raises MisuseError."""
        return replace(self.behind(recovery.hash), height=recovery.height + 1)

    def promised(self, recovery: Recovery) -> "SignState":
        """The record that has to be on disk before this recovery is signed. Raises MisuseError for one that may not
        be."""
        promise = RecoveryPromise(recovery.height, recovery.subject)
        if self.promise is not None and self.promise != promise:
            raise MisuseError(
                f"this key has signed another recovery, behind block {self.promise.height}: two of them could both "
                "come true. Agree on that one"
            )
        if recovery.previous != self.epoch:
            raise MisuseError(
                f"it follows recovery {recovery.previous.hex()}, and this key signs behind {self.epoch.hex()}"
            )
        if self.height > recovery.height + 1:
            raise MisuseError(
                f"this key has signed at height {self.height}, so there is a certified block above {recovery.height}: "
                "let the node catch up with it first"
            )
        return replace(self, promise=promise)

    def lock_behind(self, height: int) -> Justified | None:
        """What the key is locked on at the height behind this one."""
        return self.lock if self.height == height + 1 else None

    def knows(self, vote: Vote) -> bool:
        """Whether a vote of this key is one that this record accounts for, as far back as it goes."""
        if vote.height != self.height:
            return vote.height < self.height
        return vote in self.votes or bool(self.votes and vote.round < self.votes[0].round)

    def encode(self) -> bytes:
        body = self._encode(_VERSION)
        return body + sha256(body).digest()

    def _encode(self, version: int) -> bytes:
        """All but the hash."""
        head = _HEAD.pack(version, self.member, self.height, len(self.votes))
        votes = b"".join(vote.encode() for vote in self.votes)
        lock = bytes((_NONE,)) if self.lock is None else bytes((_GIVEN,)) + _encode(self.lock)
        if self.valid is None:
            valid = bytes((_NONE,))
        elif self.valid == self.lock:
            valid = bytes((_LOCK,))
        else:
            valid = bytes((_GIVEN,)) + _encode(self.valid)
        return head + votes + lock + valid + (b"" if version == _PLAIN else self._encode_epoch())

    def _encode_epoch(self) -> bytes:
        return self.epoch + _encode_promise(self.promise) + bytes((len(self.left),)) + b"".join(self.left)

    @classmethod
    def decode(cls, raw: bytes) -> "SignState":
        """What encode() gave, of this version or one before. Raises DecodeError."""
        body = _checked(raw)
        reader = Reader(body, "sign state")
        version, member, height, count = _HEAD.unpack(reader.take(_HEAD.size))
        votes = tuple(Vote.decode(reader.take(VOTE_BYTES)) for _ in range(count))
        slots = [vote.slot for vote in votes]
        if any(vote.height != height for vote in votes) or any(low >= high for low, high in pairwise(slots)):
            raise DecodeError("a sign state has the votes of its height by ascending slot")
        lock = _decode(reader, height, None)
        valid = _decode(reader, height, lock)
        epoch, promise, left = NO_RECOVERY, None, tuple[bytes, ...]()
        if version != _PLAIN:
            epoch = reader.take(len(NO_RECOVERY))
            promise = RecoveryPromise(*_PROMISE.unpack(reader.take(_PROMISE.size))) if reader.take(1) == b"\1" else None
            left = tuple(reader.take(len(NO_RECOVERY)) for _ in range(reader.take(1)[0]))
        reader.end()
        state = cls(member, height, votes, lock, valid, epoch, promise, left)
        if state._encode(version) != body:
            raise DecodeError("a sign state that is not in its one form")
        return state


def _checked(raw: bytes) -> bytes:
    """What stands before the hash, where there has to be one. Raises DecodeError."""
    version = raw[0] if raw else 0
    if version in (_PLAIN, _RECOVERED):
        return raw
    if version != _VERSION:
        raise DecodeError(f"a sign state of version {version}")
    body = raw[:-_CHECKSUM_BYTES]
    if sha256(body).digest() != raw[len(body) :]:
        raise DecodeError("a sign state whose checksum is wrong: it was cut off or changed on the disk")
    return body


def promised_by(state: SignState, statement: bytes) -> SignState:
    """The record before a statement of a recovery is signed (core/signers/recovery). Raises MisuseError."""
    try:
        recovery, _ = Recovery.decode_statement(statement)
    except DecodeError as error:
        raise MisuseError(f"it is no statement of a recovery: {error}") from error
    return state.promised(recovery)


def _encode_promise(promise: RecoveryPromise | None) -> bytes:
    return b"\0" if promise is None else b"\1" + _PROMISE.pack(promise.height, promise.subject)


def _encode(justified: Justified) -> bytes:
    choice = justified.choice
    head = _JUSTIFIED.pack(justified.round, choice.block, choice.next_members, len(justified.prevotes))
    return head + b"".join(one.member + one.signature for one in justified.prevotes)


def _decode(reader: Reader, height: int, lock: Justified | None) -> Justified | None:
    flag = reader.take(1)[0]
    if flag == _NONE:
        return None
    if flag == _LOCK and lock is not None:
        return lock
    if flag != _GIVEN:
        raise DecodeError("a sign state has a lock and a valid choice, or none")
    round_, block, next_members, count = _JUSTIFIED.unpack(reader.take(_JUSTIFIED.size))
    if not 1 <= count <= MEMBERS_MAX or block == NIL or round_ > ROUND_MAX:
        raise DecodeError("a choice is a block with the prevotes for it")
    choice = Choice(BlockHash(block), next_members)
    vote = Vote(VoteKind.PREVOTE, height, round_, choice.block, choice.next_members)
    prevotes = tuple(SignedVote(vote, reader.take(KEY_BYTES), reader.take(SIGNATURE_BYTES)) for _ in range(count))
    keys = [one.member for one in prevotes]
    if keys != sorted(set(keys)):
        raise DecodeError("prevotes stand by ascending member")
    return Justified(round_, choice, prevotes)
