"""Keeps one node's statements of a kind: what is new, drafts that become records, and its own member's signatures.

A draft is signed in three steps, each an event: what is to be signed goes to disk, then to the key, then to everybody.
One at a time, since a person waits for each. What a new version means is the caller's part to carry out: it asks for
`news` when the alarm has rung.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Generic

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Answer, Reason
from minicoin.core.drafts.statements import S, StatementForm, StatementState
from minicoin.core.effects import SaveState, SignStatement
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import STATEMENTS_EARLY_MAX, STATEMENTS_EARLY_US, STATEMENTS_RETRY_US
from minicoin.core.notices import Notice
from minicoin.core.part import Outbox
from minicoin.core.records.held import Taken
from minicoin.core.records.record import SignedRecord
from minicoin.core.records.statements import MemberLists
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.units import Micros, RequestId


@dataclass(frozen=True, slots=True)
class StatementDraft(Generic[S]):
    """One content that members signed, and who of them did. No quorum did so far, or it is no draft any more."""

    record: S
    """With their signatures."""
    quorum: int


def only_signed_by(record: S, member: bytes) -> S:
    """The same with one member's signature and no other."""
    return replace(record, signatures=tuple(one for one in record.signatures if one[0] == member))


@dataclass(slots=True)
class _Signing(Generic[S]):
    """What this node's member signs."""

    request: RequestId
    record: S
    member: bytes
    saved_at: int
    """It is on disk when so many writes of the document are done."""
    is_asked: bool = False
    """The key is."""


