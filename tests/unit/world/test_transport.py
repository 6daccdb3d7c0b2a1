"""Messages through the world: lines of known rates, the order on a connection, counters, and lines that change."""

import pytest
from tests.unit.world.scripts import (
    LATENCY_US,
    add_script,
    arrivals,
    connect,
    filler,
    make_world,
    marks,
    pass_time,
    send,
)

from minicoin.core.events import BytesReceived, SendQueueLow
from minicoin.core.limits import SEND_QUEUE_LOW_BYTES
from minicoin.core.units import ConnId
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import Ping, Pong, Unknown, Verack
from minicoin.sim.faults.layers import Fragmenting
from minicoin.sim.faults.weather import Between, Weather
from minicoin.world.traffic import TYPE_INDEX, UNKNOWN_TYPE

MBYTE = 1_000_000
ONE_MS = 1_000


def test_unlimited_lines_cost_one_latency() -> None:
    world = make_world()
    sender, receiver = add_script(world), add_script(world)
    near, _ = connect(world, sender[0], receiver[0])
    began = world.now
    send(world, near, filler(5 * MBYTE), Verack())
    pass_time(world)
    assert arrivals(receiver[1], began) == [(LATENCY_US, 5 * MBYTE), (LATENCY_US, 24)]


def test_an_upload_takes_size_by_rate_and_one_latency() -> None:
    world = make_world()
    sender, receiver = add_script(world, up_rate=MBYTE), add_script(world)
    near, _ = connect(world, sender[0], receiver[0])
    began = world.now
    send(world, near, filler(300_000))
    pass_time(world)
    assert arrivals(receiver[1], began) == [(300 * ONE_MS + LATENCY_US, 300_000)]


def test_two_blocks_to_two_peers_share_the_uplink_one_after_the_other() -> None:
    world = make_world()
    sender, one, other = add_script(world, up_rate=MBYTE), add_script(world), add_script(world)
    first, _ = connect(world, sender[0], one[0])
    second, _ = connect(world, sender[0], other[0], ConnId(4))
    began = world.now
    send(world, first, filler(200_000))
    send(world, second, filler(100_000))
    pass_time(world)
    assert arrivals(one[1], began) == [(200 * ONE_MS + LATENCY_US, 200_000)]
    assert arrivals(other[1], began) == [(300 * ONE_MS + LATENCY_US, 100_000)]


def test_an_uplink_rests_between_messages() -> None:
    world = make_world()
    sender, receiver = add_script(world, up_rate=MBYTE), add_script(world)
    near, _ = connect(world, sender[0], receiver[0])
    send(world, near, filler(200_000))
    pass_time(world, 1)
    began = world.now
    send(world, near, filler(100_000))
    pass_time(world)
    assert arrivals(receiver[1], began)[1] == (100 * ONE_MS + LATENCY_US, 100_000)


def test_a_downlink_that_is_narrower_than_the_uplink_is_what_counts() -> None:
    world = make_world()
    sender, receiver = add_script(world, up_rate=4 * MBYTE), add_script(world, down_rate=MBYTE)
    near, _ = connect(world, sender[0], receiver[0])
    began = world.now
    send(world, near, filler(400_000))
    pass_time(world)
    # It begins with the first byte, so the uplink's 100 ms are not added.
    assert arrivals(receiver[1], began) == [(400 * ONE_MS + LATENCY_US, 400_000)]


def test_two_senders_share_one_downlink() -> None:
    world = make_world()
    one, other = add_script(world, up_rate=2 * MBYTE), add_script(world, up_rate=2 * MBYTE)
    receiver = add_script(world, down_rate=MBYTE)
    first, _ = connect(world, one[0], receiver[0])
    second, _ = connect(world, other[0], receiver[0])
    began = world.now
    send(world, first, filler(200_000))
    send(world, second, filler(200_000))
    pass_time(world)
    assert arrivals(receiver[1], began) == [
        (200 * ONE_MS + LATENCY_US, 200_000),
        (400 * ONE_MS + LATENCY_US, 200_000),
    ]


