"""What a member asks its indexes for, and how often."""

from dataclasses import replace

from tests.unit.overlay.index.members import T0, peer

from minicoin.core.effects import Send
from minicoin.core.overlay.contract import LedgerView, OverlaySetup
from minicoin.core.overlay.index.repair import ENOUGH_MEMBERS, PERIOD_US, SHORT_PERIOD_US, IndexRepair
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

SETUP = replace(OverlaySetup(Rng(b"repair"), 8, 2), ledger=LedgerView(lambda: 0, lambda count: (bytes(32),)[:count]))
BOTH = (Pull, Pulled)


def asked(repair, members, rounds):
    """Whom it asks in so many rounds, and the mean time between two."""
    found, began = [], repair.next_at
    for _ in range(rounds):
        now = repair.next_at
        found += [effect.conn for effect in repair.on_deadline((1, 2, 3), members, now) if isinstance(effect, Send)]
    return found, (repair.next_at - began) / rounds


def test_one_of_the_indexes_that_answer_is_asked_each_time_and_more_often_where_members_are_few():
    repair = IndexRepair(SETUP)
    for conn in (1, 2):
        repair.on_offer(conn, BOTH)
    repair.on_offer(3, (Pull,))
    assert repair.next_at is None
    repair.start(T0)
    first = repair.next_at
    repair.start(Micros(T0 + 1))
    assert repair.next_at == first and T0 < first <= T0 + SHORT_PERIOD_US * 5 // 4
    assert repair.on_deadline((1, 2, 3), 0, Micros(first - 1)) == []
    conns, every_us = asked(repair, ENOUGH_MEMBERS - 1, 40)
    assert set(conns) == {1, 2} and len(conns) == 40 and 0.8 < every_us / SHORT_PERIOD_US < 1.2
    _, every_us = asked(repair, ENOUGH_MEMBERS, 40)
    assert 0.8 < every_us / PERIOD_US < 1.2


def test_where_no_index_is_there_nobody_is_asked_until_one_is():
    repair = IndexRepair(SETUP)
    repair.on_offer(1, BOTH)
    repair.start(T0)
    repair.on_closed(1)
    assert repair.on_deadline((), 0, repair.next_at) == [] and repair.next_at is None
    repair.on_offer(2, BOTH)
    repair.start(T0)
    (effect,) = repair.on_deadline((2,), 0, repair.next_at)
    assert effect.conn == 2


def test_whoever_offered_it_is_answered_and_nobody_else():
    repair = IndexRepair(SETUP)
    pull = Pull(7, bytes(32), 0)
    assert repair.take_pull(peer(5), pull, T0) == ()
    repair.on_offer(5, BOTH)
    (effect,) = repair.take_pull(peer(5), pull, T0)
    assert effect == Send(5, Pulled(7, has_more=False, until=0))
