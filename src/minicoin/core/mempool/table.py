"""The graph of unconfirmed transactions: who spends whom, with relatives' counts, sizes and fees kept current.

Knows no policy and refuses nothing but misuse. Invariants: every input that names a transaction of the table is linked
to it; parents come before children in iteration order; ancestor and descendant figures equal a fresh count.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from minicoin.core.faults import MisuseError
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.index import ScoreIndex
from minicoin.core.primitives.transaction import (
    Outpoint,
    Transaction,
    Txid,
    TxOut,
    Wtxid,
    outpoint_index,
    outpoint_txid,
)


class EntryTable:
    """All entries, their links and the orders they are read in."""

    __slots__ = (
        "_by_wtxid",
        "_entries",
        "_sequence",
        "_spenders",
        "best_first",
        "fees_sat",
        "oldest_first",
        "updates",
        "usage_bytes",
        "vbytes",
        "worst_first",
    )

    def __init__(self) -> None:
        self.updates = 0
        """How often a transaction came or went."""
        self._entries: dict[Txid, Entry] = {}
        self._by_wtxid: dict[Wtxid, Entry] = {}
        self._spenders: dict[Outpoint, Entry] = {}
        self._sequence = 0
        self.best_first = ScoreIndex()
        self.worst_first = ScoreIndex()
        self.oldest_first = ScoreIndex()
        self.usage_bytes = 0
        self.vbytes = 0
        self.fees_sat = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """In order of admission, which puts parents before children."""
        return iter(self._entries.values())

    def __reversed__(self) -> Iterator[Entry]:
        return reversed(self._entries.values())

    def __contains__(self, txid: Txid) -> bool:
        return txid in self._entries

    def __getitem__(self, txid: Txid) -> Entry:
        return self._entries[txid]

    def get(self, txid: Txid) -> Entry | None:
        return self._entries.get(txid)

    def get_by_wtxid(self, wtxid: Wtxid) -> Entry | None:
        return self._by_wtxid.get(wtxid)

    def spender(self, outpoint: Outpoint) -> Entry | None:
        """The entry that spends a coin."""
        return self._spenders.get(outpoint)

    def output(self, outpoint: Outpoint) -> TxOut | None:
        """The unconfirmed output of this name, spent or not."""
        entry = self._entries.get(outpoint_txid(outpoint))
        index = outpoint_index(outpoint)
        if entry is None or index >= len(entry.transaction.outputs):
            return None
        return entry.transaction.outputs[index]

    def parents_of(self, transaction: Transaction) -> dict[Txid, Entry]:
        """The entries whose outputs a transaction spends, by input order."""
        found: dict[Txid, Entry] = {}
        for entry_input in transaction.inputs:
            parent = self._entries.get(outpoint_txid(entry_input.outpoint))
            if parent is not None:
                found[parent.txid] = parent
        return found

    def conflicts_of(self, transaction: Transaction) -> dict[Txid, Entry]:
        """The entries that spend a coin the transaction spends too, by input order."""
        found: dict[Txid, Entry] = {}
        for entry_input in transaction.inputs:
            rival = self._spenders.get(entry_input.outpoint)
            if rival is not None and rival.txid != transaction.txid:
                found[rival.txid] = rival
        return found

    @property
    def sequence(self) -> int:
        """The place of the latest entry in the order of admission, gone or not."""
        return self._sequence

    def add(self, entry: Entry) -> None:
        """Admit an entry whose parents, where unconfirmed, stand in the table and whose children do not."""
        if entry.txid in self._entries:
            raise MisuseError("transaction added twice")
        for entry_input in entry.transaction.inputs:
            if entry_input.outpoint in self._spenders:
                raise MisuseError("transaction added beside a conflicting one")
        self._sequence += 1
        self.updates += 1
        entry.sequence = self._sequence
        self._entries[entry.txid] = entry
        self._by_wtxid[entry.wtxid] = entry
        for entry_input in entry.transaction.inputs:
            self._spenders[entry_input.outpoint] = entry
        entry.parents = self.parents_of(entry.transaction)
        for parent in entry.parents.values():
            parent.children[entry.txid] = entry
        above = ancestors(entry) if entry.parents else {}
        for ancestor in above.values():
            _count_ancestor(entry, ancestor, 1)
            _count_descendant(ancestor, entry, 1)
            self._index(ancestor)
        self._index(entry)
        self.oldest_first.put(entry.txid, entry.time, entry.sequence)
        self.usage_bytes += entry.usage_bytes
        self.vbytes += entry.vsize
        self.fees_sat += entry.fee_sat

    def remove(self, entries: Sequence[Entry]) -> None:
        """Take entries out, as a block does: their children stay and lose an ancestor. Parents must come before
        children, or after all of them."""
        touched: dict[Txid, Entry] = {}
        for entry in entries:
            if self._entries.get(entry.txid) is not entry:
                raise MisuseError("transaction is not in the table")
            if entry.parents and entry.children:
                raise MisuseError("removed from the middle of a chain: its parents or its children must go first")
            for ancestor in ancestors(entry).values() if entry.parents else ():
                _count_descendant(ancestor, entry, -1)
                touched[ancestor.txid] = ancestor
            for descendant in descendants(entry).values() if entry.children else ():
                _count_ancestor(descendant, entry, -1)
                touched[descendant.txid] = descendant
            self._forget(entry)
        gone = [entry.txid for entry in entries]
        for index in (self.best_first, self.worst_first, self.oldest_first):
            index.remove(gone)
        for txid, relative in touched.items():
            if txid in self._entries:
                self._index(relative)

    def remove_with_descendants(self, roots: Iterable[Entry]) -> list[Entry]:
        """Take entries out with everything that spends them; returned parents first."""
        doomed: dict[Txid, Entry] = {}
        for root in roots:
            if root.txid in self._entries:
                doomed[root.txid] = root
                doomed.update(descendants(root))
        ordered = sorted(doomed.values(), key=lambda entry: entry.sequence)
        # Children first: then no removal has descendants to update.
        self.remove(ordered[::-1])
        return ordered

    def reprice(self, entry: Entry, delta_sat: int) -> None:
        """Change the modified fee of an entry, and its relatives' sums with it."""
        entry.modified_fee_sat += delta_sat
        entry.ancestor_fees_sat += delta_sat
        entry.descendant_fees_sat += delta_sat
        for ancestor in ancestors(entry).values():
            ancestor.descendant_fees_sat += delta_sat
            self._index(ancestor)
        for descendant in descendants(entry).values():
            descendant.ancestor_fees_sat += delta_sat
            self._index(descendant)
        self._index(entry)

    def _index(self, entry: Entry) -> None:
        self.best_first.put(entry.txid, -entry.ancestor_score, entry.sequence)
        self.worst_first.put(entry.txid, entry.descendant_score, entry.sequence)

    def _forget(self, entry: Entry) -> None:
        self.updates += 1
        for parent in entry.parents.values():
            del parent.children[entry.txid]
        for child in entry.children.values():
            del child.parents[entry.txid]
        entry.parents, entry.children = {}, {}
        del self._entries[entry.txid]
        del self._by_wtxid[entry.wtxid]
        for entry_input in entry.transaction.inputs:
            del self._spenders[entry_input.outpoint]
        self.usage_bytes -= entry.usage_bytes
        self.vbytes -= entry.vsize
        self.fees_sat -= entry.fee_sat


