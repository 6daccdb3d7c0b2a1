"""A recovery: the members from a height on, signed by those that are left of a list too many of whom are lost for good.

It names the last certified block and the list that signs behind it. What makes it hold is that each operator names its
hash in the node's configuration; that it is safe is in its signatures (ADR 45):

1. *n - q + f + 1 of the old list sign it*, and each signs nothing more as a member of that list. So all others, and f
   liars among the signers, are fewer than a quorum: the old list certifies no block behind the one it names.
2. *Each says which block it is locked on* at the height behind, or that it is on none. A block that the old list
   certified there, unknown to those that are left, has an honest signer's lock: a quorum precommitted, and so many
   signed here that the two share one more than f.
3. *The lock of the highest round binds*: the new list has that block to decide first. It comes with the quorum of
   prevotes behind it, so that nobody makes one up; a block that was certified has the highest, by the rules of locks.
4. *Behind it votes are signed for another domain*, so that none of the old list counts for the new one, or the other
   way about, and the votes of two recoveries never meet.

The hash is that of the body and of the lock that binds: whoever combines other signatures to the same end names the
same. A statement is a recovery with one signature, and what binds is its signer's lock; `combine` makes one of several.

Bytes, little-endian: body (previous recovery's hash or zeros 32, height u32, block 32, the list, and for each member in
its order the name: a length byte, UTF-8); what binds (0, or 1 and round u32, block 32, hash of the next height's list
32; then a count byte and for each prevote the member's key and signature, by ascending key); a count byte and for each
signer by ascending key the key, its lock in the same form without prevotes, the signature. Signed is
tagged_hash("minicoin/recovery", network id, body, the signer's lock).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from struct import Struct
from typing import Final

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import MEMBER_NAME_BYTES_MAX, MEMBERS_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.changes import name_of
from minicoin.core.signers.members import KEY_BYTES, MemberList
from minicoin.core.signers.votes import NIL, ROUND_MAX, SIGNATURE_BYTES, Vote, VoteKind, verifies

RECOVERY_TAG: Final = "minicoin/recovery"
NO_RECOVERY: Final = bytes(32)
"""The hash of none: what the first recovery of a network follows."""
_HEAD: Final = Struct("<32sI32s")
_LOCK: Final = Struct("<I32s32s")
_COUNT_BYTES: Final = 2
_BODY_BYTES_MAX: Final = _HEAD.size + _COUNT_BYTES + MEMBERS_MAX * (KEY_BYTES + 1 + MEMBER_NAME_BYTES_MAX)
_LOCK_BYTES_MAX: Final = 1 + _LOCK.size
RECOVERY_BYTES_MAX: Final = (
    _BODY_BYTES_MAX
    + _LOCK_BYTES_MAX
    + 1
    + MEMBERS_MAX * (KEY_BYTES + SIGNATURE_BYTES)
    + 1
    + MEMBERS_MAX * (KEY_BYTES + _LOCK_BYTES_MAX + SIGNATURE_BYTES)
)


def signers_needed(members: MemberList) -> int:
    """So many of a list make a recovery: without them, and with the liars among them, there is no quorum."""
    return len(members) - members.quorum + members.faults + 1


def domain_of(network_id: bytes, recovery: bytes) -> bytes:
    """What votes are signed for, in place of the network's id, behind the recovery of this hash."""
    return network_id if recovery == NO_RECOVERY else tagged_hash("minicoin/recovered", network_id + recovery)


def epoch_at(named: "tuple[Recovery, ...]", height: int) -> bytes:
    """The hash of the last of these in front of a height; NO_RECOVERY where there is none."""
    return next((one.hash for one in reversed(named) if one.height < height), NO_RECOVERY)


@dataclass(frozen=True, slots=True)
class SignerLock:
    """The block that a signer is locked on, and the hash of the list that follows it."""

    round: int
    block: BlockHash
    next_members: bytes

    def prevote(self, height: int) -> Vote:
        """What a quorum said before anybody locked."""
        return Vote(VoteKind.PREVOTE, height, self.round, self.block, self.next_members)


Prevotes = tuple[tuple[bytes, bytes], ...]
"""(member, signature) by ascending member."""


@dataclass(frozen=True, slots=True)
class RecoverySignature:
    """One member of the old list stands behind it, and says what it is locked on."""

    member: bytes
    lock: SignerLock | None
    signature: bytes


