"""What of one node can be set, and what holds there by whose word."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from minicoin.core.params.settings import SettingRow


class SettingSource(StrEnum):
    """Whose word a value is."""

    DEFAULT = "default"
    NETWORK = "network file"
    OPTION = "option"
    """The node's operator chose it."""
    RECORD = "record"
    CHAIN = "chain"
    UNKNOWN = "not known: this node keeps no blocks"


@dataclass(frozen=True, slots=True)
class Settable:
    """One setting of a node. Values are text, as they are signed; `set` is given what the row allows."""

    row: SettingRow
    source: SettingSource
    """Of the value that the node starts with."""
    get: Callable[[], str]
    set: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """What holds."""

    name: str
    unit: str
    value: str
    source: SettingSource
    version: int = 0
    """Of the record, or of the change that a block carries; 0 for neither."""
    from_height: int = 0
    """Of a change that a block carries."""
    signers: tuple[bytes, ...] = ()
    problem: str = ""
    """Why what members set does not hold here."""
