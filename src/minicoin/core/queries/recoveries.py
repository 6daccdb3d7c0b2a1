"""What outside may read of recoveries: those that are named, those that collect signatures, and what one would say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from minicoin.core.faults import MisuseError
from minicoin.core.members.recovery_drafts import RecoveryDraft
from minicoin.core.params.recovery_file import RecoveryFile, recovery_from_mapping, recovery_to_toml
from minicoin.core.signers.recovery import Recovery
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class RecoveriesReport:
    """At one moment."""

    named: tuple[Recovery, ...]
    """By this node's configuration."""
    unnamed: tuple[Recovery, ...]
    """That peers follow and it does not."""
    drafts: tuple[RecoveryDraft, ...]
    """That collect signatures, or have enough."""
    needed: int
    """So many of the members at hand make one."""
    members: int
    names: tuple[tuple[bytes, str], ...]
    """Of the members at hand."""


class RecoveryQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    def report(self) -> RecoveriesReport | str:
        """Or why there is none. Only where members sign."""
        signers, recovering = self._view.tree.signers, self._view.recovering
        assert signers is not None and recovering is not None
        try:
            at, drafts = recovering.standing(), recovering.open()
        except MisuseError as error:
            return str(error)
        names = tuple(zip(at.members.keys, at.names, strict=True))
        return RecoveriesReport(signers.recoveries.named, signers.unnamed, drafts, at.needed, len(at.members), names)

    def read(self, mapping: Mapping[str, object]) -> RecoveryFile | str:
        """What a parsed file holds, or what is wrong with it."""
        try:
            return recovery_from_mapping(mapping, self._view.network)
        except MisuseError as error:
            return str(error)

    def text(self, file: RecoveryFile) -> str:
        """The text of its file."""
        return recovery_to_toml(file, self._view.network)

    def combined(self, files: Iterable[RecoveryFile]) -> RecoveryFile | str:
        """One that enough have signed, or what is lacking. Only where members sign."""
        recovering = self._view.recovering
        assert recovering is not None
        try:
            return recovering.combined(files)
        except MisuseError as error:
            return str(error)
