"""One transaction as the mempool sees it: its price alone, as an ancestor's, and as a descendant's."""

import pytest

from minicoin.core.mempool.entry import Entry
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint

TX = Transaction(2, (TxIn(make_outpoint(b"\x01" * 32, 0)),), (TxOut(5, b"\x51"),))


def entry(fee_sat: int = 1_000, vsize: int = 200, fee_delta_sat: int = 0) -> Entry:
    return Entry(TX, fee_sat=fee_sat, vsize=vsize, sigop_cost=3, time=7, height=9, fee_delta_sat=fee_delta_sat)


def test_alone_all_figures_are_its_own() -> None:
    made = entry()
    assert (made.ancestor_count, made.descendant_count) == (1, 1)
    assert (made.ancestor_vsize, made.descendant_vsize, made.ancestor_sigop_cost) == (200, 200, 3)
    assert made.feerate == 5_000
    assert made.ancestor_score == made.descendant_score == 5.0


def test_a_miner_earns_no_more_by_a_rich_ancestor_and_loses_no_less_by_a_poor_child() -> None:
    made = entry()
    made.ancestor_fees_sat, made.ancestor_vsize = 100_000, 400
    assert made.ancestor_score == 5.0
    made.ancestor_fees_sat = 1_200
    assert made.ancestor_score == 3.0
    made.descendant_fees_sat, made.descendant_vsize = 1_200, 400
    assert made.descendant_score == 5.0
    made.descendant_fees_sat = 4_000
    assert made.descendant_score == 10.0


def test_what_the_operator_adds_counts_and_is_not_what_it_pays() -> None:
    made = entry(fee_delta_sat=500)
    assert (made.fee_sat, made.modified_fee_sat, made.feerate) == (1_000, 1_500, 5_000)
    assert made.ancestor_score == 7.5


def test_alone_again_it_is_as_it_came() -> None:
    made = entry(fee_delta_sat=500)
    made.ancestor_count, made.ancestor_fees_sat, made.parents = 5, 9, {TX.txid: made}
    again = made.alone()
    assert (again.ancestor_count, again.ancestor_fees_sat, again.parents) == (1, 1_500, {})
    assert (again.time, again.height, again.sigop_cost) == (7, 9, 3)


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 1), (1, 2)])
def test_memory_grows_with_every_part(inputs: int, outputs: int) -> None:
    larger = Transaction(2, TX.inputs * inputs, TX.outputs * outputs)
    made = Entry(larger, fee_sat=0, vsize=1, sigop_cost=0, time=0, height=0)
    assert made.usage_bytes > entry().usage_bytes > TX.size
