"""Admission as a part of the node: what is new holds at once, drafts become records, and a member signs its own.

A draft is signed in three steps, each an event: what is to be signed goes to disk, then to the key, then to everybody.
One at a time, since a person waits for each.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from minicoin.core.admission.consequences import changed_names, consequences
from minicoin.core.admission.state import ADMISSION_KEY, AdmissionState
from minicoin.core.alarm import Alarm
from minicoin.core.answers import AdmissionSigned, Reason
from minicoin.core.commands import AdmissionCommand, ApproveAdmission, ProposeAdmission
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.effects import AdmitPeers, Effect, SaveState, SignStatement
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import ADMISSION_EARLY_MAX, ADMISSION_EARLY_US, ADMISSION_RETRY_US
from minicoin.core.notices import AdmissionChanged, AdmissionContradicted, OwnAdmissionLost
from minicoin.core.part import Outbox, Part
from minicoin.core.records.held import Taken
from minicoin.core.records.kinds import ADMISSION, ADMISSION_DRAFT
from minicoin.core.records.record import SignedRecord, statement_record
from minicoin.core.records.statements import MemberLists
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.admission import AdmissionRecord, AdmissionRow, admission_record
from minicoin.core.signers.evidence import Evidence, TwoAdmissions
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.statements import StatementKind
from minicoin.core.units import Micros, RequestId


@dataclass(frozen=True, slots=True)
class AdmissionDraft:
    """One content that members signed, and who of them did. No quorum did so far, or it is no draft any more."""

    record: AdmissionRecord
    """With their signatures."""
    quorum: int


@dataclass(slots=True)
class _Signing:
    """What this node's member signs."""

    request: RequestId
    record: AdmissionRecord
    member: bytes
    saved_at: int
    """It is on disk when so many writes of the document are done."""
    is_asked: bool = False
    """The key is."""


@dataclass(frozen=True, slots=True)
class AdmissionSnapshot:
    """From outside."""

    version: int
    hash: bytes
    split: bytes
    """The hash of the second content of a version; empty where there is none."""
    signed: bytes
    """The hash of what our member signed; empty for nothing."""
    is_signing: bool


