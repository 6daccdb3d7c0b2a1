"""What a network chooses of the index model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.core.limits import INDEXES_FOLLOWED_MAX
from minicoin.core.params.models import AddressesSetting, IntSetting, Setting, SettingValue
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US

MEMBER: Final = "member"
INDEX: Final = "index"
ROLES: Final = (MEMBER, INDEX)


def _read(text: str) -> NodeAddress:
    # An address without a port means nothing here: the network file does not know the port in use.
    return parse_node_address(text, 0)


SETTINGS: Final[tuple[Setting, ...]] = (
    AddressesSetting(
        "index",
        "Where the indexes are; where none is named, peers that say they are one are believed.",
        INDEXES_FOLLOWED_MAX,
        _read,
    ),
    IntSetting("neighbours", 8, 1, 32, "Members that a member connects to."),
    IntSetting("delta_ms", 1_000, 100, 60_000, "Milliseconds between the batches of joins and leaves."),
    IntSetting("renew_s", 1_200, 10, 1_200, "Seconds after which a member signs its record anew; it lives for three."),
)


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The same, read."""

    index: tuple[NodeAddress, ...]
    neighbours: int
    delta_us: int
    renew_us: int

    @classmethod
    def of(cls, values: Mapping[str, SettingValue]) -> "IndexSettings":
        """From checked values."""
        index, neighbours, delta_ms, renew_s = (values[setting.name] for setting in SETTINGS)
        assert isinstance(index, tuple) and isinstance(neighbours, int)
        assert isinstance(delta_ms, int) and isinstance(renew_s, int)
        return cls(tuple(map(_read, index)), neighbours, delta_ms * 1_000, renew_s * SECOND_US)
