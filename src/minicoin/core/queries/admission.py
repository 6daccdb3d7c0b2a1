"""What outside may read of who may connect, as frozen values."""

from dataclasses import dataclass

from minicoin.core.drafts.statement_desk import StatementDraft
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class AdmissionDraftReport:
    """A draft, and what it would mean."""

    draft: StatementDraft[AdmissionRecord]
    consequences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdmissionReport:
    """What a node knows."""

    current: AdmissionRecord
    drafts: tuple[AdmissionDraftReport, ...]
    history: tuple[AdmissionRecord, ...]
    """Lowest version first; the last is the current one."""
    split: tuple[AdmissionRecord, AdmissionRecord] | None
    signed: AdmissionRecord | None
    """The highest version that this node's member signed, without signatures."""
    warnings: tuple[str, ...]


class AdmissionQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView) -> None:
        self._admission = view.admission

    def report(self) -> AdmissionReport | None:
        """None where anybody may connect."""
        found = self._admission
        if found is None:
            return None
        drafts = tuple(AdmissionDraftReport(draft, found.consequences(draft.record)) for draft in found.drafts())
        state = found.state
        return AdmissionReport(state.current, drafts, state.history, state.split, state.signed, found.warnings())

    def warnings(self) -> tuple[str, ...]:
        """What an operator should know."""
        return () if self._admission is None else self._admission.warnings()
