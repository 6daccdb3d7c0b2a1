"""The kinds of records there are: who may sign one, how much it may say, and for how long it is believed."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from minicoin.core.limits import (
    ADMISSION_BODY_BYTES_MAX,
    EVIDENCE_BYTES_MAX,
    SETTINGS_BODY_BYTES_MAX,
    SIGNED_RECORD_VALUE_BYTES_MAX,
)
from minicoin.core.signers.settings import SETTINGS_BYTES_MAX
from minicoin.core.signers.statements import StatementKind
from minicoin.core.units import DAY_US, HOUR_US


class MaySign(StrEnum):
    """Whose signature counts."""

    ANY_NODE = "any node"
    """For itself."""
    ALERT_KEY = "alert key"
    """One of the network's alert keys."""
    FOUNDERS = "founders"
    """As many of the network's founders as it asks for, together."""
    MEMBERS = "members"
    """A quorum of the members of the height that the record names, together."""
    MEMBER = "member"
    """One of them, for himself: what the others sign the same of, they sign together."""
    NOBODY = "nobody"
    """What it says proves itself."""


@dataclass(frozen=True, slots=True)
class KindRow:
    """One row. What the network's own keys sign needs no room of others; what founders sign has one place per key."""

    name: str
    may_sign: MaySign
    value_bytes_max: int
    life_max_us: int | None
    """From its version; None for ever."""
    says: str
    statement: StatementKind | None = None
    """What members sign: the value, under its tag."""

    @property
    def is_shared(self) -> bool:
        """Several sign together, and none of them alone."""
        return self.may_sign in (MaySign.FOUNDERS, MaySign.MEMBERS)

    @property
    def proves_itself(self) -> bool:
        """It has no signature of its own: its value is evidence (core/signers/evidence)."""
        return self.may_sign is MaySign.NOBODY

    @property
    def names_members(self) -> bool:
        """Whoever is named in it is so by a member's key, and not by a peer id."""
        return self.statement is not None or self.proves_itself

    @property
    def is_trusted(self) -> bool:
        """It counts by signatures of keys that the network names."""
        return self.may_sign is not MaySign.ANY_NODE


ADMISSION: Final = "admission"
"""Who may connect."""
ADMISSION_DRAFT: Final = "admission-draft"
"""The same, as one member signs it."""
CHANGE: Final = "change"
"""What a member publishes that stands behind a change of the member list."""
EVIDENCE: Final = "evidence"
"""What proves that a member lied, or more of them than a list tolerates."""
SETTINGS_CHANGE: Final = "settings-change"
"""The same of a change of the settings that validity depends on."""
FOUNDERS_CONFIG: Final = "config"
"""One setting, where founders set them and no members do."""
CONFIGURATION: Final = "configuration"
"""What members set that validity does not depend on."""
CONFIGURATION_DRAFT: Final = "config-draft"
"""The same, as one member signs it."""
RECOVERY: Final = "recovery"
"""What a member publishes that stands behind a recovery of a halted network."""
ALERT: Final = "alert"
"""What every node shows among its warnings."""

KINDS: Final = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            KindRow("status", MaySign.ANY_NODE, 1_024, HOUR_US, "how a node is, and where it can be reached"),
            KindRow("super", MaySign.ANY_NODE, 512, HOUR_US, "an entry of the directory of super nodes"),
            KindRow(ALERT, MaySign.ALERT_KEY, 1_024, 30 * DAY_US, "a warning to everybody on the network"),
            KindRow(
                CHANGE, MaySign.ANY_NODE, 16_384, 7 * DAY_US, "a change of the member list, with a member's signature"
            ),
            KindRow(
                SETTINGS_CHANGE,
                MaySign.ANY_NODE,
                SETTINGS_BYTES_MAX,
                7 * DAY_US,
                "a change of settings that a block is to carry, with a member's signature",
            ),
            KindRow(FOUNDERS_CONFIG, MaySign.FOUNDERS, 16_384, None, "a setting of the network, by its name"),
            KindRow(
                ADMISSION,
                MaySign.MEMBERS,
                ADMISSION_BODY_BYTES_MAX,
                None,
                "who may connect, as a quorum of members signed it",
                StatementKind.ADMISSION,
            ),
            KindRow(
                ADMISSION_DRAFT,
                MaySign.MEMBER,
                ADMISSION_BODY_BYTES_MAX,
                None,
                "who may connect, as one member signed it",
                StatementKind.ADMISSION,
            ),
            KindRow(EVIDENCE, MaySign.NOBODY, EVIDENCE_BYTES_MAX, None, "what proves that a member lied"),
            KindRow(
                CONFIGURATION,
                MaySign.MEMBERS,
                SETTINGS_BODY_BYTES_MAX,
                None,
                "the nodes' settings, as a quorum of members signed them",
                StatementKind.CONFIGURATION,
            ),
            KindRow(
                CONFIGURATION_DRAFT,
                MaySign.MEMBER,
                SETTINGS_BODY_BYTES_MAX,
                None,
                "the nodes' settings, as one member signed them",
                StatementKind.CONFIGURATION,
            ),
            KindRow(RECOVERY, MaySign.ANY_NODE, 16_384, 30 * DAY_US, "a recovery of a halted network, with signatures"),
        )
    }
)

assert all(kind.value_bytes_max <= SIGNED_RECORD_VALUE_BYTES_MAX for kind in KINDS.values())
