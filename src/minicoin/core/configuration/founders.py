"""Settings that the founders of a private network sign, where no members do: records of kind `config`.

Each setting has a record of its own: its name is the key, its value the text. It is signed and passed on as any record
of the founders is (`minicoin records put`, `records sign`), the newest of a name holds, and an empty one gives the
setting back to each node, but for the alert, whose text it is. What validity depends on nobody sets so.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.configuration.in_force import InForce, SignedValue
from minicoin.core.configuration.settable import Settable, SettingInForce
from minicoin.core.effects import Effect
from minicoin.core.notices import ConfigurationChanged
from minicoin.core.part import Part
from minicoin.core.records.kinds import FOUNDERS_CONFIG
from minicoin.core.records.record import SignedRecord
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.settings import Settings
from minicoin.core.units import Micros

_AT_ONCE: Final = Micros(1)


@dataclass(frozen=True, slots=True)
class FounderSettingsSnapshot:
    """From outside."""

    settings: Settings


class FounderSettings(Part):
    """Of one node."""

    def __init__(self, store: RecordStore, settables: Sequence[Settable], chosen: Collection[str]) -> None:
        """`chosen` names what the node's operator chose."""
        self._store: Final = store
        self._in_force: Final = InForce(settables, chosen)
        self._has_news = False
        self.alarm = Alarm()
        store.listen(self._on_record)

    def on_start(self, now: Micros) -> None:
        """What is known holds."""
        self._in_force.apply(self._signed())

    def _on_record(self, record: SignedRecord) -> None:
        if record.kind == FOUNDERS_CONFIG:
            self._has_news = True
            self.alarm.by(_AT_ONCE)

    def _signed(self) -> dict[str, SignedValue]:
        found: dict[str, SignedValue] = {}
        for record in sorted(self._store.of_kind(FOUNDERS_CONFIG), key=lambda record: record.key):
            try:
                value = record.value.decode()
            except UnicodeDecodeError:
                # Whatever the founders meant by it, it is no setting.
                continue
            if value and value.isprintable():
                found[record.key] = SignedValue(value, record.version, tuple(one.signer for one in record.signatures))
        return found

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._has_news = False
        signed = self._signed()
        self._in_force.apply(signed)
        newest = max(signed.values(), key=lambda one: one.version, default=SignedValue("", 0, ()))
        settings = tuple((name, one.value) for name, one in signed.items())
        return (ConfigurationChanged(newest.version, 0, settings, newest.signers, self._in_force.unknown),)

    def next_deadline(self) -> Micros | None:
        return _AT_ONCE if self._has_news else None

    # --- looking ---

    def values(self) -> tuple[SettingInForce, ...]:
        """What holds, and by whose word."""
        return self._in_force.values()

    def warnings(self) -> tuple[str, ...]:
        """What an operator is to know."""
        alert = self._in_force.alert
        return (f"alert by the founders: {alert}",) if alert else ()

    def snapshot(self, now: Micros) -> FounderSettingsSnapshot:
        return FounderSettingsSnapshot(tuple((name, one.value) for name, one in self._signed().items()))