def ancestors(entry: Entry) -> dict[Txid, Entry]:
    """Everything unconfirmed that an entry needs, without itself, nearest first."""
    return closure(entry.parents.values(), lambda found: found.parents.values())


def descendants(entry: Entry) -> dict[Txid, Entry]:
    """Everything that needs an entry, without itself, nearest first."""
    return closure(entry.children.values(), lambda found: found.children.values())


def ancestors_of_parents(parents: dict[Txid, Entry]) -> dict[Txid, Entry]:
    """The ancestors that a transaction with these parents would have."""
    return closure(parents.values(), lambda found: found.parents.values())


def closure(start: Iterable[Entry], relatives: Callable[[Entry], Iterable[Entry]]) -> dict[Txid, Entry]:
    """Everything reachable from `start`, with it, in breadth-first order."""
    found = {entry.txid: entry for entry in start}
    frontier = list(found.values())
    while frontier:
        reached: list[Entry] = []
        for entry in frontier:
            for relative in relatives(entry):
                if relative.txid not in found:
                    found[relative.txid] = relative
                    reached.append(relative)
        frontier = reached
    return found


def _count_ancestor(entry: Entry, ancestor: Entry, sign: int) -> None:
    entry.ancestor_count += sign
    entry.ancestor_vsize += sign * ancestor.vsize
    entry.ancestor_fees_sat += sign * ancestor.modified_fee_sat
    entry.ancestor_sigop_cost += sign * ancestor.sigop_cost


def _count_descendant(entry: Entry, descendant: Entry, sign: int) -> None:
    entry.descendant_count += sign
    entry.descendant_vsize += sign * descendant.vsize
    entry.descendant_fees_sat += sign * descendant.modified_fee_sat
