"""The graph's running figures against a naive recount, over random additions and removals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.faults import MisuseError
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.table import EntryTable
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(0, 50_000)),
        st.tuples(st.just("confirm"), st.integers(0, 40)),
        st.tuples(st.just("drop"), st.integers(0, 40)),
    ),
    min_size=10,
    max_size=50,
)


def recount(entry, relatives):
    found, frontier = {entry.txid: entry}, [entry]
    while frontier:
        for other in relatives(frontier.pop()):
            if other.txid not in found:
                found[other.txid] = other
                frontier.append(other)
    return list(found.values())


def check(table):
    entries = list(table)
    seen = set()
    for entry in entries:
        by_input = {spend.outpoint[:32] for spend in entry.transaction.inputs}
        assert set(entry.parents) == {other.txid for other in entries if other.txid in by_input}
        assert set(entry.parents) <= seen
        assert all(entry.txid in parent.children for parent in entry.parents.values())
        assert all(entry.txid in child.parents for child in entry.children.values())
        seen.add(entry.txid)
        above = recount(entry, lambda e: e.parents.values())
        below = recount(entry, lambda e: e.children.values())
        assert (entry.ancestor_count, entry.descendant_count) == (len(above), len(below))
        assert (entry.ancestor_vsize, entry.descendant_vsize) == (
            sum(e.vsize for e in above),
            sum(e.vsize for e in below),
        )
        assert entry.ancestor_fees_sat == sum(e.fee_sat for e in above)
        assert entry.descendant_fees_sat == sum(e.fee_sat for e in below)
        assert entry.ancestor_sigop_cost == sum(e.sigop_cost for e in above)
    assert list(table.best_first) == [e.txid for e in sorted(entries, key=lambda e: (-e.ancestor_score, e.sequence))]
    assert list(table.worst_first) == [e.txid for e in sorted(entries, key=lambda e: (e.descendant_score, e.sequence))]
    assert list(table.oldest_first) == [e.txid for e in sorted(entries, key=lambda e: (e.time, e.sequence))]
    assert table.usage_bytes == sum(entry.usage_bytes for entry in entries)
    assert (table.vbytes, table.fees_sat) == (sum(e.vsize for e in entries), sum(e.fee_sat for e in entries))


def build(picks, salt, table):
    """A transaction over random unspent outputs of the table, or a fresh coin."""
    free = [
        make_outpoint(entry.txid, index)
        for entry in table
        for index in range(3)
        if table.spender(make_outpoint(entry.txid, index)) is None
    ]
    chosen = {free[pick % len(free)]: None for pick in picks[1:]} if free else {}
    if picks[0] % 3 == 0 or not chosen:
        chosen[make_outpoint(sha256d(b"fresh%d" % salt), 0)] = None
    return Transaction(2, tuple(TxIn(name) for name in chosen), tuple(TxOut(1, b"") for _ in range(3)), salt)


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_figures_equal_a_recount(steps):
    table = EntryTable()
    for salt, step in enumerate(steps):
        entries = list(table)
        if step[0] == "add":
            transaction = build(step[1], salt, table)
            entry = Entry(
                transaction, fee_sat=step[2], vsize=transaction.vsize, sigop_cost=step[2] % 7, time=salt, height=1
            )
            table.add(entry)
        elif entries and step[0] == "drop":
            root = entries[step[1] % len(entries)]
            expected = {entry.txid for entry in recount(root, lambda e: e.children.values())}
            assert {entry.txid for entry in table.remove_with_descendants([root])} == expected
        elif entries:
            roots = [entry for entry in entries if not entry.parents]
            root = roots[step[1] % len(roots)]
            # With it those of its children that need nothing else, as one block confirms them.
            table.remove([root, *(child for child in root.children.values() if len(child.parents) == 1)])
        check(table)


def test_refuses_what_would_break_it(world):
    first = world.spend([world.coin()])
    world.accept(first)
    table = world.pool.table
    entry = world.entry(first)
    with pytest.raises(MisuseError):
        table.add(entry)
    rival = world.spend([first.inputs[0].outpoint], fee=5)
    with pytest.raises(MisuseError):
        table.add(Entry(rival, fee_sat=5, vsize=rival.vsize, sigop_cost=0, time=0, height=0))
    middle = world.spend([world.out(first)])
    world.accept(middle)
    world.accept(world.spend([world.out(middle)]))
    with pytest.raises(MisuseError):
        table.remove([world.entry(middle)])