class AdmissionFlow(Part):
    """Around the state, for one node."""

    def __init__(
        self,
        state: AdmissionState,
        store: RecordStore,
        connections: ConnectionManager,
        outbox: Outbox,
        members_at: MemberLists,
        tip_height: Callable[[], int],
        accuse: Callable[[Evidence], None],
        *,
        own_keys: OwnKeys,
        own_peer_id: bytes,
        on_changed: Callable[[Micros], None],
    ) -> None:
        """`own_keys` say whom this node signs for; `on_changed` is told when another version holds."""
        self.state = state
        self._store = store
        self._connections = connections
        self._outbox = outbox
        self._members_at = members_at
        self._tip_height = tip_height
        self._accuse = accuse
        self._own_keys = own_keys
        self._own_peer_id = own_peer_id
        self._tell_changed = on_changed
        self._before: AdmissionRecord | None = None
        """What held before what is new; None where nothing is."""
        self._has_drafts = True
        self._early: dict[bytes, tuple[SignedRecord, Micros]] = {}
        """Records of heights that are not known yet, the last of each source group, and until when they wait."""
        self._retry_at: Micros | None = None
        self._signing: _Signing | None = None
        self._writes_begun = 0
        self._writes_done = 0
        self.alarm = Alarm()
        self.alarm.set(Micros(0))
        store.listen(self._on_record)
        store.watch_contradictions(self._on_contradiction)
        store.watch_early(self._on_early)

    def on_start(self, now: Micros) -> None:
        """What is known holds, and is passed on."""
        for record in self._store.of_kind(ADMISSION):
            self.state.take(_admission_of(record))
        current = self.state.current
        if current.version:
            self._store.take(_record_of(ADMISSION, current), b"", now)
        self._before = None
        self._connections.admit(frozenset(self.state.peer_ids))
        self._outbox.emit(AdmitPeers(self.state.peer_ids))
        if self.state.row_of(self._own_peer_id) is None:
            self._outbox.emit(OwnAdmissionLost(current.version))

    # --- what becomes known ---

    def _on_record(self, record: SignedRecord) -> None:
        if record.kind == ADMISSION:
            before = self.state.current
            if self.state.take(_admission_of(record)):
                self._before = self._before or before
                self.alarm.by(Micros(0))
        elif record.kind == ADMISSION_DRAFT:
            self._has_drafts = True
            self.alarm.by(Micros(0))

    def _on_contradiction(self, record: SignedRecord) -> None:
        """Members signed a second content of a version."""
        second = _admission_of(record)
        if record.kind == ADMISSION_DRAFT:
            held = self._store.get(*record.place)
            assert held is not None
            self._outbox.emit(AdmissionContradicted(second.version, (record.owner,), is_split=False))
            self._accuse_of_two(_admission_of(held), second, record.owner)
        elif self.state.note_split(second):
            assert self.state.split is not None
            both = dict(self.state.split[0].signatures)
            liars = tuple(key for key, _ in second.signatures if key in both)
            for key in liars:
                self._accuse_of_two(self.state.split[0], second, key)
            self._outbox.emit(AdmissionContradicted(second.version, liars, is_split=True), self._save())

    def _accuse_of_two(self, first: AdmissionRecord, second: AdmissionRecord, member: bytes) -> None:
        """It signed both. Of two heights no one list says so."""
        if first.height == second.height:
            one, other = (replace(both, signatures=_only(both.signatures, member)) for both in (first, second))
            self._accuse(TwoAdmissions(one, other))

    def _on_early(self, record: SignedRecord, group: bytes, now: Micros) -> None:
        """A record whose signers are not known yet, as we are behind: a block or two later it may hold."""
        held = self._early.get(group)
        if record.kind != ADMISSION or (held is None and len(self._early) >= ADMISSION_EARLY_MAX):
            return
        if held is not None and held[0] == record:
            return
        self._early[group] = (record, Micros(now + ADMISSION_EARLY_US))
        self._retry_at = self._retry_at or Micros(now + ADMISSION_RETRY_US)
        self.alarm.by(self._retry_at)

    def _retry(self, now: Micros) -> None:
        for group, (record, until) in list(self._early.items()):
            try:
                taken = self._store.take(record, group, now)
            except PeerFault:
                # Whoever brought it may be gone; nobody is the worse for it.
                taken = Taken.NOT_ALLOWED
            if taken is not Taken.EARLY or until <= now:
                # A round of exchange brings it again.
                del self._early[group]
        self._retry_at = Micros(now + ADMISSION_RETRY_US) if self._early else None

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        # Behind the exchange of records: who is cut off has been told of the record by then.
        if self._before is not None:
            return self._apply(now)
        if self._has_drafts:
            self._has_drafts = False
            self._make_record(now)
        if self._retry_at is not None and self._retry_at <= now:
            self._retry(now)
        return ()

    def next_deadline(self) -> Micros | None:
        return Micros(0) if self._has_drafts or self._before is not None else self._retry_at

    def _apply(self, now: Micros) -> list[Effect]:
        """What is new holds from now on."""
        before, self._before = self._before, None
        assert before is not None
        current, peer_ids = self.state.current, self.state.peer_ids
        admitted, expelled = changed_names(before, current)
        effects: list[Effect] = [
            self._save(),
            AdmitPeers(peer_ids),
            AdmissionChanged(current.version, admitted, expelled, len(peer_ids), current),
            *self._connections.admit(frozenset(peer_ids)),
        ]
        if self.state.row_of(self._own_peer_id) is None:
            effects.append(OwnAdmissionLost(current.version))
        self._tell_changed(now)
        return effects

    def _make_record(self, now: Micros) -> None:
        for draft in self.drafts():
            if len(draft.record.signatures) >= draft.quorum:
                self._store.take(_record_of(ADMISSION, draft.record), b"", now)
                return

    def drafts(self) -> tuple[AdmissionDraft, ...]:
        """What members signed above the current version, the highest version first."""
        found: dict[bytes, AdmissionRecord] = {}
        for record in self._store.of_kind(ADMISSION_DRAFT):
            if record.version > self.state.current.version:
                signed = _admission_of(record)
                known = found.get(record.value, signed)
                found[record.value] = known.with_signature(*signed.signatures[0])
        drafts = [
            AdmissionDraft(record, members.quorum)
            for record in found.values()
            if (members := self._members_at(record.height)) is not None
        ]
        return tuple(sorted(drafts, key=lambda draft: (-draft.record.version, draft.record.hash)))

    # --- commands ---

    def handle(self, request: RequestId, command: AdmissionCommand, now: Micros) -> None:
        """Sign a draft as this node's member. Raises MisuseError that says why not."""
        match command:
            case ProposeAdmission():
                self._sign(request, self._proposal(command))
            case ApproveAdmission(version, digest):
                self._sign(request, self._draft(version, digest))
            case _:
                assert_never(command)

    def _proposal(self, command: ProposeAdmission) -> AdmissionRecord:
        current = self.state.current
        rows = _changed_rows(current, command)
        seen = [draft.record.version for draft in self.drafts()]
        if self.state.signed is not None:
            seen.append(self.state.signed.version)
        return admission_record(max([current.version, *seen]) + 1, self._height(), current.hash, rows)

    def _height(self) -> int:
        """Of the last block: nodes that are a block behind know who signed the one before, or that it is the first."""
        return max(1, self._tip_height())

    def _draft(self, version: int, digest: bytes) -> AdmissionRecord:
        found = [draft.record for draft in self.drafts() if draft.record.version == version]
        found = [record for record in found if record.hash.startswith(digest)]
        if not found:
            raise MisuseError(f"nobody proposed such a version {version}: minicoin admission list shows what there is")
        if len(found) > 1:
            hashes = ", ".join(record.hash.hex()[:16] for record in found)
            raise MisuseError(f"there are {len(found)} contents of version {version}: say which, by its hash: {hashes}")
        return found[0]

    def _sign(self, request: RequestId, record: AdmissionRecord) -> None:
        members, signed = self._members(record), self.state.signed
        own = self._own_keys.of(members)
        if own is None:
            raise MisuseError("this node signs for no member: ask the one that has the bank's signing key")
        if own not in members:
            raise MisuseError(f"this node's member {own.hex()} is not among those of height {record.height}")
        if self._signing is not None:
            raise MisuseError("another admission is being signed")
        bare = AdmissionRecord.decode_body(record.body())
        if signed is not None and bare.version <= signed.version and bare.hash != signed.hash:
            raise MisuseError(
                f"this member signed another content of version {signed.version}, and signs one only: propose a later"
            )
        self.state.signed = bare
        self._outbox.emit(self._save())
        self._signing = _Signing(request, bare, own, self._writes_begun)

    def on_saved(self, event: Saved) -> None:
        """A document is on disk, or the disk refused it."""
        if event.key != ADMISSION_KEY:
            return
        self._writes_done += 1
        signing = self._signing
        if signing is None or signing.is_asked or self._writes_done < signing.saved_at:
            return
        if event.error:
            self._signing = None
            self._outbox.refuse(signing.request, Reason.NOT_SAVED, f"the disk refused: {event.error}")
            return
        signing.is_asked = True
        self._outbox.emit(SignStatement(signing.member, StatementKind.ADMISSION, signing.record.body()))

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The key's answer."""
        signing, self._signing = self._signing, None
        assert signing is not None
        if event.signature is None:
            self._outbox.refuse(signing.request, Reason.UNABLE, f"it is not signed: {event.reason}")
            return
        record = signing.record.with_signature(event.member, event.signature)
        taken = self._store.take(_record_of(ADMISSION_DRAFT, record), b"", now)
        if taken not in (Taken.NEW, Taken.OLD):
            self._outbox.refuse(signing.request, Reason.CROWDED, f"signed, and not told to others: {taken}; try again")
            return
        members = self._members(record)
        told = next((draft.record for draft in self.drafts() if draft.record.hash == record.hash), record)
        answer = AdmissionSigned(
            record.version,
            record.hash,
            len(told.signatures),
            members.quorum,
            consequences(self.state.current, record, members),
        )
        self._outbox.reply(signing.request, answer)

    def _members(self, record: AdmissionRecord) -> MemberList:
        members = self._members_at(record.height)
        if members is None:
            raise MisuseError(f"who signs height {record.height} is not known yet: let the node catch up")
        return members

    def _save(self) -> SaveState:
        self._writes_begun += 1
        return SaveState(ADMISSION_KEY, self.state.to_bytes(self._store.network_id))

    # --- looking ---

    def consequences(self, draft: AdmissionRecord) -> tuple[str, ...]:
        """What it would mean, for whoever is to sign it."""
        members = self._members_at(draft.height)
        return () if members is None else consequences(self.state.current, draft, members)

    def warnings(self) -> tuple[str, ...]:
        """What an operator is to know."""
        state = self.state
        found: list[str] = []
        if state.row_of(self._own_peer_id) is None:
            found.append(
                f"version {state.current.version} of the admission does not name this node: others refuse it, and its "
                "bank's way back is a new version"
            )
        if state.split is not None:
            found.append(
                f"two contents of version {state.split[1].version} of the admission were signed by a quorum each: ask "
                "the members who signed both (minicoin admission history), and sign a later version"
            )
        return tuple(found)

    def snapshot(self, now: Micros) -> AdmissionSnapshot:
        state = self.state
        return AdmissionSnapshot(
            state.current.version,
            state.current.hash,
            b"" if state.split is None else state.split[1].hash,
            b"" if state.signed is None else state.signed.hash,
            self._signing is not None,
        )


def _admission_of(record: SignedRecord) -> AdmissionRecord:
    found = AdmissionRecord.decode_body(record.value)
    for one in record.signatures:
        found = found.with_signature(one.signer, one.signature)
    return found


def _only(signatures: tuple[tuple[bytes, bytes], ...], member: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(one for one in signatures if one[0] == member)


def _record_of(kind: str, record: AdmissionRecord) -> SignedRecord:
    return statement_record(kind, record.version, record.body(), record.signatures)


def _changed_rows(current: AdmissionRecord, command: ProposeAdmission) -> tuple[AdmissionRow, ...]:
    """The rows that a proposal asks for. Raises MisuseError."""
    names = {row.name for row in current.rows}
    for name in command.expelled:
        if name not in names:
            raise MisuseError(f"{name} is not admitted: nothing to take away")
    taken = {(row.name, row.role) for row in command.rows}
    kept = [row for row in current.rows if row.name not in command.expelled and (row.name, row.role) not in taken]
    rows = (*kept, *command.rows)
    if not command.rows and not command.expelled:
        raise MisuseError("say whom to let in or to expel")
    return rows
