"""Proposing and approving changes of the settings that validity depends on: records of kind `settings-change` until a
block carries one."""

from collections.abc import Callable
from typing import Final

from minicoin.core.answers import SettingsDrafted
from minicoin.core.chain.change_history import CARRIED_AHEAD_BLOCKS
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.drafts.change_desk import ChangeDesk
from minicoin.core.drafts.changes import ChangeDraft, ChangeStanding, Drafts
from minicoin.core.events import StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CHANGES_AHEAD_BLOCKS
from minicoin.core.params.settings import SettingScope, problems
from minicoin.core.part import Outbox
from minicoin.core.records.flow import RecordFlow
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.settings import Settings, SettingsChange, settings_change
from minicoin.core.units import Micros, RequestId

SettingsStanding = ChangeStanding[SettingsChange]


def settings_standing_of(tree: HeaderReader) -> SettingsStanding:
    """At the tip of a tree whose blocks members sign."""
    assert tree.signers is not None
    carried, height = tree.signers.carried, tree.tip.height + 1
    return ChangeStanding(height, carried.members.members_at(height), carried.names_at(height), carried.settings)


class ChainSettings:
    """Of one node that keeps blocks."""

    def __init__(
        self,
        drafts: Drafts[SettingsChange],
        records: RecordFlow,
        standing: Callable[[], SettingsStanding],
        own_keys: OwnKeys,
        outbox: Outbox,
    ) -> None:
        """`own_keys` say whom this node signs for."""
        self._desk: Final = ChangeDesk(drafts, records, standing, own_keys, outbox, self._answer)

    def standing(self) -> SettingsStanding:
        """What the chain has carried at this moment."""
        return self._desk.standing()

    def open(self) -> tuple[ChangeDraft[SettingsChange], ...]:
        """The drafts that collect signatures, or could be carried."""
        return self._desk.open()

    def settings(self) -> Settings:
        """What is set for the block to come."""
        at = self._desk.standing()
        carried = at.history.at(at.height)
        return () if carried is None else carried.change.settings

    def ready(self) -> SettingsChange | None:
        """What our next proposal carries: the first draft that a quorum has signed, and that we can keep to."""
        ready = (draft.change for draft in self.open() if draft.is_ready)
        return next((change for change in ready if not problems(change.settings, SettingScope.CHAIN)), None)

    def propose(self, request: RequestId, settings: Settings, from_height: int | None) -> None:
        """Draft a change to these and sign it. Raises MisuseError."""
        at = self._desk.require()
        first = at.height + CARRIED_AHEAD_BLOCKS
        height = at.height + CHANGES_AHEAD_BLOCKS if from_height is None else from_height
        if height < first:
            raise MisuseError(f"a change proposed now holds from height {first} at the earliest, not {height}")
        self._desk.ask(request, settings_change(at.history.next_version, height, at.history.last_hash, settings))

    def matches(self, prefix: str) -> tuple[SettingsChange, ...]:
        """The open drafts whose hash begins so. Raises MisuseError."""
        return self._desk.matches(prefix)

    def approve(self, request: RequestId, change: SettingsChange) -> None:
        """Sign an open draft. Raises MisuseError."""
        self._desk.require()
        self._desk.ask(request, change)

    def warnings(self) -> tuple[str, ...]:
        """What an operator is to know of settings that this version does not."""
        at = self._desk.standing()
        stopped = problems(self.settings(), SettingScope.CHAIN)
        if stopped:
            return (f"no block is judged from {at.height} on until this program is updated: {stopped[0]}",)
        pending = at.history.pending(at.height)
        coming = () if pending is None else problems(pending.settings, SettingScope.CHAIN)
        if pending is None or not coming:
            return ()
        return (f"update this program before block {pending.from_height}, or it stops there: {coming[0]}",)

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The signature is there."""
        self._desk.on_signed(event, now)

    def _answer(self, draft: ChangeDraft[SettingsChange], now: Micros) -> SettingsDrafted:
        change, quorum = draft.change, self._desk.standing().members.quorum
        return SettingsDrafted(
            change.hash, change.version, change.from_height, change.settings, len(change.signatures), quorum
        )