class StatementDesk(Generic[S]):
    """Around a state."""

    def __init__(
        self,
        state: StatementState[S],
        store: RecordStore,
        outbox: Outbox,
        members_at: MemberLists,
        tip_height: Callable[[], int],
        own_keys: OwnKeys,
        *,
        contradicted: Callable[[int, tuple[bytes, ...], bool], Notice],
        accuse: Callable[[S, S, bytes], None],
        answer: Callable[[S, MemberList], Answer],
    ) -> None:
        """`own_keys` say whom this node signs for. `contradicted` tells that members signed two contents of a version,
        and whether a quorum signed each; `accuse` is given two of one height and who signed both; `answer` is what is
        said of a draft that our member signed."""
        self.state: StatementState[S] = state
        self._form: StatementForm[S] = state.form
        self._store: Final = store
        self._outbox: Final = outbox
        self._members_at: Final = members_at
        self._tip_height: Final = tip_height
        self._own_keys: Final = own_keys
        self._contradicted: Final = contradicted
        self._accuse: Callable[[S, S, bytes], None] = accuse
        self._answer: Callable[[S, MemberList], Answer] = answer
        self._before: S | None = None
        """What held before what is new; None where nothing is."""
        self._has_drafts = True
        self._early: dict[bytes, tuple[SignedRecord, Micros]] = {}
        """Records of heights that are not known yet, the last of each source group, and until when they wait."""
        self._retry_at: Micros | None = None
        self._signing: _Signing[S] | None = None
        self._writes_begun = 0
        self._writes_done = 0
        self.alarm: Final = Alarm()
        self.alarm.set(Micros(0))
        store.listen(self._on_record)
        store.watch_contradictions(self._on_contradiction)
        store.watch_early(self._on_early)

    def on_start(self, now: Micros) -> None:
        """What is known holds, and is passed on."""
        for record in self._store.of_kind(self._form.record_kind):
            self.state.take(self._form.read(record))
        current = self.state.current
        if current.version:
            self._store.take(self._form.record(current), b"", now)
        self._before = None

    @property
    def is_signing(self) -> bool:
        """Whether a signature of our member's is on its way."""
        return self._signing is not None

    def news(self) -> S | None:
        """What held before what is new, once; None where nothing is new."""
        before, self._before = self._before, None
        return before

    def save(self) -> SaveState:
        """Write the document."""
        self._writes_begun += 1
        return SaveState(self._form.document_key, self.state.to_bytes(self._store.network_id))

    # --- what becomes known ---

    def _on_record(self, record: SignedRecord) -> None:
        if record.kind == self._form.record_kind:
            before = self.state.current
            if self.state.take(self._form.read(record)):
                self._before = self._before or before
                self.alarm.by(Micros(0))
        elif record.kind == self._form.draft_kind:
            self._has_drafts = True
            self.alarm.by(Micros(0))

    def _on_contradiction(self, record: SignedRecord) -> None:
        """Members signed a second content of a version."""
        if record.kind not in (self._form.record_kind, self._form.draft_kind):
            return
        second = self._form.read(record)
        if record.kind == self._form.draft_kind:
            held = self._store.get(*record.place)
            assert held is not None
            self._outbox.emit(self._contradicted(second.version, (record.owner,), False))
            self._accuse_of_two(self._form.read(held), second, record.owner)
        elif self.state.note_split(second):
            assert self.state.split is not None
            both = dict(self.state.split[0].signatures)
            liars = tuple(key for key, _ in second.signatures if key in both)
            for key in liars:
                self._accuse_of_two(self.state.split[0], second, key)
            self._outbox.emit(self._contradicted(second.version, liars, True), self.save())

    def _accuse_of_two(self, first: S, second: S, member: bytes) -> None:
        # Of two heights no one list says so.
        if first.height == second.height:
            self._accuse(first, second, member)

    def _on_early(self, record: SignedRecord, group: bytes, now: Micros) -> None:
        """A record whose signers are not known yet, as we are behind: a block or two later it may hold."""
        held = self._early.get(group)
        if record.kind != self._form.record_kind or (held is None and len(self._early) >= STATEMENTS_EARLY_MAX):
            return
        if held is not None and held[0] == record:
            return
        self._early[group] = (record, Micros(now + STATEMENTS_EARLY_US))
        self._retry_at = self._retry_at or Micros(now + STATEMENTS_RETRY_US)
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
        self._retry_at = Micros(now + STATEMENTS_RETRY_US) if self._early else None

    def on_deadline(self, now: Micros) -> None:
        """What is due beside news."""
        if self._has_drafts:
            self._has_drafts = False
            self._make_record(now)
        if self._retry_at is not None and self._retry_at <= now:
            self._retry(now)

    def next_deadline(self) -> Micros | None:
        return Micros(0) if self._has_drafts or self._before is not None else self._retry_at

    def _make_record(self, now: Micros) -> None:
        for draft in self.drafts():
            if len(draft.record.signatures) >= draft.quorum:
                self._store.take(self._form.record(draft.record), b"", now)
                return

    def drafts(self) -> tuple[StatementDraft[S], ...]:
        """What members signed above the current version, the highest version first."""
        found: dict[bytes, S] = {}
        for record in self._store.of_kind(self._form.draft_kind):
            if record.version > self.state.current.version:
                signed = self._form.read(record)
                known = found.get(record.value, signed)
                found[record.value] = known.with_signature(*signed.signatures[0])
        drafts = [
            StatementDraft(record, members.quorum)
            for record in found.values()
            if (members := self._members_at(record.height)) is not None
        ]
        return tuple(sorted(drafts, key=lambda draft: (-draft.record.version, draft.record.hash)))

    # --- signing ---

    def next_version(self) -> int:
        """The version of a proposal: above all that was seen and signed."""
        seen: list[int] = [draft.record.version for draft in self.drafts()]
        if self.state.signed is not None:
            seen.append(self.state.signed.version)
        return max([self.state.current.version, *seen]) + 1

    def height(self) -> int:
        """Of the last block: nodes that are a block behind know who signed the one before, or that it is the first."""
        return max(1, self._tip_height())

    def sign(self, request: RequestId, record: S) -> None:
        """Have our member sign it. Raises MisuseError that says why not."""
        members, signed = self.members(record), self.state.signed
        own = self._own_keys.of(members)
        if own is None:
            raise MisuseError("this node signs for no member: ask the one that has the bank's signing key")
        if own not in members:
            raise MisuseError(f"this node's member {own.hex()} is not among those of height {record.height}")
        if self._signing is not None:
            raise MisuseError(f"another version of {self._form.what} is being signed")
        bare = self._form.decode_body(record.body())
        if signed is not None and bare.version <= signed.version and bare.hash != signed.hash:
            raise MisuseError(
                f"this member signed another content of version {signed.version}, and signs one only: propose a later"
            )
        self.state.signed = bare
        self._outbox.emit(self.save())
        self._signing = _Signing(request, bare, own, self._writes_begun)

    def on_saved(self, event: Saved) -> None:
        """A document is on disk, or the disk refused it."""
        if event.key != self._form.document_key:
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
        self._outbox.emit(SignStatement(signing.member, self._form.statement, signing.record.body()))

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The key's answer."""
        signing, self._signing = self._signing, None
        assert signing is not None
        if event.signature is None:
            self._outbox.refuse(signing.request, Reason.UNABLE, f"it is not signed: {event.reason}")
            return
        record = signing.record.with_signature(event.member, event.signature)
        taken = self._store.take(self._form.draft(record), b"", now)
        if taken not in (Taken.NEW, Taken.OLD):
            self._outbox.refuse(signing.request, Reason.CROWDED, f"signed, and not told to others: {taken}; try again")
            return
        told = next((draft.record for draft in self.drafts() if draft.record.hash == record.hash), record)
        self._outbox.reply(signing.request, self._answer(told, self.members(record)))

    def members(self, record: S) -> MemberList:
        """Who signs it. Raises MisuseError where that is not known yet."""
        members = self._members_at(record.height)
        if members is None:
            raise MisuseError(f"who signs height {record.height} is not known yet: let the node catch up")
        return members
