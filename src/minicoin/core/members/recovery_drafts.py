"""Recoveries as they collect signatures: read out of the records and of what operators hand in.

1. What counts is for the last certified block, follows the recovery that holds there, and its signatures hold.
2. Statements to one end (`Recovery.subject`) are one draft, with every signature that is known for it.
3. What binds has to be at hand, in whole: the new members must decide it, and who is locked on a block need not give it
   away. Without the block, the signatures of those who are locked on it are left out; if too few are left, they have to
   bring it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minicoin.core.chain.reading import HeaderReader
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.members.proposing import standing_of
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.records.kinds import RECOVERY
from minicoin.core.records.record import SignedRecord
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import Recovery, combine, signers_needed


@dataclass(frozen=True, slots=True)
class RecoveryStanding:
    """What a recovery of this moment is about."""

    height: int
    """Of the last certified block."""
    block: BlockHash
    epoch: bytes
    """The hash of the recovery that holds behind it."""
    members: MemberList
    """Who would sign the next block, and has to sign the recovery."""
    names: tuple[str, ...]

    @property
    def needed(self) -> int:
        """So many of them."""
        return signers_needed(self.members)


@dataclass(frozen=True, slots=True)
class RecoveryDraft:
    """A recovery with the signatures that are known and hold."""

    recovery: Recovery
    missing: int
    """So many more members must sign."""


def recovery_standing(tree: HeaderReader) -> RecoveryStanding:
    """At the tip of a tree whose blocks members sign. Raises MisuseError while blocks are still to come."""
    certified, tip = tree.signers, tree.tip
    assert certified is not None
    if certified.finalized != tip.height:
        raise MisuseError(
            f"this node has {tip.height} of {certified.finalized} certified blocks: wait until it has all of them"
        )
    at = standing_of(tree)
    height = tip.height + 1
    return RecoveryStanding(
        tip.height, tip.hash, certified.recoveries.epoch(height), certified.members_at(height), at.names
    )


def check(recovery: Recovery, at: RecoveryStanding, network_id: bytes) -> None:
    """Whether it is for this moment, and what is signed of it holds. Raises MisuseError."""
    if recovery.height != at.height or recovery.block != at.block:
        raise MisuseError(
            f"it is for block {recovery.height} with another hash than ours, or another height than {at.height}, the "
            "last that is certified here"
        )
    if recovery.previous != at.epoch:
        raise MisuseError(f"it follows recovery {recovery.previous.hex()}, and {at.epoch.hex()} holds here")
    flaw = recovery.flaw(at.members, network_id)
    if flaw is not None:
        raise MisuseError(flaw)


class RecoveryDrafts:
    """Those in the records of one node."""

    def __init__(self, records: RecordStore, network_id: bytes) -> None:
        self._records = records
        self._network_id = network_id
        self._read: tuple[SignedRecord, ...] = ()
        self._known: tuple[Recovery, ...] = ()

    def open(self, at: RecoveryStanding, given: Iterable[Recovery] = ()) -> tuple[RecoveryDraft, ...]:
        """Those that collect signatures or have enough, each with what is handed in beside the records."""
        drafts: dict[bytes, list[Recovery]] = {}
        for recovery in (*given, *self._statements()):
            try:
                check(recovery, at, self._network_id)
            except MisuseError:
                # Anybody may publish anything under its own name; it counts for nothing.
                continue
            drafts.setdefault(recovery.subject, []).append(recovery)
        return tuple(
            RecoveryDraft(merged, max(0, at.needed - len(merged.signatures)))
            for merged in map(combine, drafts.values())
        )

    def complete(
        self, at: RecoveryStanding, given: Iterable[RecoveryFile], block_of: Callable[[BlockHash], RawBlock | None]
    ) -> RecoveryFile:
        """Of one draft, with whatever is known of it. Raises MisuseError that says what is lacking."""
        files = tuple(given)
        for file in files:
            check(file.recovery, at, self._network_id)
        blocks = {file.block.hash: file.block for file in files if file.block is not None}
        subjects = {file.recovery.subject for file in files}
        drafts = [
            draft
            for draft in self.open(at, [file.recovery for file in files])
            if draft.recovery.subject in subjects or not subjects
        ]
        if len(drafts) != 1:
            raise MisuseError(f"{len(drafts) or 'no'} recoveries could be meant: hand in the file of one of them")
        statements = [file.recovery for file in files] + [
            one for one in self._statements() if one.subject == drafts[0].recovery.subject
        ]
        while True:
            merged = combine(one for one in statements if _holds(one, at, self._network_id))
            block = None if merged.bound is None else blocks.get(merged.bound.block) or block_of(merged.bound.block)
            if len(merged.signatures) < at.needed:
                raise MisuseError(
                    f"{len(merged.signatures)} members signed it, and it takes {at.needed} of {len(at.members)}"
                )
            if merged.bound is None or block is not None:
                return RecoveryFile(merged, block)
            locked = {one.member for one in merged.signatures if one.lock == merged.bound}
            left = [one for one in statements if not locked.intersection(one.signers())]
            if len({member for one in left for member in one.signers()}) < at.needed:
                names = dict(zip(at.members.keys, at.names, strict=True))
                who = ", ".join(names[key] for key in sorted(locked))
                raise MisuseError(
                    f"block {hash_to_hex(merged.bound.block)}, on which {who} is locked, has to be decided, and is not "
                    f"here: combine it at {who}, or with the file that was written there"
                )
            statements = left

    def _statements(self) -> tuple[Recovery, ...]:
        records = self._records.of_kind(RECOVERY)
        if records is not self._read:
            self._read, self._known = records, tuple(_read(records))
        return self._known


def _holds(recovery: Recovery, at: RecoveryStanding, network_id: bytes) -> bool:
    try:
        check(recovery, at, network_id)
    except MisuseError:
        return False
    return True


def _read(records: Iterable[SignedRecord]) -> Iterable[Recovery]:
    for record in records:
        try:
            yield Recovery.decode(record.value)
        except DecodeError:
            continue
