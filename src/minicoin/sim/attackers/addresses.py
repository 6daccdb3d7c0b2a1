"""Addresses of attackers: public ones, spread over as many network groups (/16) as the attacker has.

Honest hosts live elsewhere, so no address is anybody's by accident. Addresses of nodes that do not exist come from a
range where nobody lives.
"""

from dataclasses import dataclass

from minicoin.core.faults import MisuseError
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng

# 20.0.0.0 to 99.255.255.255 is public address space throughout; so is 104.0.0.0/8.
_FIRST_OCTET = 20
_GROUPS_MAX = 80 * 256
_NOBODY_OCTET = 104
ADDRESSES_PER_GROUP_MAX = (1 << 16) - 1


@dataclass(frozen=True, slots=True)
class AddressRange:
    """The network groups of one attacker."""

    first: int
    groups: int
    port: int

    def address(self, number: int) -> NodeAddress:
        """Address `number`; neighbours lie in different groups."""
        group = self.first + number % self.groups
        inside = number // self.groups + 1
        if inside > ADDRESSES_PER_GROUP_MAX:
            raise MisuseError(f"an attacker of {self.groups} network groups has no address number {number}")
        return NodeAddress(f"{_FIRST_OCTET + group // 256}.{group % 256}.{inside >> 8 & 255}.{inside & 255}", self.port)


class AddressPlan:
    """Hands out network groups, so that no two attackers share one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._next = 0

    def take(self, groups: int) -> AddressRange:
        """So many groups that nobody has. Raises MisuseError where there are no more."""
        taken = AddressRange(self._next, groups, self._port)
        self._next += groups
        if self._next > _GROUPS_MAX:
            raise MisuseError(f"all attackers together may have {_GROUPS_MAX} network groups, not {self._next}")
        return taken


def nobodys_address(rng: Rng, port: int) -> NodeAddress:
    """A public address where no host listens."""
    number = rng.below(1 << 24)
    return NodeAddress(f"{_NOBODY_OCTET}.{number >> 16}.{number >> 8 & 255}.{number & 255}", port)
