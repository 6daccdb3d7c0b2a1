"""Addresses of attackers: public ones, spread over as many network groups (/16) as the attacker has.

Honest hosts live elsewhere, so no address is anybody's by accident. Addresses of nodes that do not exist come from a
range where nobody lives.
"""

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng

# 20.0.0.0 to 99.255.255.255 is public address space throughout; so is 104.0.0.0/8.
_FIRST_OCTET = 20
_GROUPS = 80 * 256
_NOBODY_OCTET = 104
GROUPS_PER_ATTACKER = 64


def attacker_address(attacker: int, number: int, groups: int, port: int) -> NodeAddress:
    """Address `number` of an attacker that has so many network groups; neighbours lie in different ones."""
    group = (attacker * GROUPS_PER_ATTACKER + number % groups) % _GROUPS
    inside = number // groups + 1
    return NodeAddress(f"{_FIRST_OCTET + group // 256}.{group % 256}.{inside >> 8 & 255}.{inside & 255}", port)


def nobodys_address(rng: Rng, port: int) -> NodeAddress:
    """A public address where no host listens."""
    number = rng.below(1 << 24)
    return NodeAddress(f"{_NOBODY_OCTET}.{number >> 16}.{number >> 8 & 255}.{number & 255}", port)
