"""The nodes that a registry named, as they are kept on disk: since when each is not heard of any more, and whether this
node has met it.

The document is lines of text, such as an entry: how old it is, then a line for each node. Records keep themselves
(core/records).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import REGISTRY_ADDRESSES_PER_NODE_MAX, REGISTRY_DOCUMENT_BYTES_MAX, REGISTRY_NODES_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.registry.content import read_address, split_lines, words_of

KEPT_KEY: Final = "registry"
_HEAD: Final = "minicoin kept 1"
_MET: Final = "met"
_UNMET: Final = "unmet"
_TIME_DIGITS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class KeptNode:
    """One node."""

    addresses: tuple[NodeAddress, ...]
    heard_s: int
    """When the registry named it last, in Unix seconds."""
    is_met: bool = False
    """There was a connection with it, so that it is known by more than the registry's word."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one registry."""

    heard_s: int | None
    nodes: Mapping[bytes, KeptNode]
    """By peer id."""


NOTHING_KEPT: Final = Kept(None, {})


def encode_kept(kept: Kept, network_id: bytes) -> bytes:
    """As a document."""
    lines = [_HEAD, f"network {network_id.hex()}"]
    if kept.heard_s is not None:
        lines.append(f"heard {kept.heard_s}")
    for peer, node in kept.nodes.items():
        words = [str(PeerId(peer)), str(node.heard_s), _MET if node.is_met else _UNMET]
        lines.append(" ".join(["node", *words, *map(join_address, node.addresses)]))
    return "".join(line + "\n" for line in lines).encode("ascii")


def decode_kept(raw: bytes, network_id: bytes) -> Kept:
    """Raises DecodeError that says what is wrong."""
    head, *lines = split_lines(raw, REGISTRY_DOCUMENT_BYTES_MAX)
    if head != _HEAD:
        raise DecodeError("not what is kept of a registry, or of a format that this version does not know")
    network, heard_s, nodes = "", None, dict[bytes, KeptNode]()
    for word, rest in words_of(lines):
        if word == "network":
            network = rest
        elif word == "heard":
            heard_s = _time(rest)
        elif word == "node" and len(nodes) < REGISTRY_NODES_MAX:
            peer, node = _read_node(rest.split(" "))
            nodes[peer] = node
        else:
            raise DecodeError(f"no line of it begins with {word[:20]!r}, or there are too many")
    if network != network_id.hex():
        raise DecodeError("of another network")
    return Kept(heard_s, nodes)


def _read_node(words: list[str]) -> tuple[bytes, KeptNode]:
    if len(words) < 3 or len(words) > 3 + REGISTRY_ADDRESSES_PER_NODE_MAX or words[2] not in (_MET, _UNMET):
        raise DecodeError("a node's line is damaged")
    peer = PeerId.parse(words[0]).multihash
    addresses = tuple(read_address(text, peer) for text in words[3:])
    return peer, KeptNode(addresses, _time(words[1]), words[2] == _MET)


def _time(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _TIME_DIGITS_MAX):
        raise DecodeError(f"no time: {text[:20]!r}")
    return int(text)
