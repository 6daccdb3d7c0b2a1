"""Pulling: differences, pages, and nothing for who asks too often."""

import pytest
from tests.unit.overlay.gossip.made import T0, TIP, ledger, peer

from minicoin.core.effects import Send
from minicoin.core.limits import (
    OVERLAY_QUESTIONS_BURST,
    PULL_ANSWER_US,
    PULL_BLOCKS,
    PULL_TRANSACTIONS_MAX,
)
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.overlay.repair.pulls import Pulls
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import Inv, InventoryVector, InvType

BLOCKS = tuple(bytes([number]) * 32 for number in range(30, 0, -1))


def pulls(**ledger_of):
    return Pulls(ledger(**ledger_of), Rng(b"pulls"), lambda address: b"")


def pool(count):
    return [InventoryVector(InvType.WTX, number.to_bytes(32, "big")) for number in range(count)]


def told(effects):
    """The inventory of an answer, and the message that ends it."""
    *invs, end = [effect.message for effect in effects]
    assert isinstance(end, Pulled)
    return [vector for inv in invs for vector in inv.inventory], end


def test_a_round_asks_some_partners_and_says_where_we_stand():
    made = pulls()
    effects = made.begin_round([1, 2, 3, 4, 5], 3, T0)
    assert len({effect.conn for effect in effects}) == 3
    assert {(effect.message.tip, effect.message.since) for effect in effects} == {(TIP, 0)}
    assert len({effect.message.nonce for effect in effects}) == 3
    assert len(made.begin_round([1], 3, T0)) == 1
    assert made.begin_round([], 3, T0) == []


def test_who_missed_nothing_is_sent_one_short_message():
    assert told(pulls().take_pull(peer(1), Pull(9, TIP, 0), T0)) == ([], Pulled(9, False, 0))


@pytest.mark.parametrize(("tip", "count"), [(BLOCKS[1], 1), (BLOCKS[9], 9), (BLOCKS[10], 10), (bytes(32), 10)])
def test_the_last_blocks_above_a_tip_are_told_lowest_first(tip, count):
    vectors, _ = told(pulls(blocks=BLOCKS).take_pull(peer(1), Pull(9, tip, 0), T0))
    assert PULL_BLOCKS == 10
    assert [vector.hash for vector in vectors] == list(reversed(BLOCKS[:count]))
    assert {vector.type for vector in vectors} == {InvType.BLOCK}


def test_the_mempool_is_told_in_pages_that_follow_each_other():
    count = 2 * PULL_TRANSACTIONS_MAX + 7
    serving, asking = pulls(pool=pool(count)), pulls()
    heard = []
    for size, has_more in ((500, True), (500, True), (7, False), (0, False)):
        (ask,) = asking.begin_round([2], 1, T0)
        vectors, end = told(serving.take_pull(peer(1), ask.message, T0))
        assert (len(vectors), end.has_more) == (size, has_more)
        asking.take_pulled(peer(2), end, T0)
        heard += vectors
    assert heard == pool(count)
    assert asking.answers == 4


def test_who_has_a_next_page_is_asked_again():
    asking = pulls()
    for seed in range(20):
        (ask,) = asking.begin_round([2], 1, T0)
        asking.take_pulled(peer(2), Pulled(ask.message.nonce, True, seed), T0)
        assert asking.begin_round([1, 2, 3, 4, 5], 1, T0)[0].conn == 2


@pytest.mark.parametrize("fault", ["late", "another peer", "another nonce", "twice"])
def test_an_answer_that_is_none_moves_nothing(fault):
    asking = pulls()
    (ask,) = asking.begin_round([2], 1, T0)
    nonce = ask.message.nonce
    if fault == "twice":
        asking.take_pulled(peer(2), Pulled(nonce, False, 5), T0)
    conn = 3 if fault == "another peer" else 2
    now = Micros(T0 + PULL_ANSWER_US) if fault == "late" else T0
    asking.take_pulled(peer(conn), Pulled(nonce ^ (fault == "another nonce"), False, 99), now)
    (again,) = asking.begin_round([2], 1, T0)
    assert again.message.since == (5 if fault == "twice" else 0)


def test_who_asks_too_often_is_not_answered():
    made = pulls(blocks=BLOCKS)
    answers = [bool(made.take_pull(peer(1), Pull(number, TIP, 0), T0)) for number in range(2 * OVERLAY_QUESTIONS_BURST)]
    assert answers == [True] * OVERLAY_QUESTIONS_BURST + [False] * OVERLAY_QUESTIONS_BURST
    assert made.take_pull(peer(2), Pull(1, TIP, 0), T0)
    assert made.take_pull(peer(1), Pull(1, TIP, 0), Micros(T0 + SECOND_US))


def test_a_new_connection_begins_anew():
    asking = pulls()
    (ask,) = asking.begin_round([2], 1, T0)
    asking.take_pulled(peer(2), Pulled(ask.message.nonce, True, 500), T0)
    asking.forget(2)
    assert asking.begin_round([2], 1, T0)[0].message.since == 0


def test_the_answer_is_bitcoins_and_ends_with_ours():
    effects = pulls(blocks=BLOCKS, pool=pool(2)).take_pull(peer(1), Pull(9, BLOCKS[1], 1), T0)
    block = InventoryVector(InvType.BLOCK, BLOCKS[0])
    assert effects == [Send(1, Inv((block, pool(2)[1]))), Send(1, Pulled(9, False, 2))]
