from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.limits import VERIFICATION_CHARGES_REMEMBERED_MAX
from minicoin.core.mempool.fair_line import FairLine, Turns
from minicoin.core.primitives.transaction import Wtxid
from minicoin.core.units import ConnId


def _serve(line: FairLine, cost_of, count: int) -> list[bytes]:
    """Serve so many, one after the other; whose they were."""
    served = []
    for _ in range(count):
        wtxid = line.take()
        if wtxid is None:
            break
        group, conn = wtxid[:1], ConnId(wtxid[1])
        served.append(group)
        line.done(group, conn, cost_of(group))
    return served


def _fill(line: FairLine, group: bytes, conn: int, count: int) -> None:
    for number in range(count):
        line.add(group, ConnId(conn), Wtxid(group + bytes((conn, number))), 1)


@given(st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d"]), st.integers(1, 1_000), min_size=2))
def test_whoever_waits_all_the_time_gets_an_equal_share_of_the_time(costs) -> None:
    line = FairLine()
    for group in costs:
        _fill(line, group, 1, 200)
    spent = dict.fromkeys(costs, 0)
    for group in _serve(line, costs.__getitem__, 200):
        spent[group] += costs[group]
        # Nobody is ever ahead by more than the one verification that put him there.
        assert max(spent.values()) - min(spent.values()) <= max(costs.values())


def test_a_slow_sender_delays_a_quick_one_by_one_verification_and_no_more() -> None:
    line = FairLine()
    _fill(line, b"s", 1, 50)
    costs = {b"s": 1_200_000, b"q": 200}
    assert _serve(line, costs.__getitem__, 3) == [b"s"] * 3
    _fill(line, b"q", 1, 50)
    served = _serve(line, costs.__getitem__, 51)
    assert served.index(b"q") <= 1
    assert served.count(b"s") == 1


def test_a_group_is_served_one_at_a_time() -> None:
    line = FairLine()
    _fill(line, b"a", 1, 3)
    _fill(line, b"a", 2, 3)
    first = line.take()
    assert first is not None
    assert line.take() is None
    line.done(b"a", ConnId(first[1]), 10)
    second = line.take()
    assert second is not None and second[1] != first[1]


def test_a_slow_sender_is_not_next_whenever_the_quick_one_is_in_flight() -> None:
    line = FairLine()
    _fill(line, b"s", 1, 50)
    _serve(line, lambda group: 1_200_000, 1)
    _fill(line, b"q", 1, 50)
    _fill(line, b"r", 1, 50)
    costs = {b"s": 1_200_000, b"q": 200, b"r": 200}
    in_flight: list[Wtxid] = []
    order = []
    for _ in range(80):
        while (wtxid := line.take()) is not None:
            in_flight.append(wtxid)
        wtxid = in_flight.pop(0)
        order.append(wtxid[:1])
        line.done(wtxid[:1], ConnId(wtxid[1]), costs[wtxid[:1]])
    # The quick ones fly together; the slow one that was asked for before they came is the only one of its kind.
    assert order.count(b"s") <= 1
    assert order[-1] in (b"q", b"r")


def test_being_away_saves_up_nothing() -> None:
    line = FairLine()
    _fill(line, b"a", 1, 100)
    _serve(line, lambda group: 10, 50)
    _fill(line, b"b", 1, 100)
    served = _serve(line, lambda group: 10, 10)
    assert served.count(b"b") == 5


def test_a_charge_outlives_the_connections_and_is_worked_off_by_others() -> None:
    line = FairLine()
    _fill(line, b"a", 1, 1)
    _fill(line, b"b", 1, 150)
    # Away now, a hundred verifications of the other ahead.
    while _serve(line, lambda group: 1_000 if group == b"a" else 10, 1) != [b"a"]:
        pass
    _fill(line, b"a", 2, 30)
    served = _serve(line, lambda group: 10, 120)
    assert b"a" not in served[:90]
    assert b"a" in served


def test_what_is_remembered_is_bounded_and_the_greatest_debts_stay() -> None:
    turns: Turns[int] = Turns()
    for key in range(3 * VERIFICATION_CHARGES_REMEMBERED_MAX):
        turns.enter(key)
        turns.charge(key, 1_000_000 - key)
        turns.leave(key)
    for key in (0, 3 * VERIFICATION_CHARGES_REMEMBERED_MAX - 1, 10**9):
        turns.enter(key)
    assert turns.first([0, 10**9]) == 10**9
    assert turns.first([3 * VERIFICATION_CHARGES_REMEMBERED_MAX - 1, 0]) != 0


@given(st.lists(st.tuples(st.sampled_from("+-t"), st.integers(0, 2), st.integers(0, 2)), max_size=80))
def test_nothing_is_lost_or_served_twice(steps) -> None:
    line = FairLine()
    waiting: dict[Wtxid, tuple[bytes, ConnId]] = {}
    busy: dict[bytes, Wtxid] = {}
    for number, (step, group_number, conn_number) in enumerate(steps):
        group, conn = bytes((97 + group_number,)), ConnId(conn_number)
        if step == "+":
            wtxid = Wtxid(group + bytes((conn_number, number)))
            line.add(group, conn, wtxid, 1, is_first=bool(number % 2))
            waiting[wtxid] = (group, conn)
        elif step == "-" and waiting:
            wtxid, (group, conn) = next(iter(waiting.items()))
            assert line.remove(group, conn, wtxid)
            assert not line.remove(group, conn, wtxid)
            del waiting[wtxid]
        else:
            if len(busy) == 3 or (number % 3 == 0 and busy):
                group, wtxid = busy.popitem()
                line.done(group, ConnId(wtxid[1]), number)
            taken = line.take()
            free = [wtxid for wtxid, (owner, _) in waiting.items() if owner not in busy]
            assert (taken is None) is (not free)
            if taken is not None:
                busy[waiting.pop(taken)[0]] = taken
    for group, wtxid in busy.items():
        line.done(group, ConnId(wtxid[1]), 1)
    served = []
    while (wtxid := line.take()) is not None:
        served.append(wtxid)
        line.done(wtxid[:1], ConnId(wtxid[1]), 1)
    assert sorted(served) == sorted(waiting)
    assert line.greediest(by_weight=True) is None
