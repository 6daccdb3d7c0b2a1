"""What outside may read of what members set, as frozen values."""

from dataclasses import dataclass

from minicoin.core.configuration.settable import SettingInForce
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.signers.settings import ConfigurationRecord, Settings
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class SettingsDraftReport:
    """A draft, or a change that a block carries and that does not hold yet."""

    hash: bytes
    version: int
    from_height: int
    """0 for what a record sets."""
    settings: Settings
    """All that is set then."""
    signers: tuple[bytes, ...]
    missing: int
    carried_at: int = 0
    """The height of the block that carries it; 0 for a draft."""


@dataclass(frozen=True, slots=True)
class ConfigurationReport:
    """What a node knows."""

    values: tuple[SettingInForce, ...]
    version: int
    """Of the record; 0 for none."""
    drafts: tuple[SettingsDraftReport, ...]
    pending: SettingsDraftReport | None
    split: tuple[ConfigurationRecord, ConfigurationRecord] | None
    names: tuple[tuple[bytes, str], ...]
    """What the keys of signers are called."""


class ConfigurationQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    def report(self) -> ConfigurationReport | None:
        """None where neither members nor founders set anything."""
        found, founders = self._view.configuration, self._view.founder_settings
        if founders is not None:
            values = founders.values()
            signers = dict.fromkeys(signer for value in values for signer in value.signers)
            return ConfigurationReport(values, 0, (), None, None, tuple((one, str(PeerId(one))) for one in signers))
        if found is None:
            return None
        signed = tuple(
            SettingsDraftReport(
                draft.record.hash,
                draft.record.version,
                0,
                draft.record.settings,
                tuple(key for key, _ in draft.record.signatures),
                max(0, draft.quorum - len(draft.record.signatures)),
            )
            for draft in found.drafts()
        )
        return ConfigurationReport(
            found.values(),
            found.state.current.version,
            (*signed, *self._carriable()),
            self._pending(),
            found.state.split,
            self._names(),
        )

    def _carriable(self) -> tuple[SettingsDraftReport, ...]:
        found = self._view.configuration
        if found is None or found.chain is None:
            return ()
        return tuple(
            SettingsDraftReport(
                draft.change.hash,
                draft.change.version,
                draft.change.from_height,
                draft.change.settings,
                tuple(key for key, _ in draft.change.signatures),
                draft.missing,
            )
            for draft in found.chain.open()
        )

    def _pending(self) -> SettingsDraftReport | None:
        found = self._view.configuration
        if found is None or found.chain is None:
            return None
        at = found.chain.standing()
        change = at.history.pending(at.height)
        if change is None:
            return None
        signers = tuple(key for key, _ in change.signatures)
        carried_at = at.history.carried()[-1].height
        return SettingsDraftReport(
            change.hash, change.version, change.from_height, change.settings, signers, 0, carried_at
        )

    def _names(self) -> tuple[tuple[bytes, str], ...]:
        certified = self._view.tree.signers
        return () if certified is None else certified.carried.all_names()

    def warnings(self) -> tuple[str, ...]:
        """What an operator should know."""
        founders = () if self._view.founder_settings is None else self._view.founder_settings.warnings()
        return founders if self._view.configuration is None else self._view.configuration.warnings()
