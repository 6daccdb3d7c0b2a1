"""What this node relays and keeps, as values. Owns the defaults; consensus limits stand in core.limits.

Defaults are those of Bitcoin Core 30: 0.1 sat/vB floor and increment, 300 MB, 336 hours, 25 ancestors and descendants.
Own networks keep a floor of 1 sat/vB (`policy_for`): there a block is rarely full, and the floor is all that a flood
costs. Feerates are integers in satoshi per 1,000 virtual bytes.
"""

from dataclasses import dataclass

from minicoin.core.limits import (
    ANCESTOR_VBYTES_MAX,
    ANCESTORS_MAX,
    DESCENDANT_VBYTES_MAX,
    DESCENDANTS_MAX,
    MEMPOOL_BYTES_MAX,
    MEMPOOL_EXPIRY_US,
)
from minicoin.core.script.policy import STANDARD, Standardness

BYTES_PER_SIGOP = 20
"""A transaction heavy in signature checks counts as this many virtual bytes per unit of sigop cost."""

_OWN_NETWORK_FEERATE = 1_000


@dataclass(frozen=True, slots=True)
class MempoolPolicy:
    """Limits and prices of one node's mempool, as its operator wants them."""

    require_standard: bool = True
    min_relay_feerate: int = 100
    """What every transaction has to pay."""
    incremental_feerate: int = 100
    """What a replacement has to add, and how far a full pool raises its price above what it let go of."""
    standardness: Standardness = STANDARD
    bytes_per_sigop: int = BYTES_PER_SIGOP
    bytes_max: int = MEMPOOL_BYTES_MAX
    expiry_us: int = MEMPOOL_EXPIRY_US
    ancestors_max: int = ANCESTORS_MAX
    ancestor_vbytes_max: int = ANCESTOR_VBYTES_MAX
    descendants_max: int = DESCENDANTS_MAX
    descendant_vbytes_max: int = DESCENDANT_VBYTES_MAX
    block_min_feerate: int = 1
    """What a package must pay to be chosen for a block of ours. Next to nothing, but not nothing: what pays no fee has
    lost the child that would have paid for it."""


def policy_for(*, is_bitcoin: bool) -> MempoolPolicy:
    """What suits a network, where the operator has not chosen."""
    if is_bitcoin:
        return MempoolPolicy()
    return MempoolPolicy(min_relay_feerate=_OWN_NETWORK_FEERATE, incremental_feerate=_OWN_NETWORK_FEERATE)


def fee_at(feerate: int, vsize: int) -> int:
    """The fee in satoshi that `vsize` virtual bytes owe at `feerate`, rounded up."""
    return -(-feerate * vsize // 1_000)


def policy_vsize(weight: int, sigop_cost: int, bytes_per_sigop: int = BYTES_PER_SIGOP) -> int:
    """Virtual bytes as policy counts them: weight / 4, or more where signature checks are dense."""
    return (max(weight, sigop_cost * bytes_per_sigop) + 3) // 4
