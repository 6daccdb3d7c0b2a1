"""Drafts of changes, read out of the records: each with the members that have signed it so far.

1. A record of a draft counts for the signatures in it that hold, whoever published it: banks may pass each other's on.
2. A draft is open while a block to come may carry it: it follows what the chain carried last, nothing is pending, and
   its height is at least two blocks ahead. What is not open any more is not shown, and its records expire.
3. Of several open drafts, the one that a quorum signed first goes into a block; then the others are void, for they
   follow a change that is no longer the last. So two banks that propose at once do no harm, and must agree.

Room for records is bounded by the store, per signer and in all; a signature costs 50 us once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.chain.member_history import MemberHistory
from minicoin.core.faults import DecodeError
from minicoin.core.records.kinds import CHANGE
from minicoin.core.records.record import SignedRecord
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList


@dataclass(frozen=True, slots=True)
class MemberDraft:
    """A change with the signatures that were found for it, all of members of the list it would be carried under."""

    change: MemberChange
    missing: int
    """So many more members must sign."""

    @property
    def is_ready(self) -> bool:
        """Whether a block may carry it."""
        return not self.missing


class Drafts:
    """Those in the records of one node."""

    def __init__(self, records: RecordStore, network_id: bytes) -> None:
        self._records: Final = records
        self._network_id: Final = network_id
        self._read: tuple[SignedRecord, ...] = ()
        self._changes: tuple[MemberChange, ...] = ()

    def open(self, history: MemberHistory, under: MemberList, height: int) -> tuple[MemberDraft, ...]:
        """Those that the block at `height`, whose members are `under`, may carry or collects signatures for; as they
        became known."""
        if history.pending(height) is not None:
            return ()
        drafts = (self._draft(change, under) for change in self._merged() if history.follows(change, height))
        return tuple(draft for draft in drafts if draft.change.signatures)

    def _draft(self, change: MemberChange, under: MemberList) -> MemberDraft:
        good = change.signers(under, self._network_id)
        kept = tuple((key, signature) for key, signature in change.signatures if key in good)
        signed = MemberChange(change.version, change.from_height, change.previous, change.members, change.names, kept)
        return MemberDraft(signed, max(0, under.quorum - len(kept)))

    def _merged(self) -> tuple[MemberChange, ...]:
        """Each change once, with every signature that any record has for it."""
        records = self._records.of_kind(CHANGE)
        if records is not self._read:
            self._read, self._changes = records, tuple(_merge(records))
        return self._changes


def _merge(records: Iterable[SignedRecord]) -> Iterable[MemberChange]:
    merged: dict[bytes, MemberChange] = {}
    for record in records:
        try:
            change = MemberChange.decode(record.value)
        except DecodeError:
            # Anybody may publish anything under its own name; it counts for nothing.
            continue
        known = merged.setdefault(change.hash, change)
        for key, signature in change.signatures:
            known = known.with_signature(key, signature)
        merged[change.hash] = known
    return merged.values()
