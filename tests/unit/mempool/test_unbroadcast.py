"""What no peer has shown to have: when it is announced again, and what ends that."""

from minicoin.core.mempool.unbroadcast import Unbroadcast
from minicoin.core.primitives.transaction import Txid
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, Micros

ONE, TWO = Txid(b"1" * 32), Txid(b"2" * 32)
NOW = Micros(1_000_000_000)


def test_nothing_waits_at_first() -> None:
    waiting = Unbroadcast(Rng(b"seed"))
    assert waiting.next_deadline() is None
    assert waiting.take_due(NOW) == []


def test_tried_again_after_10_to_15_minutes_oldest_first_and_again_after_that() -> None:
    waiting = Unbroadcast(Rng(b"seed"))
    waiting.add(ONE, NOW)
    due = waiting.next_deadline()
    assert due is not None and NOW + 10 * MINUTE_US <= due < NOW + 15 * MINUTE_US
    waiting.add(TWO, Micros(NOW + MINUTE_US))
    assert waiting.next_deadline() == due
    assert waiting.take_due(Micros(due - 1)) == []
    assert waiting.take_due(due) == [ONE, TWO]
    assert waiting.take_due(due) == []
    again = waiting.next_deadline()
    assert again is not None and due + 10 * MINUTE_US <= again < due + 15 * MINUTE_US


def test_the_rhythm_is_not_always_the_same() -> None:
    deadlines = dict[Micros | None, None]()
    for seed in range(5):
        waiting = Unbroadcast(Rng(bytes((seed,))))
        waiting.add(ONE, NOW)
        deadlines[waiting.next_deadline()] = None
    assert len(deadlines) == 5


def test_whoever_has_it_ends_it() -> None:
    waiting = Unbroadcast(Rng(b"seed"))
    waiting.add(ONE, NOW)
    waiting.remove(ONE)
    waiting.remove(ONE)
    assert (len(waiting), list(waiting), ONE in waiting) == (0, [], False)
    assert waiting.next_deadline() is None


def test_brought_forward() -> None:
    waiting = Unbroadcast(Rng(b"seed"))
    waiting.add(ONE, NOW)
    waiting.bring_forward(15 * MINUTE_US)
    assert waiting.take_due(NOW) == [ONE]
