"""What a network file may say of a network model: its settings, each with its bounds, and the roles nodes may have.

The models themselves are core/overlay's; here is only the form that files, scenarios and command lines are held
against, so that a mistake is refused where it is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Protocol

from minicoin.core.faults import DecodeError, MisuseError

SettingValue = int | str | tuple[str, ...]
"""A whole number, a word, or a list of texts."""

ANY_ROLE: Final = "member"
"""The role of a node in a model where all are alike."""

_COMPLETED_CACHED: Final = 16


class SettingProblem(MisuseError):
    """What is wrong with one setting, without its place; `name` is the setting's."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name
        self.problem = problem


class Setting(Protocol):
    """One number or word that a network chooses for its model."""

    @property
    def name(self) -> str: ...

    @property
    def default(self) -> SettingValue: ...

    @property
    def says(self) -> str:
        """What it means, for people, with its unit."""
        ...

    def check(self, value: object) -> SettingValue:
        """The value as a file gives it. Raises SettingProblem."""
        ...

    def parse(self, text: str) -> SettingValue:
        """The value as a command line gives it. Raises SettingProblem."""
        ...


@dataclass(frozen=True, slots=True)
class IntSetting:
    """A whole number within bounds."""

    name: str
    default: int
    low: int
    high: int
    says: str

    def check(self, value: object) -> SettingValue:
        # In Python a bool is an int; in a file it is a mistake.
        if not isinstance(value, int) or isinstance(value, bool):
            raise SettingProblem(self.name, f"must be a whole number, not {value!r}")
        if not self.low <= value <= self.high:
            raise SettingProblem(self.name, f"must be {self.low} to {self.high}, not {value}")
        return value

    def parse(self, text: str) -> SettingValue:
        try:
            return self.check(int(text))
        except ValueError:
            return self.check(text)


@dataclass(frozen=True, slots=True)
class ChoiceSetting:
    """One of a few words."""

    name: str
    default: str
    choices: tuple[str, ...]
    says: str

    def check(self, value: object) -> SettingValue:
        if value not in self.choices:
            raise SettingProblem(self.name, f"must be one of {', '.join(self.choices)}, not {value!r}")
        return str(value)

    def parse(self, text: str) -> SettingValue:
        return self.check(text)


@dataclass(frozen=True, slots=True)
class AddressesSetting:
    """A list of node addresses, as people write them."""

    name: str
    says: str
    most: int
    read: Callable[[str], object]
    """Raises DecodeError for a text that is no address."""
    default: tuple[str, ...] = ()

    def check(self, value: object) -> SettingValue:
        if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
            raise SettingProblem(self.name, f"must be a list of addresses, not {value!r}")
        if len(value) > self.most:
            raise SettingProblem(self.name, f"holds {len(value)} addresses, at most {self.most}")
        for entry in value:
            try:
                self.read(entry)
            except DecodeError as error:
                raise SettingProblem(self.name, f"holds {entry!r}: {error}") from error
        return tuple(value)

    def parse(self, text: str) -> SettingValue:
        return self.check([part.strip() for part in text.split(",") if part.strip()])


@dataclass(frozen=True, slots=True)
class ModelForm:
    """What there is to choose of one model."""

    roles: tuple[str, ...] = (ANY_ROLE,)
    """What a node may be in it; the first where nothing else is said."""
    settings: tuple[Setting, ...] = ()
    questions: str = ""
    """The protocol by which anybody may ask nodes of the first role on libp2p streams, below the network's own name;
    empty for none."""
    needs_messages: bool = False
    """It has messages beyond Bitcoin's, so that no network of Bitcoin's can have it."""

    def check(self, given: Mapping[str, object]) -> tuple[tuple[str, SettingValue], ...]:
        """The settings that a file gives, in the model's order. Raises SettingProblem."""
        known = {setting.name: setting for setting in self.settings}
        for name in given:
            if name not in known:
                raise SettingProblem(name, f"is no setting of this network model; {_hint(name, tuple(known))}")
        return tuple((name, setting.check(given[name])) for name, setting in known.items() if name in given)

    def parse(self, words: tuple[str, ...]) -> tuple[tuple[str, SettingValue], ...]:
        """The settings that a command line gives, as NAME=VALUE. Raises MisuseError."""
        known = {setting.name: setting for setting in self.settings}
        found: dict[str, SettingValue] = {}
        for word in words:
            name, equals, text = word.partition("=")
            if not equals:
                raise MisuseError(f"{word!r} must be NAME=VALUE, as in {next(iter(known), 'fanout')}=4")
            if name not in known:
                raise SettingProblem(name, f"is no setting of this network model; {_hint(name, tuple(known))}")
            found[name] = known[name].parse(text)
        return tuple((name, found[name]) for name in known if name in found)

    def complete(self, given: tuple[tuple[str, SettingValue], ...]) -> Mapping[str, SettingValue]:
        """All settings, those not given at their defaults: one object for all nodes of a network."""
        return _complete(self.settings, given)

    def role(self, given: str) -> str:
        """The role of that name; the model's first for an empty one. Raises MisuseError."""
        if given and given not in self.roles:
            raise MisuseError(f"no role {given!r} in this network's model; there are {', '.join(self.roles)}")
        return given or self.roles[0]

    def questions_to(self, role: str) -> str:
        """The protocol by which a node of that role may be asked; empty for none. Raises MisuseError."""
        return self.questions if self.role(role) == self.roles[0] else ""


def _hint(name: str, known: tuple[str, ...]) -> str:
    nearest = get_close_matches(name, known, 1)
    if nearest:
        return f"did you mean {nearest[0]}?"
    return f"there are {', '.join(known)}" if known else "it has none"


@lru_cache(_COMPLETED_CACHED)
def _complete(settings: tuple[Setting, ...], given: tuple[tuple[str, SettingValue], ...]) -> Mapping[str, SettingValue]:
    return MappingProxyType({setting.name: setting.default for setting in settings} | dict(given))
