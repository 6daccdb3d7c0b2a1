"""What an operator allows peers of certain networks beyond what anybody may: Bitcoin Core's -whitelist.

Written PERMISSION[,PERMISSION...]@NETWORK, or NETWORK alone for the usual ones. Each has an effect of its own:

* noban: misbehaviour costs nothing, a ban of its address does not keep it out, bounds per address and group do not
  count it, its headers are kept though they show little work, and it hears of transactions at once instead of in
  trickles. Implies download.
* relay: its transactions are taken though this node is for blocks only, and however many it announces at a time.
* forcerelay: what it sends again is announced again, though we had it already. Implies relay.
* mempool: it may ask for the mempool's inventory (BIP35), which this node otherwise offers nobody.
* download: it is served headers while we are catching up ourselves.
* addr: addresses from it are not limited in their rate.

`in` and `out` say whether that holds for those who connect to us, those whom we dial, or both; the default is `in`, for
whom we dial is chosen by rules that an address alone should not bend. Bitcoin Core's bloomfilter is refused: this node
serves no filters, and a permission without an effect would be a promise that is not kept.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.primitives.address import NodeAddress


class Permission(IntFlag):
    """Combined by `|`; the names are Bitcoin Core's."""

    NONE = 0
    NOBAN = 1
    FORCERELAY = 2
    RELAY = 4
    MEMPOOL = 8
    DOWNLOAD = 16
    ADDR = 32


_IMPLIED: Final = {Permission.NOBAN: Permission.DOWNLOAD, Permission.FORCERELAY: Permission.RELAY}
_NAMED: Final = tuple(permission for permission in Permission if permission)
_USUAL: Final = Permission.NOBAN | Permission.MEMPOOL


@dataclass(frozen=True, slots=True)
class Whitelisting:
    """One network and what its peers may do."""

    network: str
    permissions: Permission
    inbound: bool = True
    outbound: bool = False

    @classmethod
    def parse(cls, text: str, *, relays: bool = True, forces_relay: bool = False) -> "Whitelisting":
        """What an operator wrote; a network alone has noban and mempool, and relay and forcerelay as the arguments
        say. Raises MisuseError."""
        words, at, network_text = text.rpartition("@")
        try:
            network = str(ipaddress.ip_network(network_text, strict=False))
        except ValueError as error:
            raise MisuseError(f"Invalid netmask specified in -whitelist: '{network_text}'") from error
        if not at:
            permissions = _USUAL
            permissions |= Permission.RELAY if relays else Permission.NONE
            permissions |= Permission.FORCERELAY if forces_relay else Permission.NONE
            return cls(network, _with_implied(permissions))
        permissions = Permission.NONE
        directions: dict[str, None] = {}
        for word in filter(None, words.split(",")):
            if word in ("in", "out"):
                directions[word] = None
            else:
                permissions |= _permission(word)
        if directions and not permissions:
            raise MisuseError(f"Only direction was set, no permissions: '{text}'")
        return cls(network, _with_implied(permissions), not directions or "in" in directions, "out" in directions)

    def covers(self, address: NodeAddress, *, is_inbound: bool) -> bool:
        """Whether a connection to this address is one of those meant."""
        found = address.ip
        if found is None or not (self.inbound if is_inbound else self.outbound):
            return False
        network = ipaddress.ip_network(self.network)
        return found.version == network.version and found in network


def permissions_of(whitelist: Iterable[Whitelisting], address: NodeAddress, *, is_inbound: bool) -> Permission:
    """What all entries together allow."""
    found = Permission.NONE
    for entry in whitelist:
        if entry.covers(address, is_inbound=is_inbound):
            found |= entry.permissions
    return found


def permission_names(permissions: Permission) -> list[str]:
    """By Bitcoin Core's names, in a fixed order."""
    return [str(permission.name).lower() for permission in _NAMED if permissions & permission]


def _permission(word: str) -> Permission:
    if word == "all":
        return Permission(sum(_NAMED))
    if word in ("bloomfilter", "bloom"):
        raise MisuseError(f"the permission '{word}' has no effect here: this node serves no bloom filters")
    found = next((permission for permission in _NAMED if str(permission.name).lower() == word), None)
    if found is None:
        raise MisuseError(f"Invalid P2P permission: '{word}'")
    return found


def _with_implied(permissions: Permission) -> Permission:
    for permission, implied in _IMPLIED.items():
        if permissions & permission:
            permissions |= implied
    return permissions
