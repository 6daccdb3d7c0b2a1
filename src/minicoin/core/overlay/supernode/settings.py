"""What a network file may choose of the model, and the roles there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.limits import SUPER_PARENTS_MAX, SUPER_PLACES_MAX
from minicoin.core.params.models import IntSetting, SettingValue

LEAF: Final = "leaf"
SUPER: Final = "super"
AUTO: Final = "auto"
"""A leaf that becomes a super node where those are too few."""
ROLES: Final = (LEAF, SUPER, AUTO)

SETTINGS: Final = (
    IntSetting("parents", 3, 1, SUPER_PARENTS_MAX, "super nodes that a leaf attaches to"),
    IntSetting("places", 64, 1, SUPER_PLACES_MAX, "leaves that a super node takes; its inbound slots must hold them"),
    IntSetting("links", 8, 1, 32, "other super nodes that a super node connects to"),
    IntSetting("admissions", 8, 1, 1_000, "leaves that a super node takes in one second"),
    IntSetting("check", 60, 5, 3_600, "seconds after which a node looks again at the super nodes it is connected to"),
)


@dataclass(frozen=True, slots=True)
class SupernodeSettings:
    """The values of one network."""

    parents: int
    places: int
    links: int
    admissions: int
    check: int

    @classmethod
    def of(cls, settings: Mapping[str, SettingValue]) -> "SupernodeSettings":
        """From a mapping that was checked."""
        return cls(**{row.name: int(str(settings[row.name])) for row in SETTINGS})
