"""What one node goes by: its own values, what is signed for all nodes, and which of the two holds. Whoever reads the
records says what is signed; this applies it, and tells whose word each value is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from minicoin.core.configuration.settable import Settable, SettingInForce, SettingSource
from minicoin.core.params.settings import ALERT_TEXT, SETTINGS, SettingScope, setting_problem


@dataclass(frozen=True, slots=True)
class SignedValue:
    """A value, and who stands behind it."""

    value: str
    version: int
    signers: tuple[bytes, ...]


class InForce:
    """Of one node. Until something is applied it goes by what it started with."""

    def __init__(self, settables: Sequence[Settable], chosen: Collection[str]) -> None:
        """`chosen` names what the node's operator chose: it holds above what is signed."""
        self._settables: Final = tuple(settables)
        self._chosen: Final = chosen
        self._own: Final = {one.row.name: one.get() for one in settables}
        self._signed: Mapping[str, SignedValue] = {}

    def apply(self, signed: Mapping[str, SignedValue]) -> None:
        """From now on this is signed, by name, and nothing else."""
        self._signed = signed
        for one in self._settables:
            value = self._of(one).value
            if value != one.get():
                one.set(value)

    @property
    def alert(self) -> str:
        """What is to be said to every operator; empty for nothing."""
        return self._alert().value

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why some of what is signed cannot hold here."""
        found = (setting_problem(name, one.value, SettingScope.NODE) for name, one in self._signed.items())
        return tuple(problem for problem in found if problem is not None)

    def values(self) -> tuple[SettingInForce, ...]:
        """What holds, and by whose word; then what is signed and not understood."""
        strange = (
            _by_record(name, "", one.value, one, setting_problem(name, one.value, SettingScope.NODE) or "")
            for name, one in self._signed.items()
            if name not in SETTINGS
        )
        return (*map(self._of, self._settables), self._alert(), *strange)

    def _of(self, one: Settable) -> SettingInForce:
        row, own = one.row, self._own[one.row.name]
        signed = self._signed.get(row.name)
        if row.name in self._chosen:
            told = "" if signed is None else f"{signed.value} is set for all nodes; this one's operator chose otherwise"
            return SettingInForce(row.name, row.unit, own, SettingSource.OPTION, problem=told)
        if signed is None:
            return SettingInForce(row.name, row.unit, own, one.source)
        problem = setting_problem(row.name, signed.value, SettingScope.NODE)
        if problem is not None:
            return SettingInForce(row.name, row.unit, own, one.source, problem=problem)
        return _by_record(row.name, row.unit, signed.value, signed)

    def _alert(self) -> SettingInForce:
        name, unit, signed = ALERT_TEXT.name, ALERT_TEXT.unit, self._signed.get(ALERT_TEXT.name)
        if signed is None:
            return SettingInForce(name, unit, "", SettingSource.DEFAULT)
        problem = setting_problem(name, signed.value, SettingScope.NODE) or ""
        return _by_record(name, unit, "" if problem else signed.value, signed, problem)


def _by_record(name: str, unit: str, value: str, signed: SignedValue, problem: str = "") -> SettingInForce:
    return SettingInForce(name, unit, value, SettingSource.RECORD, signed.version, 0, signed.signers, problem)