def test_small_messages_of_others_pass_a_block_that_is_still_on_its_way() -> None:
    world = make_world()
    slow, quick = add_script(world, up_rate=MBYTE // 10), add_script(world, up_rate=MBYTE)
    receiver = add_script(world, down_rate=MBYTE)
    first, _ = connect(world, slow[0], receiver[0])
    second, _ = connect(world, quick[0], receiver[0])
    send(world, first, filler(100_000, mark=1))
    send(world, second, filler(1_000, mark=2))
    pass_time(world)
    assert marks(receiver[1]) == [2, 1]


def test_messages_of_one_connection_keep_their_order_where_latencies_are_drawn() -> None:
    drawn = iter([90, 10, 50, 20, 95, 5])
    world = make_world(
        draws_per_message=True,
        latency=lambda sender, receiver, number: next(drawn) * ONE_MS if number else LATENCY_US,
    )
    sender, receiver = add_script(world), add_script(world)
    near, _ = connect(world, sender[0], receiver[0])
    began = world.now
    send(world, near, *(filler(100, mark) for mark in range(6)))
    pass_time(world)
    assert marks(receiver[1]) == list(range(6))
    assert [at // ONE_MS for at, _ in arrivals(receiver[1], began)] == [90, 90, 90, 90, 95, 95]


def test_a_lifted_cap_lets_nothing_overtake() -> None:
    world = make_world()
    sender, receiver = add_script(world), add_script(world, down_rate=MBYTE // 10)
    near, _ = connect(world, sender[0], receiver[0])
    began = world.now
    send(world, near, filler(100_000, mark=1))
    pass_time(world, 0.2)
    receiver[0].lines.down_rate = 0
    send(world, near, filler(100, mark=2))
    pass_time(world)
    assert marks(receiver[1]) == [1, 2]
    assert [at for at, _ in arrivals(receiver[1], began)] == [1_000 * ONE_MS + LATENCY_US] * 2


def test_the_sender_hears_when_its_queue_is_low() -> None:
    world = make_world()
    sender, receiver = add_script(world, up_rate=MBYTE), add_script(world)
    near, _ = connect(world, sender[0], receiver[0])
    began = world.now
    send(world, near, filler(SEND_QUEUE_LOW_BYTES - 1))
    pass_time(world)
    assert sender[1].of(SendQueueLow) == []
    began = world.now
    send(world, near, filler(100))
    pass_time(world)
    assert sender[1].of(SendQueueLow) == [(began + 100, SendQueueLow(near.conn))]


def test_both_sides_count_whole_frames_by_type() -> None:
    world = make_world()
    sender, receiver = add_script(world), add_script(world)
    near, far = connect(world, sender[0], receiver[0])
    send(world, near, Ping(1), Ping(2), filler(1_000))
    send(world, far, Pong(1))
    pass_time(world)
    sent, received = sender[0].traffic, receiver[0].traffic
    assert (sent.sent_messages[TYPE_INDEX[Ping]], sent.sent_bytes[TYPE_INDEX[Ping]]) == (2, 64)
    assert (sent.sent_messages[UNKNOWN_TYPE], sent.sent_bytes[UNKNOWN_TYPE]) == (1, 1_000)
    assert sent.received_bytes[TYPE_INDEX[Pong]] == 32
    assert received.received_messages == sent.sent_messages
    assert received.received_bytes == sent.sent_bytes
    assert received.sent_messages == sent.received_messages


def test_encoded_messages_arrive_as_the_bytes_of_their_frame_and_count_alike() -> None:
    world = make_world(encodes=True)
    sender, receiver = add_script(world), add_script(world)
    near, far = connect(world, sender[0], receiver[0])
    messages = [Ping(7), filler(500)]
    send(world, near, *messages)
    pass_time(world)
    assert [event for _, event in receiver[1].of(BytesReceived)] == [
        BytesReceived(far.conn, encode_frame(world.network.magic, message)) for message in messages
    ]
    assert receiver[0].traffic.received_messages == sender[0].traffic.sent_messages
    assert receiver[0].traffic.received_bytes == sender[0].traffic.sent_bytes


@pytest.mark.parametrize("encodes", [False, True])
def test_pieces_of_a_frame_count_with_the_frame_they_belong_to(encodes: bool) -> None:
    world = make_world(encodes=encodes)
    weather = Weather(world)
    sender, receiver = add_script(world), add_script(world)
    near, _ = connect(world, sender[0], receiver[0])
    # Pieces of 16 bytes and more: shorter first ones do not tell whose they are.
    layer = Fragmenting(Between({0: None}, {1: None}), _Steady(), 400)
    weather.add(layer)
    send(world, near, filler(1_000), Ping(1), filler(2_000))
    pass_time(world)
    assert len(receiver[1].of(BytesReceived)) > 3
    assert receiver[0].traffic.received_messages == sender[0].traffic.sent_messages
    assert receiver[0].traffic.received_bytes == sender[0].traffic.sent_bytes


class _Steady:
    """Chance that always chooses the largest."""

    def below(self, bound: int) -> int:
        return bound - 1


def test_nothing_arrives_at_a_connection_that_is_not_there() -> None:
    world = make_world()
    sender, receiver = add_script(world), add_script(world)
    near, far = connect(world, sender[0], receiver[0])
    world.connections.reset(near, "gone")
    send(world, near, Ping(1))
    pass_time(world)
    assert arrivals(receiver[1]) == []
    assert sum(sender[0].traffic.sent_messages) == 0
    assert not far.is_open


def test_one_object_sent_to_many_is_weighed_for_each_of_them() -> None:
    world = make_world()
    sender = add_script(world, up_rate=MBYTE)
    receivers = [add_script(world) for _ in range(3)]
    ends = [connect(world, sender[0], one[0], ConnId(2 * n + 2))[0] for n, one in enumerate(receivers)]
    began = world.now
    message = Unknown("filler", bytes(100_000 - 24))
    for end in ends:
        send(world, end, message)
    pass_time(world)
    assert [arrivals(script, began)[0] for _, script in receivers] == [
        (number * 100 * ONE_MS + LATENCY_US, 100_000) for number in (1, 2, 3)
    ]
    assert sender[0].traffic.sent_bytes[UNKNOWN_TYPE] == 300_000
