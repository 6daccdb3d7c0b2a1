"""Chooses the transactions of a block: best ancestor packages first, parents before children.

The greedy rule of Bitcoin Core's block assembler: take the package (an entry with all it still needs) that pays most
per virtual byte, then look again at what depends on it with that part paid.
"""

import heapq
from collections.abc import Iterator

from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.policy import fee_at
from minicoin.core.mempool.table import EntryTable, ancestors, descendants
from minicoin.core.primitives.transaction import Txid

# Packages in a row that did not fit an almost full block before the search ends.
_FAILURES_MAX = 1_000
_ALMOST_FULL_WEIGHT = 4_000


class _Remainder:
    """What an entry still needs once part of its ancestors is chosen."""

    __slots__ = ("fees_sat", "vsize")

    def __init__(self, entry: Entry) -> None:
        self.vsize = entry.ancestor_vsize
        self.fees_sat = entry.ancestor_fees_sat

    def score(self, entry: Entry) -> float:
        return min(self.fees_sat / self.vsize, entry.modified_fee_sat / entry.vsize)


class _Ranking:
    """Entries by what is left of their packages: the table's order, overruled where a part is chosen already."""

    def __init__(self, table: EntryTable) -> None:
        self._table = table
        self._untouched: Iterator[Txid] = iter(table.best_first)
        self._head: Entry | None = None
        self._remainders: dict[Txid, _Remainder] = {}
        self._heap: list[tuple[float, int, Txid]] = []
        self.chosen: dict[Txid, Entry] = {}

    def next(self) -> Entry | None:
        """The best entry not looked at since its package last changed."""
        self._advance()
        while self._heap:
            score, _, txid = self._heap[0]
            entry = self._table.get(txid)
            if entry is None or txid in self.chosen or -score != self._remainders[txid].score(entry):
                heapq.heappop(self._heap)
                continue
            if self._head is not None and self._head.ancestor_score >= -score:
                break
            heapq.heappop(self._heap)
            return entry
        found, self._head = self._head, None
        return found

    def choose(self, package: list[Entry]) -> None:
        """Mark a package chosen and lighten what depends on it."""
        for entry in package:
            self.chosen[entry.txid] = entry
        lightened: dict[Txid, Entry] = {}
        for entry in package:
            if not entry.children:
                continue
            for txid, dependent in descendants(entry).items():
                if txid not in self.chosen:
                    remainder = self._remainders.setdefault(txid, _Remainder(dependent))
                    remainder.vsize -= entry.vsize
                    remainder.fees_sat -= entry.modified_fee_sat
                    lightened[txid] = dependent
        for txid, dependent in lightened.items():
            heapq.heappush(self._heap, (-self._remainders[txid].score(dependent), dependent.sequence, txid))

    def _advance(self) -> None:
        if self._head is not None and (self._head.txid in self.chosen or self._head.txid in self._remainders):
            self._head = None
        while self._head is None:
            txid = next(self._untouched, None)
            if txid is None:
                return
            if txid not in self.chosen and txid not in self._remainders:
                self._head = self._table.get(txid)


def select_packages(table: EntryTable, weight_max: int, sigop_cost_max: int, min_feerate: int = 0) -> list[Entry]:
    """Entries for a block within both limits, parents before children; none of a package that pays less than
    `min_feerate`. Does not change the table."""
    ranking = _Ranking(table)
    weight = sigop_cost = failures = 0
    while (entry := ranking.next()) is not None:
        package = _package(entry, ranking.chosen)
        fees, vsize = sum(one.modified_fee_sat for one in package), sum(one.vsize for one in package)
        if fees < fee_at(min_feerate, vsize):
            # The ranking goes down: the rest pays no more.
            break
        package_weight, package_sigops = entry.weight, entry.sigop_cost
        if len(package) > 1:
            package_weight = sum(member.weight for member in package)
            package_sigops = sum(member.sigop_cost for member in package)
        if weight + package_weight > weight_max or sigop_cost + package_sigops > sigop_cost_max:
            failures += 1
            if failures > _FAILURES_MAX and weight > weight_max - _ALMOST_FULL_WEIGHT:
                break
            continue
        failures = 0
        ranking.choose(package)
        weight += package_weight
        sigop_cost += package_sigops
    return list(ranking.chosen.values())


def _package(entry: Entry, chosen: dict[Txid, Entry]) -> list[Entry]:
    """An entry behind those of its ancestors that are not chosen yet."""
    if not entry.parents:
        return [entry]
    needed = [found for txid, found in ancestors(entry).items() if txid not in chosen]
    needed.append(entry)
    return sorted(needed, key=lambda member: member.sequence)