@dataclass(frozen=True, slots=True)
class Recovery:
    """`names` and `members.keys` belong together by their place; `signatures` stand by ascending member."""

    previous: bytes
    height: int
    """Of the last certified block: the list signs from the next one on."""
    block: BlockHash
    members: MemberList
    names: tuple[str, ...]
    bound: SignerLock | None = None
    """The lock of the highest round, of those of all signers."""
    prevotes: Prevotes = ()
    """Why it is one."""
    signatures: tuple[RecoverySignature, ...] = ()

    @property
    def hash(self) -> bytes:
        """What operators name, and the next recovery; signatures are no part of it."""
        return tagged_hash("minicoin/recovery-hash", self.body() + _lock_bytes(self.bound))

    @property
    def subject(self) -> bytes:
        """What is the same for all statements to one end."""
        return tagged_hash("minicoin/recovery-subject", self.body())

    def body(self) -> bytes:
        """What all of its signers sign, each with its lock behind it."""
        names = b"".join(bytes((len(name.encode()),)) + name.encode() for name in self.names)
        return _HEAD.pack(self.previous, self.height, self.block) + self.members.encode() + names

    def statement(self, lock: SignerLock | None) -> bytes:
        """What a signer with this lock signs, but for tag and network."""
        return self.body() + _lock_bytes(lock)

    def stated(self, member: bytes, lock: SignerLock | None, prevotes: Prevotes, signature: bytes) -> "Recovery":
        """The statement of one signer."""
        return replace(self, bound=lock, prevotes=prevotes, signatures=(RecoverySignature(member, lock, signature),))

    def signers(self) -> tuple[bytes, ...]:
        """Who signed, whether it holds or not."""
        return tuple(one.member for one in self.signatures)

    def flaw(self, under: MemberList, network_id: bytes) -> str | None:
        """What in it does not hold, whoever may still have to sign: `under` is the list that it takes over from."""
        for one in self.signatures:
            if one.member not in under:
                return f"{one.member.hex()} signed it, and is no member at height {self.height + 1}"
            digest = tagged_hash(RECOVERY_TAG, network_id + self.statement(one.lock))
            if not verifies(one.member, one.signature, digest):
                return f"the signature of member {one.member.hex()} does not hold"
        highest = max((one.lock.round for one in self.signatures if one.lock is not None), default=None)
        locks = {one.lock for one in self.signatures if one.lock is not None and one.lock.round == highest}
        if locks != ({self.bound} if self.bound is not None else set()):
            return "what binds is not the one lock of its signers that has the highest round"
        return self._flaw_of_lock(under, network_id)

    def _flaw_of_lock(self, under: MemberList, network_id: bytes) -> str | None:
        if self.bound is None:
            return None
        digest = self.bound.prevote(self.height + 1).digest(domain_of(network_id, self.previous))
        good = [key for key, signature in self.prevotes if key in under and verifies(key, signature, digest)]
        if len(good) != len(self.prevotes) or len(good) < under.quorum:
            return f"{len(good)} members prevoted for the block that binds, and the quorum is {under.quorum}"
        return None

    def problem(self, under: MemberList, network_id: bytes) -> str | None:
        """Why it does not take over from this list; None where it does."""
        flaw = self.flaw(under, network_id)
        if flaw is not None:
            return flaw
        needed = signers_needed(under)
        if len(self.signatures) < needed:
            return f"{len(self.signatures)} members signed it, and it takes {needed} of {len(under)}"
        return None

    def encode(self) -> bytes:
        prevotes = bytes((len(self.prevotes),)) + b"".join(key + signature for key, signature in self.prevotes)
        signed = b"".join(one.member + _lock_bytes(one.lock) + one.signature for one in self.signatures)
        return self.body() + _lock_bytes(self.bound) + prevotes + bytes((len(self.signatures),)) + signed

    @classmethod
    def decode(cls, raw: bytes) -> "Recovery":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        if len(raw) > RECOVERY_BYTES_MAX:
            raise DecodeError(f"a recovery of {len(raw)} bytes")
        reader = _Parts(raw)
        bare = _read_body(reader)
        bound = _read_lock(reader)
        prevotes = tuple(
            (reader.take(KEY_BYTES), reader.take(SIGNATURE_BYTES)) for _ in range(_read_count(reader, "prevotes"))
        )
        signatures = tuple(
            RecoverySignature(reader.take(KEY_BYTES), _read_lock(reader), reader.take(SIGNATURE_BYTES))
            for _ in range(_read_count(reader, "signatures"))
        )
        reader.end()
        for keys in ([key for key, _ in prevotes], [one.member for one in signatures]):
            if keys != sorted(dict.fromkeys(keys)):
                raise DecodeError("what members signed stands in the order of their keys, each once")
        if prevotes and bound is None:
            raise DecodeError("prevotes stand behind a lock that binds")
        return replace(bare, bound=bound, prevotes=prevotes, signatures=signatures)

    @classmethod
    def decode_statement(cls, raw: bytes) -> "tuple[Recovery, SignerLock | None]":
        """What statement() gave: the recovery without signatures, and the signer's lock. Raises DecodeError."""
        reader = _Parts(raw)
        bare, lock = _read_body(reader), _read_lock(reader)
        reader.end()
        return bare, lock


