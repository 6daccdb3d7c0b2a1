import pytest

from minicoin.core.limits import RPC_ANSWER_S, RPC_BODY_S, RPC_CONNECTIONS_MAX, RPC_HEAD_S
from minicoin.rpc.connections import RpcConnection, RpcConnections, Stage


class _House:
    """A full or not so full house; remembers who had to leave."""

    def __init__(self) -> None:
        self.table = RpcConnections()
        self.closed: list[RpcConnection] = []

    def open(self, now_s: float, *, trusted: bool = False, stage: Stage = Stage.HEAD) -> RpcConnection:
        made = RpcConnection(lambda: self.closed.append(made), now_s, stage, trusted)
        self.table.add(made)
        return made


def test_silent_strangers_give_way_to_every_newcomer() -> None:
    house = _House()
    silent = [house.open(0) for _ in range(RPC_CONNECTIONS_MAX)]
    newcomers = [house.open(1) for _ in range(3)]
    assert house.closed == silent[:3]
    assert not any(newcomer in house.closed for newcomer in newcomers)
    assert len(house.table) == RPC_CONNECTIONS_MAX


def test_whoever_has_shown_a_password_stays_while_there_are_strangers() -> None:
    house = _House()
    ours = house.open(0, trusted=True, stage=Stage.IDLE)
    strangers = [house.open(1, stage=Stage.BODY) for _ in range(RPC_CONNECTIONS_MAX)]
    assert house.closed == strangers[:1]
    house.open(2)
    assert house.closed == strangers[:2]
    assert ours not in house.closed


def test_among_ours_the_longest_idle_leaves_and_no_call_is_cut_off() -> None:
    house = _House()
    calls = [house.open(0, trusted=True, stage=Stage.CALL) for _ in range(RPC_CONNECTIONS_MAX - 3)]
    sender = house.open(1, trusted=True, stage=Stage.BODY)
    idle = house.open(3, trusted=True, stage=Stage.IDLE)
    longest = house.open(2, trusted=True, stage=Stage.IDLE)
    for _ in range(3):
        house.open(4, trusted=True, stage=Stage.CALL)
    assert house.closed == [longest, idle, sender]
    late = house.open(5)
    assert house.closed[-1] is late
    assert not any(call in house.closed for call in calls)


@pytest.mark.parametrize(
    ("stage", "seconds"), [(Stage.HEAD, RPC_HEAD_S), (Stage.BODY, RPC_BODY_S), (Stage.ANSWER, RPC_ANSWER_S)]
)
def test_each_stage_has_its_time(stage: Stage, seconds: int) -> None:
    house = _House()
    slow = house.open(0, stage=stage)
    for now_s in range(seconds):
        # Drops of a head buy no more time.
        house.table.received(slow, now_s)
        house.table.close_overdue(now_s)
    assert house.closed == []
    house.table.close_overdue(seconds)
    assert house.closed == [slow]
    assert len(house.table) == 0


def test_a_call_may_take_as_long_as_it_likes() -> None:
    house = _House()
    house.open(0, stage=Stage.CALL)
    house.table.close_overdue(10**6)
    assert house.closed == []


def test_half_a_head_behind_an_answer_has_its_time_too() -> None:
    house = _House()
    reused = house.open(0, trusted=True, stage=Stage.IDLE)
    house.table.close_overdue(1_000)
    house.table.received(reused, 1_000)
    house.table.received(reused, 1_005)
    house.table.close_overdue(1_000 + RPC_HEAD_S)
    assert house.closed == [reused]
