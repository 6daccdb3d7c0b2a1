"""Evidence as a part of the node: what is found becomes a record, what is new is written down and told.

Whoever finds something hands it to `accuse` in the middle of its own work; it is looked at when the event is over. What
cannot be looked at yet, as the list of its height is not known, waits a while, and so does what comes too fast.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Done
from minicoin.core.chain.certified import CertifiedChain, SecondCertificate
from minicoin.core.commands import AcknowledgeEvidence
from minicoin.core.document_waits import DocumentWaits
from minicoin.core.effects import Effect, SaveState
from minicoin.core.events import Saved
from minicoin.core.evidence.state import EVIDENCE_KEY, EvidenceState
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import EVIDENCE_RETRY_US, EVIDENCE_WAITING_MAX
from minicoin.core.notices import EvidenceFound
from minicoin.core.part import Outbox, Part
from minicoin.core.records.held import Held, Taken
from minicoin.core.records.kinds import EVIDENCE
from minicoin.core.records.record import SignedRecord, evidence_record
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.evidence import Evidence, TwoCertificates, decode_evidence
from minicoin.core.units import Micros, RequestId


@dataclass(frozen=True, slots=True)
class EvidenceSnapshot:
    """From outside."""

    known: tuple[bytes, ...]
    seen: int
    waiting: int


class EvidenceFlow(Part):
    """Around the state, for one node of a network of signers."""

    def __init__(self, state: EvidenceState, store: RecordStore, certified: CertifiedChain, outbox: Outbox) -> None:
        self.state = state
        self._store = store
        self._certified = certified
        self._outbox = outbox
        self._waits = DocumentWaits(outbox)
        self._found: dict[tuple[bytes, int], Evidence] = {}
        """Found here, and not looked at yet."""
        self._retry_at = Micros(0)
        self.alarm = Alarm()
        store.listen(self._on_record)
        certified.watch_second(self._on_second)

    def on_start(self, now: Micros) -> None:
        """What is known is passed on, and a second certificate stops who signs."""
        records = map(evidence_record, self.state.all)
        self._store.restore((Held(record, b"", len(record.encode())) for record in records), now)
        for record in self._store.of_kind(EVIDENCE):
            self._on_record(record)
        for known in self.state.all:
            if isinstance(known, TwoCertificates):
                self._certified.note_second(known.first, known.second)

    def accuse(self, evidence: Evidence) -> None:
        """Found by another part."""
        place = evidence.accused, evidence.height
        if place not in self._found and len(self._found) < EVIDENCE_WAITING_MAX:
            self._found[place] = evidence
            self._retry_at = Micros(0)
            self.alarm.by(self._retry_at)

    def _on_second(self, second: SecondCertificate) -> None:
        self.accuse(TwoCertificates(second.kept, second.other))

    def _on_record(self, record: SignedRecord) -> None:
        """The store looked at it."""
        if record.kind != EVIDENCE:
            return
        evidence = decode_evidence(record.value)
        if not self.state.add(evidence):
            return
        self._outbox.emit(EvidenceFound(evidence), self._save())
        if isinstance(evidence, TwoCertificates):
            self._certified.note_second(evidence.first, evidence.second)

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        if self._found and self._retry_at <= now:
            self._found = {place: one for place, one in self._found.items() if self._is_early(one, now)}
            self._retry_at = Micros(now + EVIDENCE_RETRY_US)
        return ()

    def next_deadline(self) -> Micros | None:
        return self._retry_at if self._found else None

    def _is_early(self, evidence: Evidence, now: Micros) -> bool:
        """Hand it to the store; whether it is to be handed in again."""
        try:
            return self._store.take(evidence_record(evidence), b"", now) in (Taken.EARLY, Taken.TOO_OFTEN)
        except (PeerFault, MisuseError):
            # It proves nothing after all (a vote under a list that came to be another), or is too long to be passed on.
            return False

    # --- the operator ---

    def handle(self, request: RequestId, command: AcknowledgeEvidence) -> None:
        """The operator has seen so much of it. Raises MisuseError."""
        if not self.state.seen <= command.count <= len(self.state):
            raise MisuseError(
                f"there are {len(self.state)} pieces of evidence, {self.state.seen} of which were seen before"
            )
        self.state.seen = command.count
        self._waits.wait(EVIDENCE_KEY, request, Done())
        self._outbox.emit(self._save())

    def on_saved(self, event: Saved) -> None:
        """A document is on disk, or is not."""
        self._waits.on_saved(event)

    def warnings(self) -> tuple[str, ...]:
        """What the operator has still to look at."""
        unseen = self.state.unseen
        if not unseen:
            return ()
        who = ", ".join(dict.fromkeys(one.accused.hex()[:16] for one in unseen if one.accused))
        against = f"against {who}" if who else "that two blocks of a height are certified"
        return (f"there is evidence {against}: look at it with minicoin members evidence, and agree what to do",)

    def _save(self) -> SaveState:
        self._waits.begin(EVIDENCE_KEY)
        return SaveState(EVIDENCE_KEY, self.state.to_bytes(self._store.network_id))

    # --- looking ---

    def snapshot(self, now: Micros) -> EvidenceSnapshot:
        known = tuple(one.encode() for one in self.state.all)
        return EvidenceSnapshot(known, self.state.seen, len(self._found))