def combine(statements: Iterable[Recovery]) -> Recovery:
    """One of several of the same body, each of which holds. Of a member that signed twice the first counts. Raises
    MisuseError."""
    given = tuple(statements)
    if len({one.subject for one in given}) != 1:
        raise MisuseError("the signatures are not for one recovery: all must name the same block and the same members")
    signed = {one.member: one for recovery in reversed(given) for one in recovery.signatures}
    locks = [one.lock for one in signed.values() if one.lock is not None]
    bound = max(locks, key=lambda lock: lock.round, default=None)
    prevotes = next((one.prevotes for one in given if one.bound == bound), ())
    return replace(given[0], bound=bound, prevotes=prevotes, signatures=tuple(signed[key] for key in sorted(signed)))


def order_recoveries(named: Iterable[Recovery]) -> tuple[Recovery, ...]:
    """Those that an operator named, each behind the one that it follows. Raises MisuseError where one is missing."""
    left = {one.hash: one for one in named}
    ordered: list[Recovery] = []
    while left:
        last = ordered[-1] if ordered else None
        follows = NO_RECOVERY if last is None else last.hash
        found = [one for one in left.values() if one.previous == follows]
        if len(found) != 1 or (last is not None and found[0].height < last.height):
            wanted = "the first one" if last is None else f"one behind {follows.hex()}"
            raise MisuseError(
                f"the recoveries that this node's configuration names do not follow each other: {len(found)} of "
                f"{len(left)} could be {wanted}; name each recovery of the chain, and no other"
            )
        ordered.append(left.pop(found[0].hash))
    return tuple(ordered)


class _Parts:
    """What is left to read of one."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, count: int) -> bytes:
        """Raises DecodeError."""
        part = self._raw[self._at : self._at + count]
        if len(part) != count:
            raise DecodeError("a truncated recovery")
        self._at += count
        return part

    def end(self) -> None:
        """Raises DecodeError."""
        if self._at != len(self._raw):
            raise DecodeError(f"{len(self._raw) - self._at} bytes stand behind a recovery")


def _lock_bytes(lock: SignerLock | None) -> bytes:
    return b"\0" if lock is None else b"\1" + _LOCK.pack(lock.round, lock.block, lock.next_members)


def _read_body(reader: _Parts) -> Recovery:
    previous, height, block = _HEAD.unpack(reader.take(_HEAD.size))
    count_bytes = reader.take(_COUNT_BYTES)
    count = int.from_bytes(count_bytes, "little")
    if not 1 <= count <= MEMBERS_MAX:
        raise DecodeError(f"a recovery to {count} members")
    members = MemberList.decode(count_bytes + reader.take(count * KEY_BYTES))
    names = tuple(name_of(reader.take(reader.take(1)[0])) for _ in range(count))
    return Recovery(previous, height, BlockHash(block), members, names)


def _read_lock(reader: _Parts) -> SignerLock | None:
    flag = reader.take(1)[0]
    if flag > 1:
        raise DecodeError("a lock is there, or is not")
    if not flag:
        return None
    round_, block, next_members = _LOCK.unpack(reader.take(_LOCK.size))
    if round_ > ROUND_MAX or block == NIL:
        raise DecodeError("a lock is of a block and a round")
    return SignerLock(round_, BlockHash(block), next_members)


def _read_count(reader: _Parts, what: str) -> int:
    count = reader.take(1)[0]
    if count > MEMBERS_MAX:
        raise DecodeError(f"a recovery of {count} {what}")
    return count
