"""Configuration as a part of the node: what is new is applied, and this node's member proposes and approves.

How drafts become records, and how a member signs its own, is core/drafts'.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from minicoin.core.answers import SettingsDrafted
from minicoin.core.commands import ApproveSettings, ProposeSettings, SettingsCommand
from minicoin.core.configuration.chain_settings import ChainSettings
from minicoin.core.configuration.form import ConfigurationState
from minicoin.core.configuration.in_force import InForce, SignedValue
from minicoin.core.configuration.settable import Settable, SettingInForce, SettingSource
from minicoin.core.drafts.statement_desk import StatementDesk, StatementDraft, only_signed_by
from minicoin.core.effects import Effect
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.notices import ConfigurationChanged, ConfigurationContradicted
from minicoin.core.params.settings import MIN_INTERVAL, SETTINGS, SettingScope, problems, setting_problem
from minicoin.core.part import Outbox, Part
from minicoin.core.records.statements import MemberLists
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.evidence import Evidence, TwoConfigurations
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.settings import ConfigurationRecord, Settings, configuration_record
from minicoin.core.signers.statements import StatementKind
from minicoin.core.units import Micros, RequestId


@dataclass(frozen=True, slots=True)
class ConfigurationSnapshot:
    """From outside."""

    version: int
    hash: bytes
    split: bytes
    """The hash of the second content of a version; empty where there is none."""
    is_signing: bool


class ConfigurationFlow(Part):
    """Around the state, for one node."""

    def __init__(
        self,
        state: ConfigurationState,
        store: RecordStore,
        outbox: Outbox,
        members_at: MemberLists,
        tip_height: Callable[[], int],
        chain: ChainSettings | None,
        accuse: Callable[[Evidence], None],
        *,
        own_keys: OwnKeys,
        settables: Sequence[Settable],
        chosen: Collection[str],
        min_interval_s: int,
    ) -> None:
        """`own_keys` say whom this node signs for, `chosen` names what its operator chose, and with `min_interval_s`
        the network was founded. Without `chain` the node keeps no blocks."""
        self.state: Final = state
        self.chain: Final = chain
        self._outbox: Final = outbox
        self._chosen: Final = chosen
        self._min_interval_s: Final = min_interval_s
        self._in_force: Final = InForce(settables, chosen)
        self._accuse: Final = accuse
        self._desk: Final = StatementDesk(
            state,
            store,
            outbox,
            members_at,
            tip_height,
            own_keys,
            contradicted=ConfigurationContradicted,
            accuse=self._accuse_of_two,
            answer=self._answer,
        )
        self.alarm = self._desk.alarm

    def on_start(self, now: Micros) -> None:
        """What is known holds, and is passed on."""
        self._desk.on_start(now)
        self._apply()

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._desk.on_deadline(now)
        if self._desk.news() is None:
            return ()
        self._apply()
        current = self.state.current
        signers = tuple(key for key, _ in current.signatures)
        changed = ConfigurationChanged(
            current.version, current.height, current.settings, signers, self._in_force.unknown
        )
        return self._desk.save(), changed

    def _accuse_of_two(self, first: ConfigurationRecord, second: ConfigurationRecord, member: bytes) -> None:
        self._accuse(TwoConfigurations(only_signed_by(first, member), only_signed_by(second, member)))

    def next_deadline(self) -> Micros | None:
        return self._desk.next_deadline()

    def _apply(self) -> None:
        """What holds is what the node goes by."""
        current = self.state.current
        signers = tuple(key for key, _ in current.signatures)
        self._in_force.apply({name: SignedValue(value, current.version, signers) for name, value in current.settings})

    # --- looking ---

    def values(self) -> tuple[SettingInForce, ...]:
        """What holds, and by whose word: first what blocks set, then what records do, then what is not understood."""
        return (self._min_interval(), *self._in_force.values())

    def _min_interval(self) -> SettingInForce:
        name, unit = MIN_INTERVAL.name, MIN_INTERVAL.unit
        founding = str(self._min_interval_s)
        if self.chain is None:
            return SettingInForce(name, unit, "", SettingSource.UNKNOWN)
        at = self.chain.standing()
        carried = at.history.at(at.height)
        value = None if carried is None else dict(carried.change.settings).get(name)
        if carried is None or value is None:
            return SettingInForce(name, unit, founding, SettingSource.NETWORK)
        change = carried.change
        signers = tuple(key for key, _ in change.signatures)
        problem = setting_problem(name, value, SettingScope.CHAIN) or ""
        return SettingInForce(
            name, unit, value, SettingSource.CHAIN, change.version, change.from_height, signers, problem
        )

    def drafts(self) -> tuple[StatementDraft[ConfigurationRecord], ...]:
        """What members signed above the current version, the highest version first."""
        return self._desk.drafts()

    def warnings(self) -> tuple[str, ...]:
        """What an operator is to know."""
        state = self.state
        alert, unknown = self._in_force.alert, self._in_force.unknown
        found = [f"alert by the members: {alert}"] if alert else []
        if unknown:
            found.append(
                f"version {state.current.version} of the configuration holds in part only: {'; '.join(unknown)}; "
                "update this program"
            )
        if state.split is not None:
            found.append(
                f"two contents of version {state.split[1].version} of the configuration were signed by a quorum each: "
                "ask the members who signed both, and sign a later version"
            )
        return (*found, *(() if self.chain is None else self.chain.warnings()))

    def snapshot(self, now: Micros) -> ConfigurationSnapshot:
        state = self.state
        split = b"" if state.split is None else state.split[1].hash
        return ConfigurationSnapshot(state.current.version, state.current.hash, split, self._desk.is_signing)

    # --- commands ---

    def handle(self, request: RequestId, command: SettingsCommand, now: Micros) -> None:
        """Sign a draft as this node's member. Raises MisuseError that says why not."""
        match command:
            case ProposeSettings(values, from_height):
                self._propose(request, values, from_height)
            case ApproveSettings(prefix):
                self._approve(request, prefix)
            case _:
                assert_never(command)

    def _propose(self, request: RequestId, values: tuple[tuple[str, str | None], ...], from_height: int | None) -> None:
        unknown = [name for name, _ in values if name not in SETTINGS]
        if unknown:
            raise MisuseError(f"{unknown[0]} is no setting; there are {', '.join(SETTINGS)}")
        scopes = dict.fromkeys(SETTINGS[name].scope for name, _ in values)
        if len(scopes) != 1:
            raise MisuseError(
                f"propose one or more settings, all of one kind: {MIN_INTERVAL.name} is changed by a block, the others "
                "are by a record"
            )
        (scope,) = scopes
        if scope is SettingScope.CHAIN:
            chain = self._require_chain()
            chain.propose(request, _changed(chain.settings(), values, scope), from_height)
            return
        if from_height is not None:
            raise MisuseError("a height is for what a block changes: this holds as soon as a quorum has signed it")
        current = self.state.current
        settings = _changed(current.settings, values, scope)
        self._desk.sign(
            request, configuration_record(self._desk.next_version(), self._desk.height(), current.hash, settings)
        )

    def _approve(self, request: RequestId, prefix: str) -> None:
        carried = () if self.chain is None else self.chain.matches(prefix)
        signed = [one.record for one in self.drafts() if one.record.hash.hex().startswith(prefix.lower())]
        if len(carried) + len(signed) != 1:
            count = len(carried) + len(signed)
            raise MisuseError(f"{count or 'no'} drafts have a hash that begins with {prefix}: minicoin config list")
        if self.chain is not None and carried:
            _require_understood(carried[0].settings, self.chain.settings(), SettingScope.CHAIN)
            self.chain.approve(request, carried[0])
        else:
            _require_understood(signed[0].settings, self.state.current.settings, SettingScope.NODE)
            self._desk.sign(request, signed[0])

    def _require_chain(self) -> ChainSettings:
        if self.chain is None:
            raise MisuseError("this node keeps no blocks: propose at the one that signs for the bank")
        return self.chain

    def on_saved(self, event: Saved) -> None:
        """A document is on disk, or the disk refused it."""
        self._desk.on_saved(event)

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The key's answer."""
        if event.kind is StatementKind.SETTINGS_CHANGE:
            self._require_chain().on_signed(event, now)
        else:
            self._desk.on_signed(event, now)

    def _answer(self, told: ConfigurationRecord, members: MemberList) -> SettingsDrafted:
        here = [name for name, _ in told.settings if name in self._chosen]
        warnings = (f"this node goes by its operator's own choice of {', '.join(here)}",) if here else ()
        return SettingsDrafted(
            told.hash, told.version, 0, told.settings, len(told.signatures), members.quorum, warnings
        )


def _changed(settings: Settings, values: tuple[tuple[str, str | None], ...], scope: SettingScope) -> Settings:
    """These with some of them set or left out. Raises MisuseError."""
    changed = dict(settings)
    for name, value in values:
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = value
    found = tuple(sorted(changed.items()))
    _require_understood(found, settings, scope)
    if found == settings:
        raise MisuseError("it changes nothing")
    return found


def _require_understood(settings: Settings, before: Settings, scope: SettingScope) -> None:
    """Nobody signs what it cannot keep to. What held before is the members' word already. Raises MisuseError."""
    found = problems(tuple(one for one in settings if one not in before), scope)
    if found:
        raise MisuseError("; ".join(found))
