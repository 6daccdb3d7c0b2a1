"""What one node knows of admissions, and who may connect by the one that holds."""

from typing import Final

from minicoin.core.drafts.statements import StatementForm, StatementState
from minicoin.core.records.kinds import ADMISSION, ADMISSION_DRAFT
from minicoin.core.signers.admission import ADMISSION_BYTES_MAX, AdmissionRecord, AdmissionRow, AdmittedRole
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.statements import StatementKind

ADMISSION_KEY: Final = "admission"
"""The SaveState key of the document."""

_FORM: Final = StatementForm(
    what="the admission",
    record_kind=ADMISSION,
    draft_kind=ADMISSION_DRAFT,
    statement=StatementKind.ADMISSION,
    decode=AdmissionRecord.decode,
    decode_body=AdmissionRecord.decode_body,
    bytes_max=ADMISSION_BYTES_MAX,
    document_key=ADMISSION_KEY,
    magic=b"mcad\x01",
)


class AdmissionState(StatementState[AdmissionRecord]):
    """Begins with the network file's version."""

    def __init__(self, first: AdmissionRecord) -> None:
        super().__init__(_FORM, first)
        self._admitted = first.admitted()

    @property
    def peer_ids(self) -> tuple[bytes, ...]:
        """Who may connect."""
        return tuple(self._admitted)

    def row_of(self, peer_id: bytes) -> AdmissionRow | None:
        """The bank whose node it is."""
        return self._admitted.get(peer_id)

    def role_of(self, peer_id: bytes) -> AdmittedRole | None:
        """What it is admitted as; None where it is not."""
        row = self._admitted.get(peer_id)
        return None if row is None else row.role

    def signers_of(self, members: MemberList) -> tuple[bytes, ...]:
        """The nodes that are admitted to sign for these members."""
        rows = [row for row in self.current.rows if row.key is not None and row.key in members]
        return tuple(peer_id for row in rows for peer_id in row.peer_ids)

    def take(self, statement: AdmissionRecord) -> bool:
        if not super().take(statement):
            return False
        self._admitted = statement.admitted()
        return True

    @classmethod
    def from_bytes(cls, raw: bytes, first: AdmissionRecord, network_id: bytes) -> "AdmissionState":
        """What to_bytes() gave. Raises DecodeError that says what is wrong."""
        state = cls(first)
        state.restore(raw, network_id)
        state._admitted = state.current.admitted()
        return state
