from minicoin.drivers.lanes import Lane, Lanes


def _taken(lanes: Lanes[str]) -> list[str]:
    return [lanes.take() for _ in range(len(lanes))]


def test_urgent_first_and_each_lane_in_order() -> None:
    lanes: Lanes[str] = Lanes()
    for lane, job in ((Lane.LONG, "l"), (Lane.PEERS, "p"), (Lane.OPERATOR, "o"), (Lane.CONSENSUS, "c")):
        lanes.put(lane, job + "1")
        lanes.put(lane, job + "2")
    assert _taken(lanes) == ["c1", "c2", "o1", "o2", "p1", "p2", "l1", "l2"]


def test_a_block_goes_before_every_transaction_of_strangers() -> None:
    lanes: Lanes[str] = Lanes()
    for number in range(100):
        lanes.put(Lane.PEERS, f"slow {number}")
    assert lanes.take() == "slow 0"
    lanes.put(Lane.CONSENSUS, "block")
    assert lanes.take() == "block"


def test_the_operator_is_heard_while_blocks_never_end_and_strangers_wait() -> None:
    lanes: Lanes[str] = Lanes()
    lanes.put(Lane.OPERATOR, "stop")
    lanes.put(Lane.LONG, "slice")
    lanes.put(Lane.PEERS, "stranger")
    taken = []
    for _ in range(40):
        lanes.put(Lane.CONSENSUS, "block")
        taken.append(lanes.take())
    assert taken.index("stop") == 4
    assert taken.index("slice") <= 9
    assert "stranger" not in taken
    assert taken.count("block") == 38


def test_a_lane_can_be_taken_out() -> None:
    lanes: Lanes[str] = Lanes()
    lanes.put(Lane.PEERS, "one")
    lanes.put(Lane.CONSENSUS, "block")
    lanes.put(Lane.PEERS, "two")
    assert lanes.drain(Lane.PEERS) == ["one", "two"]
    assert _taken(lanes) == ["block"]
