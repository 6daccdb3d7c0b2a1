"""How an item travels over the buckets (Kadcast: Rohrer and Tschorsch, AFT 2019).

1. Whoever sends an item on is answerable for the part of the key space below a height: its maker for all of it. To each
   bucket below the height it picks beta contacts at random, and gives each the bucket's index for a height: that is the
   part of the space that contact shares and the sender does not. So with beta = 1 each node is sent an item once.
2. The height goes ahead of the item, on the same connection. It is the height that came first which counts, or that of
   whoever brought the item, where it is greater: an item that was announced by several may be fetched from any of them,
   and nobody makes us answerable for less by a word that comes early. One who brings an item with too little keeps it
   from a part of the space, as one does who sends nothing; beta and the repair are the answer to both. One who says too
   much costs each contact of ours one announcement an item.
3. With beta = 1 a block is sent whole, since nobody else will send it. With more contacts a bucket it is announced by
   hash: each node hears of it several times and takes it once.
4. An item that came without a height, by a repair or from a peer of another model, is announced below the full height:
   most have it, and whoever has not is answerable for its part from then on.
5. Clients stand in no tree: each server that a client is connected to tells it of all, and it passes on only what is
   its own. So with peers of another model, who do pass on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from minicoin.core.limits import KAD_ITEMS_HEARD_MAX
from minicoin.core.overlay.contract import Item, ItemKind, Spread, SpreadBy
from minicoin.core.overlay.kademlia.keyspace import KEY_BITS
from minicoin.core.overlay.kademlia.links import KadLink, KadLinks
from minicoin.core.overlay.kademlia.messages import KadCast
from minicoin.core.part import PeerView
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId

# Before Python 3.12, looking up a member of an enum is slow.
_ANNOUNCE: Final = SpreadBy.ANNOUNCE
_PUSH: Final = SpreadBy.PUSH
_TRANSACTION: Final = ItemKind.TRANSACTION


@dataclass(frozen=True, slots=True)
class Delegate:
    """A connection that an item goes to, and the height below which its peer is answerable for it."""

    conn: ConnId
    height: int


def choose_delegates(buckets: Mapping[int, Sequence[ConnId]], height: int, beta: int, rng: Rng) -> list[Delegate]:
    """Of each bucket below the height, so many at random; the farthest, which has most to do, first."""
    chosen: list[Delegate] = []
    for index in sorted((index for index in buckets if index < height), reverse=True):
        contacts = buckets[index]
        if beta == 1:
            chosen.append(Delegate(rng.choice(contacts), index))
        else:
            chosen += [Delegate(conn, index) for conn in rng.sample(contacts, beta)]
    return chosen


class Tree:
    """The tree as one node sees it: its own contacts."""

    __slots__ = ("_beta", "_first", "_links", "_rng", "casts")

    def __init__(self, links: KadLinks, beta: int, rng: Rng) -> None:
        self._links = links
        self._beta = beta
        self._rng = rng
        self._first: dict[bytes, int] = {}
        self.casts = 0
        """How many times we were made answerable for an item."""

    def hear(self, link: KadLink, item: bytes, height: int) -> None:
        """The peer says how far we are answerable for what it is about to bring."""
        self.casts += 1
        link.note_height(item, height)
        self._first.setdefault(item, height)
        if len(self._first) > KAD_ITEMS_HEARD_MAX:
            del self._first[next(iter(self._first))]

    def spread(self, item: Item, peers: tuple[PeerView, ...], *, is_client: bool) -> tuple[Spread, ...]:
        """Whom of these peers an item goes to, and how."""
        height = self._height_of(item)
        if is_client and item.origin is not None:
            height = 0
        is_transaction = item.kind is _TRANSACTION
        buckets: dict[int, list[ConnId]] = {}
        spread: list[Spread] = []
        for peer in peers:
            if peer.conn == item.origin or (is_transaction and not peer.takes_transactions):
                continue
            link = self._links.get(peer.conn)
            if link is not None and link.is_server:
                buckets.setdefault(link.bucket, []).append(peer.conn)
            elif not is_client or item.origin is None:
                spread.append(Spread(peer.conn, _ANNOUNCE))
        by = _PUSH if self._beta == 1 and height is not None else _ANNOUNCE
        below = KEY_BITS if height is None else height
        for one in choose_delegates(buckets, below, self._beta, self._rng):
            spread.append(Spread(one.conn, by, KadCast(item.hash, one.height)))
        return tuple(spread)

    def _height_of(self, item: Item) -> int | None:
        """Below which we are answerable for it; None where nobody said."""
        if item.origin is None:
            return KEY_BITS
        link = self._links.get(item.origin)
        brought = None if link is None else link.height_of(item.hash)
        first = self._first.get(item.hash)
        return first if brought is None else max(brought, first or 0)
