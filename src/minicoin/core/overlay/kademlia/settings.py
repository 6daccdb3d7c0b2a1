"""What a network chooses for the model: how wide its lookups and its tree are, and how often it repairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.params.models import IntSetting, SettingValue
from minicoin.core.units import SECOND_US

SERVER: Final = "server"
CLIENT: Final = "client"
ROLES: Final = (SERVER, CLIENT)

_K: Final = IntSetting("k", 20, 2, 20, "Contacts in one bucket of the routing table, and peers in one answer.")
_ALPHA: Final = IntSetting("alpha", 3, 1, 10, "Questions that a lookup has under way at a time.")
_BETA: Final = IntSetting("beta", 1, 1, 5, "Contacts of each bucket that a block or transaction is given to.")
_PULL: Final = IntSetting(
    "pull_period", 10, 1, 3_600, "Seconds between two questions to a random neighbour for what was missed."
)
_REFRESH: Final = IntSetting("refresh_period", 600, 10, 86_400, "Seconds between two lookups of a node's own id.")

SETTINGS: Final = (_K, _ALPHA, _BETA, _PULL, _REFRESH)


@dataclass(frozen=True, slots=True)
class KademliaSettings:
    """The settings in the units of the model."""

    k: int
    alpha: int
    beta: int
    pull_us: int
    refresh_us: int


def read_settings(chosen: Mapping[str, SettingValue]) -> KademliaSettings:
    """From the checked values of a network; what it does not name has its default."""

    def number(setting: IntSetting) -> int:
        return int(str(chosen.get(setting.name, setting.default)))

    return KademliaSettings(
        number(_K), number(_ALPHA), number(_BETA), number(_PULL) * SECOND_US, number(_REFRESH) * SECOND_US
    )
