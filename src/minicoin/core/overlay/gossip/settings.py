"""What a network chooses for the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.limits import GOSSIP_HOPS_MAX, OVERLAY_SLOTS_MAX, RECORD_EXCHANGE_EVERY_US
from minicoin.core.params.models import ChoiceSetting, IntSetting, Setting, SettingValue
from minicoin.core.records.exchange_policy import ExchangeMode, ExchangePolicy
from minicoin.core.units import SECOND_US

SETTINGS: Final[tuple[Setting, ...]] = (
    IntSetting("neighbours", 8, 1, OVERLAY_SLOTS_MAX // 2, "Connections a node makes to others of its view."),
    IntSetting(
        "neighbours_min",
        4,
        1,
        OVERLAY_SLOTS_MAX // 2,
        "With fewer of them ready, addresses of the book are dialled as well.",
    ),
    IntSetting("fanout", 4, 1, 64, "Partners that a new block or transaction is pushed to."),
    IntSetting("pull_period", 4, 1, 86_400, "Seconds between two rounds of asking what was missed."),
    IntSetting("pull_peers", 1, 1, 16, "Partners asked in one round."),
    IntSetting("alive_period", 10, 1, 3_600, "Seconds between two shuffles, in which a node says that it is alive."),
    IntSetting("expiry", 120, 2, 86_400, "Seconds of silence after which a node is taken for dead."),
    IntSetting("reshuffle_period", 300, 1, 604_800, "Seconds, at random around this, until a neighbour is replaced."),
    ChoiceSetting(
        "exchange",
        ExchangeMode.ANTI_ENTROPY.value,
        tuple(mode.value for mode in ExchangeMode),
        "How records are exchanged; by anti-entropy news goes on at once as well, otherwise in rounds only.",
    ),
    IntSetting(
        "exchange_period",
        RECORD_EXCHANGE_EVERY_US // SECOND_US,
        1,
        86_400,
        "Seconds between two rounds of exchanging records.",
    ),
    IntSetting("exchange_peers", 1, 1, 16, "Partners that records are exchanged with in one round."),
    IntSetting("seek_hops", 4, 1, GOSSIP_HOPS_MAX, "Hops that a search for a peer goes."),
)


@dataclass(frozen=True, slots=True)
class GossipSettings:
    """The same as values; times in microseconds."""

    neighbours: int
    neighbours_min: int
    """Never more than `neighbours`."""
    fanout: int
    pull_period_us: int
    pull_peers: int
    alive_period_us: int
    expiry_us: int
    reshuffle_period_us: int
    exchange: ExchangePolicy
    seek_hops: int


def read_settings(chosen: Mapping[str, SettingValue]) -> GossipSettings:
    """Of a network; what it leaves out has its default."""
    values = {setting.name: chosen.get(setting.name, setting.default) for setting in SETTINGS}
    numbers = {name: value for name, value in values.items() if isinstance(value, int)}
    mode = ExchangeMode(str(values["exchange"]))
    return GossipSettings(
        neighbours=numbers["neighbours"],
        neighbours_min=min(numbers["neighbours_min"], numbers["neighbours"]),
        fanout=numbers["fanout"],
        pull_period_us=numbers["pull_period"] * SECOND_US,
        pull_peers=numbers["pull_peers"],
        alive_period_us=numbers["alive_period"] * SECOND_US,
        expiry_us=numbers["expiry"] * SECOND_US,
        reshuffle_period_us=numbers["reshuffle_period"] * SECOND_US,
        exchange=ExchangePolicy(
            mode,
            numbers["exchange_period"] * SECOND_US,
            numbers["exchange_peers"],
            tells_at_once=mode is ExchangeMode.ANTI_ENTROPY,
        ),
        seek_hops=numbers["seek_hops"],
    )
