"""Changes that collect signatures until a block may carry one: of the member list, or of the settings.

Whoever stands behind a change publishes a record of its kind: the change with its own signature. Everybody merges what
is alike, so each node sees for itself who has signed it so far.

1. A record of a draft counts for the signatures in it that hold, whoever published it: banks may pass each other's on.
2. A draft is open while a block to come may carry it: it follows what the chain carried last, nothing is pending, and
   its height is at least two blocks ahead. What is not open any more is not shown, and its records expire.
3. Of several open drafts, the one that a quorum signed first goes into a block; then the others are void, for they
   follow a change that is no longer the last. So two banks that propose at once do no harm, and must agree.

Room for records is bounded by the store, per signer and in all; a signature costs 50 us once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Generic

from minicoin.core.chain.change_history import C, ChangeHistory
from minicoin.core.faults import DecodeError
from minicoin.core.records.kinds import CHANGE, SETTINGS_CHANGE
from minicoin.core.records.record import SignedRecord
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.settings import SettingsChange
from minicoin.core.signers.statements import StatementKind


@dataclass(frozen=True, slots=True)
class ChangeForm(Generic[C]):
    """How one kind of change is published and signed."""

    record_kind: str
    statement: StatementKind
    decode: Callable[[bytes], C]
    decode_body: Callable[[bytes], C]


MEMBER_CHANGES: Final = ChangeForm(CHANGE, StatementKind.MEMBER_CHANGE, MemberChange.decode, MemberChange.decode_body)
SETTINGS_CHANGES: Final = ChangeForm(
    SETTINGS_CHANGE, StatementKind.SETTINGS_CHANGE, SettingsChange.decode, SettingsChange.decode_body
)


@dataclass(frozen=True, slots=True)
class ChangeStanding(Generic[C]):
    """Where the chain is at one moment: who signs the block behind the tip, and what was carried up to there."""

    height: int
    """Of the block to come."""
    members: MemberList
    names: tuple[str, ...]
    history: ChangeHistory[C]


@dataclass(frozen=True, slots=True)
class ChangeDraft(Generic[C]):
    """A change with the signatures that were found for it, all of members of the list it would be carried under."""

    change: C
    missing: int
    """So many more members must sign."""

    @property
    def is_ready(self) -> bool:
        """Whether a block may carry it."""
        return not self.missing


class Drafts(Generic[C]):
    """Those in the records of one node."""

    def __init__(self, form: ChangeForm[C], records: RecordStore, network_id: bytes) -> None:
        self.form: ChangeForm[C] = form
        self._records: Final = records
        self._network_id: Final = network_id
        self._read: tuple[SignedRecord, ...] = ()
        self._changes: tuple[C, ...] = ()

    def open(self, at: ChangeStanding[C]) -> tuple[ChangeDraft[C], ...]:
        """Those that the block to come may carry or collects signatures for; as they became known."""
        if at.history.pending(at.height) is not None:
            return ()
        following = (change for change in self._merged() if at.history.follows(change, at.height))
        drafts = (self._draft(change, at.members) for change in following)
        return tuple(draft for draft in drafts if draft.change.signatures)

    def _draft(self, change: C, under: MemberList) -> ChangeDraft[C]:
        good = change.signers(under, self._network_id)
        kept = tuple((key, signature) for key, signature in change.signatures if key in good)
        return ChangeDraft(replace(change, signatures=kept), max(0, under.quorum - len(kept)))

    def _merged(self) -> tuple[C, ...]:
        """Each change once, with every signature that any record has for it."""
        records = self._records.of_kind(self.form.record_kind)
        if records is not self._read:
            self._read, self._changes = records, tuple(self._merge(records))
        return self._changes

    def _merge(self, records: Iterable[SignedRecord]) -> Iterable[C]:
        merged: dict[bytes, C] = {}
        for record in records:
            try:
                change = self.form.decode(record.value)
            except DecodeError:
                # Anybody may publish anything under its own name; it counts for nothing.
                continue
            known = merged.setdefault(change.hash, change)
            for key, signature in change.signatures:
                known = known.with_signature(key, signature)
            merged[change.hash] = known
        return merged.values()
