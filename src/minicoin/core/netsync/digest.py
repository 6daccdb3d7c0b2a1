"""The canonical bytes of the header tree and of synchronisation: what must be equal in equal nodes."""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import pack
from typing import Final

from minicoin.core.chain.headers import HeaderTree, HeaderTreeSnapshot
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import DIGEST_ITEMS_MAX
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.primitives.block import BlockHash


@dataclass(frozen=True, slots=True)
class SyncSnapshot:
    """What getblockchaininfo and the metrics show of synchronisation."""

    in_flight: int
    wanted: int
    orphans: int
    storing: int
    is_initial: bool


_SNAPSHOT: Final = make_codec(SyncSnapshot, {})
_TREE: Final = make_codec(HeaderTreeSnapshot, {})
_PEER: Final = make_codec(
    tuple[int, BlockHash | None, BlockHash | None, int | None, bool, bool, int, int, tuple[tuple[BlockHash, int], ...]],
    {},
)


def write_digest(
    tree: HeaderTree, peers: Iterable[SyncPeer], snapshot: SyncSnapshot, *, is_brief: bool
) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Both, under the names that a difference is told by."""
    totals = bytearray()
    _SNAPSHOT.write(snapshot, totals)
    return ("headers", _write_tree(tree, is_brief=is_brief)), ("synchronisation", bytes(totals) + _write_peers(peers))


def _write_tree(tree: HeaderTree, *, is_brief: bool) -> bytes:
    """All headers, and what is known of their blocks; with `is_brief` only the leaves of a large tree."""
    out = bytearray()
    _TREE.write(tree.snapshot(), out)
    is_brief = is_brief and len(tree) > DIGEST_ITEMS_MAX
    # A leaf's hash commits to all headers below it; only what is known of their blocks is left out then.
    nodes = list(tree.leaves() if is_brief else tree.nodes())
    out += b"".join([node.hash for node in nodes])
    out += bytes([node.status for node in nodes])
    out += pack(f"<{len(nodes)}Q", *[node.sequence for node in nodes])
    return bytes(out)


def _write_peers(peers: Iterable[SyncPeer]) -> bytes:
    """What each peer showed and owes."""
    out = bytearray()
    for peer in peers:
        best, common = peer.best_known, peer.last_common
        row = (
            peer.conn,
            None if best is None else best.hash,
            None if common is None else common.hash,
            peer.headers_asked_at,
            peer.is_header_synced,
            peer.is_classic,
            len(peer.classic_wanted),
            peer.stalls,
            tuple(peer.in_flight.items()) + tuple(peer.classic_asked.items()),
        )
        _PEER.write(row, out)
    return bytes(out)
