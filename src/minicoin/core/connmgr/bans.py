"""Who is not to be talked to, and until when. Owns the list and its persisted form; connections owns who gets on it.

A ban's subject is one of three, in one text form each: an IP network (`203.0.113.7/32`), an endpoint (`host:port`) or a
peer id (`p2p/12D3...`).

Which subject a misbehaving peer is banned by: its peer id where the transport proved one, and its IP where that names
one machine. A loopback address, or any private one on a network that allows them, is shared by many nodes: banning it
would cut off a whole lab or site. There an outbound peer is banned by endpoint; an inbound peer without a peer id has
no lasting name (its port is new on each connection) and is only disconnected.
"""

import ipaddress
import json
from dataclasses import dataclass, replace

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import BAN_SCORE, BAN_TIME_US, BANS_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros

_FORM = 1
_PEER_PREFIX = "p2p/"
_OLD_PEER_PREFIX = "ipfs/"
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class BanPolicy:
    """What misbehaviour adds up to a ban, and how long that lasts."""

    score: int = BAN_SCORE
    time_us: int = BAN_TIME_US


@dataclass(frozen=True, slots=True)
class Ban:
    """One entry of the list."""

    subject: str
    created: Micros
    until: Micros
    reason: str
    by_operator: bool = False
    """A person's word: it holds against connections that a person asked for, too."""


def peer_subject(peer_id: bytes) -> str:
    """The text form of a ban by peer id."""
    return _PEER_PREFIX + encode_base58(peer_id)


def endpoint_subject(address: NodeAddress) -> str:
    """The text form of a ban by host and port."""
    return str(NodeAddress(address.host, address.port))


def parse_subject(text: str) -> str:
    """The text form of what a person typed: IP, CIDR, HOST:PORT, a peer id with or without p2p/. Raises DecodeError."""
    text = text.strip()
    bare = text.removeprefix("/").removeprefix(_PEER_PREFIX).removeprefix(_OLD_PEER_PREFIX)
    if bare != text or text.startswith(("12D3", "Qm", "16Uiu")):
        return peer_subject(PeerId.parse(bare).multihash)
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        pass
    if "/" in text or ":" not in text:
        raise DecodeError(f"not an IP, a subnet, HOST:PORT or a peer id: {text!r}")
    return endpoint_subject(NodeAddress.parse(text, 0))


def subjects_of(address: NodeAddress, *, is_inbound: bool, is_private_network: bool) -> tuple[str, ...]:
    """What to ban a peer by; see the head of this module. Empty where it can only be disconnected."""
    subjects = [peer_subject(address.peer_id)] if address.peer_id else []
    found = address.ip
    if found is not None and not found.is_loopback and (found.is_global or not is_private_network):
        subjects.append(str(ipaddress.ip_network(found)))
    elif not is_inbound:
        subjects.append(endpoint_subject(address))
    return tuple(subjects)


class BanList:
    """Bans by subject; those that ended are dropped as they are met."""

    __slots__ = ("_bans", "_networks")

    def __init__(self) -> None:
        self._bans: dict[str, Ban] = {}
        # Subnets wider than one address: the few that a look-up has to walk.
        self._networks: dict[str, IpNetwork] = {}

    def add(self, ban: Ban) -> None:
        """Enter a ban, or extend one. When the list is full, the one that ends first gives way."""
        known = self._bans.get(ban.subject)
        if known is not None and known.until >= ban.until:
            if ban.by_operator and not known.by_operator:
                self._bans[ban.subject] = replace(known, by_operator=True)
            return
        if known is None and len(self._bans) >= BANS_MAX:
            self.remove(min(self._bans.values(), key=lambda other: other.until).subject)
        self._bans[ban.subject] = ban
        network = _wide_network(ban.subject)
        if network is not None:
            self._networks[ban.subject] = network

    def remove(self, subject: str) -> bool:
        """Lift a ban; False where there was none."""
        self._networks.pop(subject, None)
        return self._bans.pop(subject, None) is not None

    def clear(self) -> None:
        self._bans.clear()
        self._networks.clear()

    def find(self, address: NodeAddress, now: Micros, *, by_operator: bool = False) -> Ban | None:
        """The ban that covers an address, if any; of those by a person only, where `by_operator`."""
        if not self._bans:
            return None
        subjects = [endpoint_subject(address)]
        if address.peer_id:
            subjects.append(peer_subject(address.peer_id))
        found = address.ip
        if found is not None:
            subjects.append(str(ipaddress.ip_network(found)))
            subjects += [subject for subject, network in self._networks.items() if found in network]
        for subject in subjects:
            ban = self._bans.get(subject)
            if ban is not None and ban.until > now and (ban.by_operator or not by_operator):
                return ban
        return None

    def active(self, now: Micros) -> tuple[Ban, ...]:
        """The bans in force, in order of entry. Forgets those that ended."""
        for ban in [ban for ban in self._bans.values() if ban.until <= now]:
            self.remove(ban.subject)
        return tuple(self._bans.values())

    def listing(self) -> tuple[Ban, ...]:
        """Every entry, ended ones included; changes nothing."""
        return tuple(self._bans.values())

    def to_bytes(self) -> bytes:
        rows = [
            {
                "subject": ban.subject,
                "created": ban.created,
                "until": ban.until,
                "reason": ban.reason,
                "by_operator": ban.by_operator,
            }
            for ban in self._bans.values()
        ]
        return json.dumps({"form": _FORM, "bans": rows}, indent=1).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "BanList":
        """Raises DecodeError where `raw` is no ban list."""
        bans = cls()
        try:
            document = json.loads(raw)
            if document["form"] != _FORM:
                raise DecodeError(f"ban list of another form: {document['form']!r}")
            for row in document["bans"][:BANS_MAX]:
                subject, reason = str(row["subject"]), str(row["reason"])
                created, until = Micros(int(row["created"])), Micros(int(row["until"]))
                # Lists of earlier versions do not tell: there a person's bans have this reason.
                by_operator = bool(row.get("by_operator", reason == "by the operator"))
                bans.add(Ban(subject, created, until, reason, by_operator))
        except (ValueError, KeyError, TypeError) as error:
            raise DecodeError(f"damaged ban list: {error}") from error
        return bans


def _wide_network(subject: str) -> IpNetwork | None:
    try:
        network = ipaddress.ip_network(subject)
    except ValueError:
        return None
    return network if network.num_addresses > 1 else None
