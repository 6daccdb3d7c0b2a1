"""Transactions whose parents are unknown, kept a while in case the parents arrive.

Bounded in number, per peer, in size and in time. Our own transactions are never orphans: their sender is told instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from minicoin.core.limits import (
    ORPHAN_TRANSACTION_BYTES_MAX,
    ORPHAN_TRANSACTION_EXPIRY_US,
    ORPHAN_TRANSACTIONS_MAX,
    ORPHAN_TRANSACTIONS_PER_PEER_MAX,
)
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, Wtxid, outpoint_txid
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Orphan:
    """A waiting transaction and who sent it."""

    transaction: Transaction
    source: ConnId
    expires: Micros


class OrphanPool:
    """Waiting transactions, findable by what they wait for."""

    __slots__ = ("_by_parent", "_by_source", "_orphans", "_rng")

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._orphans: dict[Wtxid, Orphan] = {}
        self._by_parent: dict[Txid, dict[Wtxid, None]] = {}
        self._by_source: dict[ConnId, dict[Wtxid, None]] = {}

    def __len__(self) -> int:
        return len(self._orphans)

    def __iter__(self) -> Iterator[Orphan]:
        """Oldest first."""
        return iter(self._orphans.values())

    def __contains__(self, wtxid: Wtxid) -> bool:
        return wtxid in self._orphans

    def waits_for(self, parent: Txid) -> bool:
        """Whether one spends a transaction of this name."""
        return parent in self._by_parent

    def add(self, transaction: Transaction, source: ConnId, now: Micros) -> bool:
        """Keep an orphan. False where it is too large or its sender has its share already."""
        wtxid = transaction.wtxid
        if wtxid in self._orphans:
            return True
        own_share = len(self._by_source.get(source, ()))
        if transaction.size > ORPHAN_TRANSACTION_BYTES_MAX or own_share >= ORPHAN_TRANSACTIONS_PER_PEER_MAX:
            return False
        if len(self._orphans) >= ORPHAN_TRANSACTIONS_MAX:
            # A random victim: an attacker cannot choose whose orphan falls out.
            self.remove(self._rng.choice(list(self._orphans)))
        expires = Micros(now + ORPHAN_TRANSACTION_EXPIRY_US)
        self._orphans[wtxid] = Orphan(transaction, source, expires)
        self._by_source.setdefault(source, {})[wtxid] = None
        for parent in _parent_txids(transaction):
            self._by_parent.setdefault(parent, {})[wtxid] = None
        return True

    def remove(self, wtxid: Wtxid) -> Orphan | None:
        """Forget one."""
        orphan = self._orphans.pop(wtxid, None)
        if orphan is None:
            return None
        _drop(self._by_source, orphan.source, wtxid)
        for parent in _parent_txids(orphan.transaction):
            _drop(self._by_parent, parent, wtxid)
        return orphan

    def take_children(self, parent: Txid) -> list[Orphan]:
        """Remove and return what waited for `parent`, oldest first."""
        waiting = list(self._by_parent.get(parent, ()))
        return [orphan for wtxid in waiting if (orphan := self.remove(wtxid)) is not None]

    def remove_spenders(self, spent: dict[Outpoint, None]) -> None:
        """Forget orphans that spend a coin a block spent: they are confirmed or conflict."""
        for wtxid, orphan in list(self._orphans.items()):
            if any(entry_input.outpoint in spent for entry_input in orphan.transaction.inputs):
                self.remove(wtxid)

    def remove_source(self, source: ConnId) -> None:
        """Forget what a closed connection sent."""
        for wtxid in list(self._by_source.get(source, ())):
            self.remove(wtxid)

    def expire(self, now: Micros) -> None:
        """Forget what waited too long."""
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            self.remove(next(iter(self._orphans)))

    def next_deadline(self) -> Micros | None:
        """When the oldest expires; arrival order is expiry order."""
        for orphan in self._orphans.values():
            return orphan.expires
        return None


def _parent_txids(transaction: Transaction) -> dict[Txid, None]:
    return {outpoint_txid(entry_input.outpoint): None for entry_input in transaction.inputs}


def _drop(index: dict[Key, dict[Wtxid, None]], key: Key, wtxid: Wtxid) -> None:
    members = index[key]
    del members[wtxid]
    if not members:
        del index[key]
