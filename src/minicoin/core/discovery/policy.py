"""What a node does to find others, as values. Delays are Bitcoin Core's; a lab sets shorter ones."""

from dataclasses import dataclass

from minicoin.core.units import DAY_US, MINUTE_US, SECOND_US


@dataclass(frozen=True, slots=True)
class DiscoveryPolicy:
    """Sources and paces."""

    dns_seeds: tuple[str, ...] = ()
    """Host names; empty where the network has none or the operator switched them off."""
    default_port: int = 0
    dns_delay_us: int = 11 * SECOND_US
    """How long known addresses are given to bring peers before the seeds are asked."""
    dns_enough_peers: int = 2
    dns_retry_us: int = 10 * MINUTE_US
    self_advertise_mean_us: int = DAY_US
    relay_mean_us: int = 30 * SECOND_US
    answer_cache_us: int = DAY_US
    is_private_network: bool = False
    """Addresses that the internet does not route are relayed too."""
    carries_peer_ids: bool = True
    """Whether addresses with peer ids mean anything on this network: on Bitcoin's they neither come nor go."""
    does_listen: bool = True
    """Whether our own addresses are worth telling."""
