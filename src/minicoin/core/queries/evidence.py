"""What outside may read of evidence against members, as frozen values."""

from dataclasses import dataclass

from minicoin.core.params.rules import SignersKind
from minicoin.core.signers.evidence import Evidence
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """One piece."""

    evidence: Evidence
    name: str
    """The accused member's, as the lists had it; empty where nobody is accused."""
    is_seen: bool
    """The operator acknowledged it."""


class EvidenceQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    def listing(self) -> tuple[EvidenceReport, ...] | None:
        """As it came to be known; None where nobody signs."""
        evidence = self._view.evidence
        if evidence is None:
            return None
        names, state = self._names(), evidence.state
        return tuple(
            EvidenceReport(one, names.get(one.accused, ""), place < state.seen) for place, one in enumerate(state.all)
        )

    def warnings(self) -> tuple[str, ...]:
        """What an operator has still to look at."""
        evidence = self._view.evidence
        return () if evidence is None else evidence.warnings()

    def _names(self) -> dict[bytes, str]:
        """Of every key that ever was a member's."""
        kind, signers = self._view.network.proof, self._view.tree.signers
        assert isinstance(kind, SignersKind) and signers is not None
        names = dict(zip(kind.members, kind.names, strict=True))
        for carried in signers.carried.members.carried():
            names.update(zip(carried.change.members.keys, carried.change.names, strict=True))
        return names
