"""What leaves the engine of a block, and which of its transactions somebody watches."""

from minicoin.core.chain.summary import find_watched, summarise
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.testing.chain_maker import ChainMaker

OURS, THEIRS = b"\x51", b"\x52"


def block():
    """A block in which one transaction takes 8 of ours and pays us 5; another takes 9 of theirs and pays them."""
    maker = ChainMaker(lookup("regtest"))
    takes = Transaction(2, (TxIn(make_outpoint(b"a" * 32, 1)),), (TxOut(5, OURS),))
    other = Transaction(2, (TxIn(make_outpoint(b"b" * 32, 0)), TxIn(make_outpoint(b"c" * 32, 7))), (TxOut(9, THEIRS),))
    return maker.next_block(maker.new_branch(), (takes, other))


SPENT = ((TxOut(8, OURS),), (TxOut(4, THEIRS), TxOut(5, THEIRS)))


def test_it_names_what_was_spent_behind_the_coinbase_in_order():
    made = block()
    summary = summarise(made, 1, len(made.raw), (), fees_sat=3)
    assert summary.hash == made.hash and (summary.height, summary.fees_sat) == (1, 3)
    assert summary.txids == tuple(one.txid for one in made.transactions)
    assert summary.spent == (make_outpoint(b"a" * 32, 1), make_outpoint(b"b" * 32, 0), make_outpoint(b"c" * 32, 7))
    assert (summary.size, summary.weight) == (len(made.raw), made.weight)


def test_who_is_paid_and_who_pays_is_found_with_what_it_spent():
    made = block()
    (found,) = find_watched(made, SPENT, frozenset({OURS}))
    assert (found.transaction, found.position, found.spent) == (made.transactions[1], 1, SPENT[0])
    # By what it spends alone as well.
    unpaid = ((TxOut(8, b"\x53"),), SPENT[1])
    (found,) = find_watched(made, unpaid, frozenset({b"\x53"}))
    assert found.position == 1


def test_the_coinbase_spends_nothing_and_may_pay():
    made = block()
    script = made.transactions[0].outputs[0].script_pubkey
    (found,) = find_watched(made, SPENT, frozenset({script}))
    assert (found.position, found.spent) == (0, ())


def test_nobody_watches_nothing():
    assert find_watched(block(), SPENT, frozenset()) == ()
    assert find_watched(block(), SPENT, frozenset({b"\x54"})) == ()
