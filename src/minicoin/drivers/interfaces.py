"""The addresses of this machine: what a listener on all interfaces can be reached at."""

import ipaddress

import ifaddr

_ANY = frozenset({"0.0.0.0", "::"})


def reachable_hosts(host: str) -> list[str]:
    """`host` itself, or for "all interfaces" the address of each one. Link-local ones need a zone and are left out."""
    if host not in _ANY:
        return [host]
    wanted = ipaddress.ip_address(host).version
    found: dict[str, None] = {}
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            address = ipaddress.ip_address(one.ip if isinstance(one.ip, str) else one.ip[0])
            if address.version == wanted and not address.is_link_local:
                found[str(address)] = None
    return list(found)
