"""Transactions whose parents are unknown, kept in case the parents arrive, with the peers that have them.

The rules are Bitcoin Core's since its version 30. A transaction that spends what does not exist looks the same as one
whose parents are still on their way, so what is kept is bounded:

1. Each peer that brought any has room for one of the largest standard transactions; all rooms together bound the weight
   of what is kept. Together they also bound its points: one for each peer that has an orphan, and one for each ten
   inputs of it, for that is what a block or a parent has to look at.
2. Whoever needs less than its part of both loses nothing, whatever others send. Where a bound is exceeded, the peer
   that is furthest above its part loses what it announced longest ago.
3. Whoever announces an orphan has it, too: it is kept until the last of them is gone or lost it, so a stranger that
   sends it first and leaves cannot make us forget it.
4. Nothing expires: a block that confirms or contradicts it, its parents, or those bounds make it go.

Our own transactions are never orphans: their sender is told instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from minicoin.core.limits import (
    ORPHAN_INPUTS_PER_POINT,
    ORPHAN_POINTS_MAX,
    ORPHAN_WEIGHT_MAX,
    ORPHAN_WEIGHT_PER_PEER,
)
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, Wtxid, outpoint_txid
from minicoin.core.units import ConnId

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Orphan:
    """A waiting transaction, which of its parents were unknown when it came, and who has it, its sender first."""

    transaction: Transaction
    missing: tuple[Txid, ...]
    sources: tuple[ConnId, ...]


@dataclass(slots=True)
class _Kept:
    """One of them, here."""

    transaction: Transaction
    missing: tuple[Txid, ...]
    sources: dict[ConnId, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Share:
    """What one peer has, in the order it announced it."""

    wtxids: dict[Wtxid, None] = field(default_factory=dict)
    weight: int = 0
    points: int = 0


class OrphanPool:
    """Waiting transactions, findable by what they wait for."""

    __slots__ = ("_by_parent", "_by_source", "_orphans", "_points", "_weight")

    def __init__(self) -> None:
        self._orphans: dict[Wtxid, _Kept] = {}
        self._by_parent: dict[Txid, dict[Wtxid, None]] = {}
        self._by_source: dict[ConnId, _Share] = {}
        self._weight = 0
        self._points = 0

    def __len__(self) -> int:
        return len(self._orphans)

    def __iter__(self) -> Iterator[Orphan]:
        """Oldest first."""
        return map(_view, self._orphans.values())

    def __contains__(self, wtxid: Wtxid) -> bool:
        return wtxid in self._orphans

    @property
    def weight(self) -> int:
        """Of all that is kept."""
        return self._weight

    @property
    def points(self) -> int:
        """Of all that is kept."""
        return self._points

    def waits_for(self, parent: Txid) -> bool:
        """Whether one spends a transaction of this name."""
        return parent in self._by_parent

    def add(self, transaction: Transaction, missing: tuple[Txid, ...], source: ConnId) -> bool:
        """Keep an orphan. False where it is too large, or takes more than its sender's part while room is short."""
        wtxid = transaction.wtxid
        if wtxid not in self._orphans:
            if transaction.weight > ORPHAN_WEIGHT_MAX:
                return False
            self._orphans[wtxid] = _Kept(transaction, missing)
            self._weight += transaction.weight
            self._points += _input_points(transaction)
            for parent in _parent_txids(transaction):
                self._by_parent.setdefault(parent, {})[wtxid] = None
        self.announce(wtxid, source)
        return wtxid in self._orphans

    def announce(self, wtxid: Wtxid, source: ConnId) -> tuple[Txid, ...]:
        """One more peer has it. Gives what it waits for where that is news, nothing where there is no such orphan."""
        kept = self._orphans.get(wtxid)
        if kept is None or source in kept.sources:
            return ()
        kept.sources[source] = None
        share = self._by_source.setdefault(source, _Share())
        share.wtxids[wtxid] = None
        share.weight += kept.transaction.weight
        share.points += 1 + _input_points(kept.transaction)
        self._points += 1
        self._trim()
        return kept.missing

    def remove(self, wtxid: Wtxid) -> None:
        """Forget one. What others keep may be too much then, for there may be fewer peers that have any."""
        if wtxid in self._orphans:
            self._remove(wtxid)
            self._trim()

    def children_of(self, parent: Txid) -> list[Orphan]:
        """What waits for `parent`, oldest first."""
        return [_view(self._orphans[wtxid]) for wtxid in self._by_parent.get(parent, ())]

    def remove_spenders(self, spent: dict[Outpoint, None]) -> None:
        """Forget orphans that spend a coin a block spent: they are confirmed or conflict."""
        for wtxid, kept in list(self._orphans.items()):
            if any(spend.outpoint in spent for spend in kept.transaction.inputs):
                self._remove(wtxid)
        self._trim()

    def remove_source(self, source: ConnId) -> None:
        """A connection is closed: what nobody else has goes with it."""
        share = self._by_source.get(source)
        for wtxid in list(share.wtxids if share is not None else ()):
            self._lose(wtxid, source)
        self._trim()

    def _remove(self, wtxid: Wtxid) -> None:
        for source in tuple(self._orphans[wtxid].sources):
            self._lose(wtxid, source)

    def _lose(self, wtxid: Wtxid, source: ConnId) -> None:
        """This peer has it no more; without the last of them it is gone."""
        kept, share = self._orphans[wtxid], self._by_source[source]
        transaction = kept.transaction
        del kept.sources[source], share.wtxids[wtxid]
        share.weight -= transaction.weight
        share.points -= 1 + _input_points(transaction)
        self._points -= 1
        if not share.wtxids:
            del self._by_source[source]
        if kept.sources:
            return
        del self._orphans[wtxid]
        self._weight -= transaction.weight
        self._points -= _input_points(transaction)
        for parent in _parent_txids(transaction):
            _drop(self._by_parent, parent, wtxid)

    def _trim(self) -> None:
        peers = len(self._by_source)
        if not self._is_over(peers):
            return
        points_each = max(ORPHAN_POINTS_MAX // peers, 1)

        def excess(conn: ConnId) -> tuple[int, ConnId]:
            # Parts of what is its own, over one denominator. Of two alike the newer peer loses.
            share = self._by_source[conn]
            return max(share.points * ORPHAN_WEIGHT_PER_PEER, share.weight * points_each), conn

        while self._is_over(peers):
            worst = max(self._by_source, key=excess)
            self._lose(next(iter(self._by_source[worst].wtxids)), worst)

    def _is_over(self, peers: int) -> bool:
        return self._points > ORPHAN_POINTS_MAX or self._weight > ORPHAN_WEIGHT_PER_PEER * peers


def _view(kept: _Kept) -> Orphan:
    return Orphan(kept.transaction, kept.missing, tuple(kept.sources))


def _input_points(transaction: Transaction) -> int:
    return len(transaction.inputs) // ORPHAN_INPUTS_PER_POINT


def _parent_txids(transaction: Transaction) -> dict[Txid, None]:
    return {outpoint_txid(spend.outpoint): None for spend in transaction.inputs}


def _drop(index: dict[Key, dict[Wtxid, None]], key: Key, wtxid: Wtxid) -> None:
    members = index[key]
    del members[wtxid]
    if not members:
        del index[key]
