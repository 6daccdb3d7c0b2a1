"""Whom to be connected to: of each bucket that is not empty so many contacts as an item is given to, and the nearest.

1. The choice within a bucket is random and stays as long as it holds: a neighbour is not left for another because of
   what others say. The nearest change as nearer ones are heard of. So nothing is chosen anew but where somebody came or
   left who counts: each answer names many, most of them again.
2. Only choices count, not who connected to us, since that is others' choice: one operator with many identities must not
   be all that we are connected to.
3. Who was only heard of (named in an answer) may be chosen where the table's bucket has nobody left: being connected is
   how it proves itself. Of each bucket KAD_HEARD_PER_BUCKET_MAX are remembered.
4. A choice whose dial failed, or that is not connected after KAD_NEIGHBOUR_PATIENCE_US, is silent, and another is
   chosen. Where all of a bucket are silent one of them is wanted all the same: it may have been our own line that was
   down, or half of the network that was away. connmgr dials it less and less often.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final

from minicoin.core.limits import (
    KAD_HEARD_PER_BUCKET_MAX,
    KAD_NEAREST,
    KAD_NEIGHBOUR_PATIENCE_US,
    KAD_NEIGHBOURS_MAX,
)
from minicoin.core.overlay.kademlia.keyspace import KEY_BITS, Contact, bucket_of
from minicoin.core.overlay.kademlia.links import KadLinks
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

_EVERYWHERE: Final = 1 << KEY_BITS


@dataclass(slots=True)
class _Choice:
    contact: Contact
    bucket: int
    since: Micros
    """Since when it is to be connected."""


class KadNeighbours:
    """The neighbours of one node."""

    __slots__ = (
        "_chosen",
        "_full",
        "_heard",
        "_links",
        "_own",
        "_per_bucket",
        "_radius",
        "_rng",
        "_table",
        "has_changed",
    )

    def __init__(self, own: int, table: RoutingTable, links: KadLinks, per_bucket: int, rng: Rng) -> None:
        self._own = own
        self._table = table
        self._links = links
        self._per_bucket = per_bucket
        self._rng = rng
        self._chosen: dict[bytes, _Choice] = {}
        self._heard: dict[int, dict[bytes, Contact]] = {}
        self._radius = _EVERYWHERE
        """Who is farther away than this is none of the nearest."""
        self._full: dict[int, None] = {}
        """The buckets that enough are chosen of."""
        self.has_changed = True
        """Another choice may have to be made."""
        table.tell = self._note

    def __contains__(self, peer_id: bytes) -> bool:
        return peer_id in self._chosen

    def contacts(self) -> list[Contact]:
        return [choice.contact for choice in self._chosen.values()]

    def hear_of(self, contacts: Iterable[Contact]) -> None:
        """Somebody named these."""
        for contact in contacts:
            index = bucket_of(self._own, contact.key)
            if index < 0 or contact in self._table:
                continue
            heard = self._heard.setdefault(index, {})
            if heard.pop(contact.peer_id, None) is None:
                self._note(index, contact)
            heard[contact.peer_id] = contact
            if len(heard) > KAD_HEARD_PER_BUCKET_MAX:
                oldest = next(iter(heard))
                del heard[oldest]
                self.has_changed = self.has_changed or oldest in self._chosen

    def _note(self, index: int, contact: Contact) -> None:
        """Somebody of that bucket came or left: of those that are not chosen it counts for one of the nearest, and
        where there are not enough."""
        if index not in self._full or contact.key ^ self._own <= self._radius:
            self.has_changed = True

    def forget(self, contact: Contact) -> None:
        """It is silent, or no server: nobody to be connected to."""
        self.has_changed = True
        self._chosen.pop(contact.peer_id, None)
        heard = self._heard.get(bucket_of(self._own, contact.key))
        if heard is not None:
            heard.pop(contact.peer_id, None)

    def has_heard(self, index: int) -> bool:
        """Whether anybody of this bucket was heard of."""
        return bool(self._table.bucket(index) or self._heard.get(index))

    def find(self, key: int, peer_id: bytes) -> Contact | None:
        """A peer that stands in the table or was heard of."""
        heard = self._heard.get(bucket_of(self._own, key), {})
        return self._table.get(key, peer_id) or heard.get(peer_id)

    def on_closed(self, peer_id: bytes, now: Micros) -> Micros | None:
        """The connection with it ended: it is to be connected again, by the time that this says."""
        choice = self._chosen.get(peer_id)
        if choice is None:
            return None
        choice.since = now
        return Micros(now + KAD_NEIGHBOUR_PATIENCE_US)

    def take_silent(self, now: Micros) -> list[Contact]:
        """Those that should have been connected by now, and are chosen no more."""
        late = [
            choice.contact
            for choice in self._chosen.values()
            if choice.since + KAD_NEIGHBOUR_PATIENCE_US <= now and self._links.to(choice.contact.peer_id) is None
        ]
        for contact in late:
            self.forget(contact)
        return late

    def choose(self, now: Micros) -> None:
        """Fill up, and give up who is one of the nearest no more."""
        if not self.has_changed:
            return
        self.has_changed = False
        before: dict[int, list[_Choice]] = {}
        for choice in self._chosen.values():
            before.setdefault(choice.bucket, []).append(choice)
        indexes = dict.fromkeys([index for index, _ in self._table.sizes()])
        indexes |= dict.fromkeys([index for index, heard in self._heard.items() if heard])
        order = sorted(indexes, reverse=True)
        chosen: dict[bytes, _Choice] = {}
        self._full = {}
        for index in order:
            filled = self._filled(index, before.get(index, [])[: self._per_bucket], now)
            chosen |= {choice.contact.peer_id: choice for choice in filled}
            if len(filled) == self._per_bucket:
                self._full[index] = None
        nearest = self._nearest(reversed(order))
        for contact in nearest:
            choice = self._chosen.get(contact.peer_id) or _Choice(contact, bucket_of(self._own, contact.key), now)
            chosen.setdefault(contact.peer_id, choice)
        self._radius = nearest[-1].key ^ self._own if len(nearest) == KAD_NEAREST else _EVERYWHERE
        self._chosen = dict(list(chosen.items())[:KAD_NEIGHBOURS_MAX])

    def next_deadline(self) -> Micros | None:
        """When the patience with somebody ends."""
        waiting = [choice for choice in self._chosen.values() if self._links.to(choice.contact.peer_id) is None]
        if not waiting:
            return None
        return Micros(min(choice.since for choice in waiting) + KAD_NEIGHBOUR_PATIENCE_US)

    # --- inside ---

    def _filled(self, index: int, kept: list[_Choice], now: Micros) -> list[_Choice]:
        """With so many of that bucket as are missing, first of those that are surest to be there."""
        if len(kept) == self._per_bucket:
            return kept
        sources = (self._table.bucket(index), tuple(self._heard.get(index, {}).values()), self._table.silent(index))
        for place, source in enumerate(sources):
            missing = self._per_bucket - len(kept)
            if missing <= 0 or (kept and place == 2):
                break
            taken = {choice.contact.peer_id for choice in kept}
            others = [contact for contact in source if contact.peer_id not in taken]
            kept += [_Choice(contact, index, now) for contact in self._rng.sample(others, missing)]
        return kept

    def _nearest(self, indexes: Iterable[int]) -> list[Contact]:
        """The nearest first, of the table and of those heard of; they lie in the lowest of these buckets, which come
        first."""
        found = {contact.peer_id: contact for contact in self._table.closest(self._own, KAD_NEAREST)}
        count = 0
        for index in indexes:
            if count >= KAD_NEAREST:
                break
            heard = self._heard.get(index, {})
            found |= heard
            count += len(heard)
        return nsmallest(KAD_NEAREST, found.values(), key=lambda contact: contact.key ^ self._own)
