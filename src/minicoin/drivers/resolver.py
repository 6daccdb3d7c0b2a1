"""Names to addresses: A and AAAA records, and the TXT records of /dnsaddr names. Owns every question to a DNS server.

Without a name server of its own, hosts are looked up by the system's resolver and TXT records by the servers of its
configuration. Specification: libp2p/specs addressing (dnsaddr); records stand at `_dnsaddr.NAME`.
"""

import random
import socket
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver
import trio

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.node_address import DNS4_HOST, DNS6_HOST, DNSADDR_HOST, node_address_of, parse_node_address
from minicoin.core.limits import DNS_TIMEOUT_US, DNSADDR_DEPTH_MAX, DNSADDR_QUESTIONS_MAX, RESOLVED_ADDRESSES_MAX
from minicoin.core.primitives.address import NodeAddress, normalise_host
from minicoin.core.units import SECOND_US

_TXT_KEY: Final = "dnsaddr="
_TIMEOUT_S: Final = DNS_TIMEOUT_US / SECOND_US
_FAMILIES: Final = {DNS4_HOST: socket.AF_INET, DNS6_HOST: socket.AF_INET6}
_RECORDS: Final = {socket.AF_INET: "A", socket.AF_INET6: "AAAA"}


class NameNotFound(OSError):
    """A name leads to no address that can be dialled."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


class Resolver:
    """Looks names up; `nameserver` is the (IP, port) to ask instead of the system's."""

    def __init__(self, nameserver: tuple[str, int] | None = None) -> None:
        self._nameserver = nameserver
        self._dns: dns.asyncresolver.Resolver | None = None

    async def resolve(self, address: NodeAddress) -> list[NodeAddress]:
        """The endpoints that an address stands for, each with its peer id where one is expected. Raises OSError."""
        if address.host.startswith(DNSADDR_HOST):
            found: list[NodeAddress] = []
            for member in await self._resolve_dnsaddr(address):
                found += await self._resolve_host_quietly(member)
            return _require(found, address.host)[:RESOLVED_ADDRESSES_MAX]
        return await self._resolve_host(address)

    async def _resolve_host_quietly(self, address: NodeAddress) -> list[NodeAddress]:
        try:
            return await self._resolve_host(address)
        except OSError:
            # One dead name among several does not spoil the others.
            return []

    async def _resolve_host(self, address: NodeAddress) -> list[NodeAddress]:
        if address.ip is not None:
            return [address]
        name, family = address.host, socket.AF_UNSPEC
        for prefix, wanted in _FAMILIES.items():
            if name.startswith(prefix):
                name, family = name.removeprefix(prefix), wanted
        if self._nameserver is None:
            try:
                entries = await trio.socket.getaddrinfo(name, address.port, family=family, type=socket.SOCK_STREAM)
            except ValueError as error:
                # The system's word for what cannot be a name: too long a label, a zero byte.
                raise NameNotFound("not a host name") from error
            except RuntimeError as error:
                # Trio asks the system in a thread, and there may be none left.
                raise NameNotFound(str(error)) from error
            hosts = [str(endpoint[0]) for *_, endpoint in entries]
        else:
            hosts = await self._ask_hosts(name, family)
        unique = dict.fromkeys(normalise_host(host) for host in hosts)
        return _require([NodeAddress(host, address.port, address.peer_id) for host in unique], name)

    async def _ask_hosts(self, name: str, family: int) -> list[str]:
        hosts: list[str] = []
        for one in (family,) if family else _RECORDS:
            hosts += await self._ask(name, _RECORDS[socket.AddressFamily(one)])
        return hosts

    async def _resolve_dnsaddr(self, address: NodeAddress) -> list[NodeAddress]:
        """Breadth first, every name once, so that names which lead to each other end."""
        found: dict[NodeAddress, None] = {}
        asked: dict[str, None] = {}
        level = [address]
        for _ in range(DNSADDR_DEPTH_MAX):
            following: list[NodeAddress] = []
            for one in level:
                if one.host in asked or len(asked) >= DNSADDR_QUESTIONS_MAX:
                    continue
                asked[one.host] = None
                for text in await self._ask("_dnsaddr." + one.host.removeprefix(DNSADDR_HOST), "TXT"):
                    member = _read_record(text, one.peer_id)
                    if member is None or len(found) >= RESOLVED_ADDRESSES_MAX:
                        continue
                    if member.host.startswith(DNSADDR_HOST):
                        following.append(member)
                    else:
                        found[member] = None
            level = following
        return list(found)

    async def _ask(self, name: str, record: str) -> list[str]:
        """The records' texts; none where the name has none. Raises OSError when no server answers."""
        try:
            resolver = self._resolver()
            answer = await resolver.resolve(name, record, lifetime=_TIMEOUT_S, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, ValueError) as error:
            # The latter for a configuration of the system's that names no servers, but something else in their place.
            raise NameNotFound(f"{name} cannot be looked up: {error}") from error
        if answer.rrset is None:
            return []
        if record == "TXT":
            return [b"".join(row.strings).decode("ascii", "replace") for row in answer.rrset]
        return [str(row.address) for row in answer.rrset]

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._dns is None:
            # The system's configuration is read at the first question only: most nodes never ask one.
            self._dns = dns.asyncresolver.Resolver(configure=self._nameserver is None)
            if self._nameserver is not None:
                host, self._dns.port = self._nameserver
                self._dns.nameservers = [host]
        return self._dns


