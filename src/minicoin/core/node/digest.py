"""One digest of everything in a node that can be seen from outside its parts: equal states, equal bytes.

Replay and the simulator compare nodes by it. Pure, independent of hash seeds and of the order of sets; the parts are
digested one by one, so that a difference can be named. The effects a node emitted are digested elsewhere: what no part
shows here (a queue's inside, a random stream's position) shows there soon.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from struct import Struct, pack
from typing import Final

from minicoin.core.addrmgr.book import BookSnapshot
from minicoin.core.chain.headers import HeaderTreeSnapshot
from minicoin.core.connmgr.bans import Ban
from minicoin.core.connmgr.slots import SlotView
from minicoin.core.limits import DIGEST_ITEMS_MAX
from minicoin.core.mempool.outcomes import MempoolSnapshot
from minicoin.core.netsync.sync import SyncSnapshot
from minicoin.core.node.node import Node
from minicoin.core.node.recording_values import make_codec
from minicoin.core.peer.session import SessionSnapshot
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import Micros
from minicoin.core.wallet.views import WalletSnapshot

PartDigests = dict[str, bytes]
"""The digest of each part by its name, in a fixed order."""

_ENTRY: Final = Struct("<32sqqqq?")
_TREE: Final = make_codec(HeaderTreeSnapshot, {})
_SYNC: Final = make_codec(SyncSnapshot, {})
_PEER: Final = make_codec(
    tuple[int, BlockHash | None, BlockHash | None, int | None, bool, bool, int, int, tuple[tuple[BlockHash, int], ...]],
    {},
)
_MEMPOOL: Final = make_codec(MempoolSnapshot, {})
_BOOK: Final = make_codec(BookSnapshot, {})
_BANS: Final = make_codec(tuple[Ban, ...], {})
_SESSIONS: Final = make_codec(tuple[SessionSnapshot, ...], {})
_SLOTS: Final = make_codec(tuple[tuple[SlotView, ...], tuple[NodeAddress, ...], bool], {})
_WALLET: Final = make_codec(WalletSnapshot | None, {})
_REST: Final = make_codec(tuple[int | None, tuple[int | None, ...], tuple[int, ...], bytes | None, str, int], {})


def state_digest(node: Node, now: Micros) -> bytes:
    """The SHA-256 of the whole state at `now`."""
    return join_digests(part_digests(node, now))


def join_digests(parts: PartDigests) -> bytes:
    """The state's digest from those of its parts."""
    return sha256(b"".join(name.encode() + b"\0" + digest for name, digest in parts.items())).digest()


def part_digests(node: Node, now: Micros, *, is_brief: bool = False) -> PartDigests:
    """The digest of each part. A brief one looks at totals only where a table has more than DIGEST_ITEMS_MAX rows."""
    return {name: sha256(form(node, now, is_brief)).digest() for name, form in _PARTS.items()}


def _headers(node: Node, now: Micros, is_brief: bool) -> bytes:
    tree = node.parts.tree
    out = bytearray()
    _TREE.write(tree.snapshot(), out)
    is_brief = is_brief and len(tree) > DIGEST_ITEMS_MAX
    # A leaf's hash commits to all headers below it; only what is known of their blocks is left out then.
    nodes = list(tree.leaves() if is_brief else tree.nodes())
    out += b"".join([node.hash for node in nodes])
    out += bytes([node.status for node in nodes])
    out += pack(f"<{len(nodes)}Q", *[node.sequence for node in nodes])
    return bytes(out)


def _sync(node: Node, now: Micros, is_brief: bool) -> bytes:
    sync = node.parts.sync
    out = bytearray()
    _SYNC.write(sync.snapshot(now), out)
    for peer in sync.peers():
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


def _mempool(node: Node, now: Micros, is_brief: bool) -> bytes:
    mempool = node.parts.mempool
    out = bytearray()
    _MEMPOOL.write(mempool.snapshot(now), out)
    if not (is_brief and len(mempool) > DIGEST_ITEMS_MAX):
        for entry in mempool:
            out += _ENTRY.pack(
                entry.wtxid, entry.sequence, entry.modified_fee_sat, entry.time, entry.ancestor_count, entry.is_own
            )
    return bytes(out)


def _book(node: Node, now: Micros, is_brief: bool) -> bytes:
    book = node.parts.book
    out = bytearray()
    _BOOK.write(book.snapshot(), out)
    if not (is_brief and book.size > DIGEST_ITEMS_MAX):
        out += book.to_bytes()
    return bytes(out)


def _bans(node: Node, now: Micros, is_brief: bool) -> bytes:
    out = bytearray()
    _BANS.write(node.parts.connections.bans.listing(), out)
    return bytes(out)


def _sessions(node: Node, now: Micros, is_brief: bool) -> bytes:
    out = bytearray()
    _SESSIONS.write(tuple(session.snapshot() for session in node.parts.sessions.values()), out)
    return bytes(out)


def _slots(node: Node, now: Micros, is_brief: bool) -> bytes:
    connections = node.parts.connections
    out = bytearray()
    _SLOTS.write((connections.snapshot(), connections.added_nodes(), connections.is_active), out)
    return bytes(out)


def _wallet(node: Node, now: Micros, is_brief: bool) -> bytes:
    wallet = node.wallet.wallet
    out = bytearray()
    _WALLET.write(None if wallet is None else wallet.snapshot(), out)
    return bytes(out)


def _rest(node: Node, now: Micros, is_brief: bool) -> bytes:
    """Deadlines, relaying, mining: all that has no table to show."""
    parts = node.parts
    addresses = (parts.bootstrap.next_deadline(), parts.gossip.next_deadline())
    deadlines = (
        node.peers.next_deadline(),
        parts.connections.next_deadline(),
        parts.sync.next_deadline(),
        parts.relay.next_deadline(),
        parts.mempool.next_deadline(),
        min((deadline for deadline in addresses if deadline is not None), default=None),
        node.mining.next_deadline(),
        node.wallet.next_deadline(),
    )
    out = bytearray()
    relaying = tuple(parts.relay.relaying_peers())
    position = parts.rng.position
    _REST.write((node.next_deadline(), deadlines, relaying, node.mining.script_pubkey, node.failure, position), out)
    return bytes(out)


_PARTS: Final[dict[str, Callable[[Node, Micros, bool], bytes]]] = {
    "headers": _headers,
    "synchronisation": _sync,
    "mempool": _mempool,
    "address book": _book,
    "bans": _bans,
    "sessions": _sessions,
    "connections": _slots,
    "wallet": _wallet,
    "deadlines, relay and mining": _rest,
}
PART_NAMES: Final = tuple(_PARTS)


def differing(expected: PartDigests, found: PartDigests) -> Iterable[str]:
    """The names of the parts that are not equal."""
    return [name for name in expected if expected[name] != found.get(name)]
