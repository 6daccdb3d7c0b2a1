"""mDNS discovery on the local link: says where this node listens, hears where others do. Zeroconf does the protocol.

Follows libp2p/specs discovery/mdns: the service `_p2p._udp.local`, a random peer name, and TXT attributes
`dnsaddr=MULTIADDR`, each with the peer id. An attribute `minicoin=NETWORK ID` beside them, which others ignore, keeps
nodes of other networks on the same link from being dialled; a peer without it is taken, since it may speak ours.
"""

import ipaddress
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import trio
from zeroconf import Error as ZeroconfError
from zeroconf import InterfaceChoice, ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

from minicoin.core.events import AddressesFound, Event
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.node_address import join_address, node_address_of
from minicoin.core.limits import MDNS_ADDRESSES_PER_PEER_MAX
from minicoin.core.primitives.address import AddressSource, NodeAddress, Services, TimedAddress
from minicoin.core.units import Micros, seconds
from minicoin.drivers.threads import finish, in_thread

SERVICE: Final = "_p2p._udp.local."
_ADDRESS_KEY: Final = "dnsaddr="
_NETWORK_KEY: Final = "minicoin="
# The specification wants 32 random lower-case letters and digits at least; a label holds 63.
_NAME_BYTES: Final = 20
_TXT_STRING_BYTES_MAX: Final = 255
_QUESTION_MS: Final = 3_000
_FAILURES: Final = (OSError, RuntimeError, ZeroconfError)
"""RuntimeError is zeroconf's for an IPv6 address that no interface has, or has no more."""


class Mdns(ServiceListener):
    """One node's part in it. Zeroconf has a thread of its own, which events leave through `put_from_thread`."""

    def __init__(
        self,
        addresses: Sequence[NodeAddress],
        network_id: bytes,
        put_from_thread: Callable[[Event], None],
        clock: Callable[[], Micros],
    ) -> None:
        """`addresses` are where we listen; those with our peer id are announced."""
        proven = [address for address in addresses if address.peer_id and address.ip is not None]
        # To another machine our loopback address would mean itself.
        self._addresses = [address for address in proven if not _is_loopback(address)] or proven
        self._network = network_id.hex()[:16]
        self._put = put_from_thread
        self._clock = clock
        self._name = f"{secrets.token_hex(_NAME_BYTES)}.{SERVICE}"
        self._zeroconf: Zeroconf | None = None

    async def run(self, on_failure: Callable[[str], None]) -> None:
        """Until cancelled; where it does not work, `on_failure` hears why and that is all."""
        try:
            await in_thread(self._start)
            await trio.sleep_forever()
        except _FAILURES as error:
            on_failure(str(error) or type(error).__name__)
        finally:
            with trio.CancelScope(shield=True):
                await finish(self._stop)

    def _start(self) -> None:
        """On the interfaces that we listen on; on all where we listen nowhere and only look for others."""
        hosts = list(dict.fromkeys(address.host for address in self._addresses))
        self._zeroconf = Zeroconf(interfaces=hosts or InterfaceChoice.All)
        if hosts:
            # The service's name is shorter than the rule for names of services would have it.
            self._zeroconf.register_service(self._describe(hosts), strict=False)
        ServiceBrowser(self._zeroconf, SERVICE, listener=self)

    def _stop(self) -> None:
        """Takes the announcement back."""
        if self._zeroconf is not None:
            # Where the link is gone by now, nobody is there to be told.
            with suppress(*_FAILURES):
                self._zeroconf.close()

    # --- what zeroconf's own thread calls ---

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Somebody is there."""
        if name == self._name:
            return
        try:
            service = zc.get_service_info(type_, name, timeout=_QUESTION_MS)
        except _FAILURES:
            # Anybody on the link may announce what is no name of a service; raised here, it would end zeroconf's thread
            # and all hearing with it.
            return
        if service is None or not service.text:
            return
        found = read_announcement(service.text, self._network)
        if found:
            now = seconds(self._clock())
            timed = tuple(TimedAddress(address, int(Services.NETWORK), now) for address in found)
            self._put(AddressesFound(AddressSource.MDNS, name.removesuffix("." + SERVICE), timed))

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Somebody announces something else than before."""
        self.add_service(zc, type_, name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Who leaves is noticed by its connection, and stays in the address book."""

    def _describe(self, hosts: list[str]) -> ServiceInfo:
        texts = [_ADDRESS_KEY + join_address(address) for address in self._addresses]
        return ServiceInfo(
            SERVICE,
            self._name,
            port=self._addresses[0].port,
            properties=encode_txt([*texts, _NETWORK_KEY + self._network]),
            server=self._name.split(".")[0] + ".local.",
            addresses=[ipaddress.ip_address(host).packed for host in hosts],
        )


def encode_txt(texts: Sequence[str]) -> bytes:
    """The strings of a TXT record, each behind its length; what is too long for one is left out."""
    encoded = (text.encode() for text in texts)
    return b"".join(bytes((len(raw),)) + raw for raw in encoded if len(raw) <= _TXT_STRING_BYTES_MAX)


def read_announcement(text: bytes, network: str) -> list[NodeAddress]:
    """The addresses in a TXT record that can be dialled; none where it names another network than ours."""
    found: dict[NodeAddress, None] = {}
    for word in _strings(text):
        if word.startswith(_NETWORK_KEY) and word != _NETWORK_KEY + network:
            return []
        if not word.startswith(_ADDRESS_KEY) or len(found) >= MDNS_ADDRESSES_PER_PEER_MAX:
            continue
        try:
            address = node_address_of(Multiaddr.parse(word.removeprefix(_ADDRESS_KEY)))
        except DecodeError:
            # Protocols of others; the next attribute may be one of ours.
            continue
        # An address without a peer id could be anybody's, and a name is no business of the local link.
        if address is not None and address.peer_id and address.ip is not None:
            found[address] = None
    return list(found)


def _is_loopback(address: NodeAddress) -> bool:
    return address.ip is not None and address.ip.is_loopback


def _strings(text: bytes) -> Iterator[str]:
    at = 0
    while at < len(text):
        end = at + 1 + text[at]
        if end > len(text):
            # Cut off: half an address may look like another.
            return
        yield text[at + 1 : end].decode("ascii", "replace")
        at = end
