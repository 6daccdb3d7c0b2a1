"""Admission as a part of the node: what is new holds at once. How drafts become records, and how a member signs its
own, is core/drafts'."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

from minicoin.core.admission.consequences import changed_names, consequences
from minicoin.core.admission.state import AdmissionState
from minicoin.core.answers import AdmissionSigned
from minicoin.core.commands import AdmissionCommand, ApproveAdmission, ProposeAdmission
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.drafts.statement_desk import StatementDesk, StatementDraft, only_signed_by
from minicoin.core.effects import AdmitPeers, Effect
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.notices import AdmissionChanged, AdmissionContradicted, OwnAdmissionLost
from minicoin.core.part import Outbox, Part
from minicoin.core.records.statements import MemberLists
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.admission import AdmissionRecord, AdmissionRow, admission_record
from minicoin.core.signers.evidence import Evidence, TwoAdmissions
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.units import Micros, RequestId


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
        self._connections = connections
        self._outbox = outbox
        self._members_at = members_at
        self._own_peer_id = own_peer_id
        self._accuse = accuse
        self._tell_changed = on_changed
        self._desk = StatementDesk(
            state,
            store,
            outbox,
            members_at,
            tip_height,
            own_keys,
            contradicted=AdmissionContradicted,
            accuse=self._accuse_of_two,
            answer=self._answer,
        )
        self.alarm = self._desk.alarm

    def on_start(self, now: Micros) -> None:
        """What is known holds, and is passed on."""
        self._desk.on_start(now)
        self._connections.admit(frozenset(self.state.peer_ids))
        self._outbox.emit(AdmitPeers(self.state.peer_ids))
        if self.state.row_of(self._own_peer_id) is None:
            self._outbox.emit(OwnAdmissionLost(self.state.current.version))

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        # Behind the exchange of records: who is cut off has been told of the record by then.
        before = self._desk.news()
        if before is not None:
            return self._apply(before, now)
        self._desk.on_deadline(now)
        return ()

    def next_deadline(self) -> Micros | None:
        return self._desk.next_deadline()

    def _apply(self, before: AdmissionRecord, now: Micros) -> list[Effect]:
        """What is new holds from now on."""
        current, peer_ids = self.state.current, self.state.peer_ids
        admitted, expelled = changed_names(before, current)
        effects: list[Effect] = [
            self._desk.save(),
            AdmitPeers(peer_ids),
            AdmissionChanged(current.version, admitted, expelled, len(peer_ids), current),
            *self._connections.admit(frozenset(peer_ids)),
        ]
        if self.state.row_of(self._own_peer_id) is None:
            effects.append(OwnAdmissionLost(current.version))
        self._tell_changed(now)
        return effects

    def _accuse_of_two(self, first: AdmissionRecord, second: AdmissionRecord, member: bytes) -> None:
        self._accuse(TwoAdmissions(only_signed_by(first, member), only_signed_by(second, member)))

    def drafts(self) -> tuple[StatementDraft[AdmissionRecord], ...]:
        """What members signed above the current version, the highest version first."""
        return self._desk.drafts()

    # --- commands ---

    def handle(self, request: RequestId, command: AdmissionCommand, now: Micros) -> None:
        """Sign a draft as this node's member. Raises MisuseError that says why not."""
        match command:
            case ProposeAdmission():
                self._desk.sign(request, self._proposal(command))
            case ApproveAdmission(version, digest):
                self._desk.sign(request, self._draft(version, digest))
            case _:
                assert_never(command)

    def _proposal(self, command: ProposeAdmission) -> AdmissionRecord:
        current = self.state.current
        rows = _changed_rows(current, command)
        return admission_record(self._desk.next_version(), self._desk.height(), current.hash, rows)

    def _draft(self, version: int, digest: bytes) -> AdmissionRecord:
        found = [draft.record for draft in self.drafts() if draft.record.version == version]
        found = [record for record in found if record.hash.startswith(digest)]
        if not found:
            raise MisuseError(f"nobody proposed such a version {version}: minicoin admission list shows what there is")
        if len(found) > 1:
            hashes = ", ".join(record.hash.hex()[:16] for record in found)
            raise MisuseError(f"there are {len(found)} contents of version {version}: say which, by its hash: {hashes}")
        return found[0]

    def on_saved(self, event: Saved) -> None:
        """A document is on disk, or the disk refused it."""
        self._desk.on_saved(event)

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The key's answer."""
        self._desk.on_signed(event, now)

    def _answer(self, told: AdmissionRecord, members: MemberList) -> AdmissionSigned:
        meant = consequences(self.state.current, told, members)
        return AdmissionSigned(told.version, told.hash, len(told.signatures), members.quorum, meant)

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
            self._desk.is_signing,
        )


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