async def reach(address: NodeAddress, resolver: Resolver) -> tuple[trio.SocketStream, NodeAddress]:
    """A stream to one of the endpoints that the address stands for, and which one it is. Raises OSError."""
    endpoints = await resolver.resolve(address)
    # Those behind one name share the load, and one that is not who it should be does not stand in the way for ever.
    random.shuffle(endpoints)
    failure = OSError("no answer")
    for index, endpoint in enumerate(endpoints):
        # Each gets an equal share of what time is left, so that a silent one leaves some to the next.
        # A time and no span: it may be over, or the caller may have given up while the name was looked up.
        now = trio.current_time()
        share_s = (trio.current_effective_deadline() - now) / (len(endpoints) - index)
        with trio.move_on_at(now + share_s):
            try:
                return await trio.open_tcp_stream(endpoint.host, endpoint.port), endpoint
            except OSError as error:
                failure = _innermost(error)
    # Where the caller's time is over as well, this says so.
    await trio.lowlevel.checkpoint()
    raise failure


def parse_seed(text: str, default_port: int) -> NodeAddress:
    """A network's seed: a host name, /dnsaddr/NAME, or the same as a TXT record has it. Raises DecodeError."""
    if text.startswith(_TXT_KEY):
        text = DNSADDR_HOST + text.removeprefix(_TXT_KEY).removeprefix(DNSADDR_HOST)
    return parse_node_address(text, default_port)


def parse_nameserver(text: str) -> tuple[str, int]:
    """IP, IP:PORT or [IPv6]:PORT. Raises MisuseError."""
    try:
        address = NodeAddress.parse(text, 53)
    except DecodeError as error:
        raise MisuseError(f"not a name server: {error}") from error
    if address.ip is None:
        raise MisuseError(f"not a name server: {text!r} (expected IP or IP:PORT)")
    return address.host, address.port


def _innermost(error: OSError) -> OSError:
    """What the system said, which trio wraps: there may be several attempts, but an endpoint is one."""
    group = error.__cause__
    causes = group.exceptions if isinstance(group, BaseExceptionGroup) else (group,)
    return next((cause for cause in causes if isinstance(cause, OSError)), error)


def _read_record(text: str, peer_id: bytes) -> NodeAddress | None:
    """The address of one TXT record, if it is one that we can dial and that leads to the peer asked for."""
    if not text.startswith(_TXT_KEY):
        return None
    try:
        address = node_address_of(Multiaddr.parse(text.removeprefix(_TXT_KEY)))
    except DecodeError:
        # TXT records carry what their owner likes: other protocols, and errors.
        return None
    if address is None or not peer_id or address.peer_id == peer_id:
        return address
    # A further name that does not say whom it leads to may lead to the peer.
    is_open = not address.peer_id and address.host.startswith(DNSADDR_HOST)
    return NodeAddress(address.host, 0, peer_id) if is_open else None


def _require(found: list[NodeAddress], name: str) -> list[NodeAddress]:
    if not found:
        raise NameNotFound(f"{name} leads to no address")
    return found
