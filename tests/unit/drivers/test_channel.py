"""The plain channel: ready at once, bytes as they are, small payloads joined."""

from minicoin.core.limits import READ_BYTES
from minicoin.core.units import Micros
from minicoin.drivers.channel import ChannelData, ChannelReady, PlainChannel


def test_is_ready_at_once_and_passes_bytes_on():
    channel = PlainChannel()
    channel.receive(b"one", Micros(0))
    channel.receive(b"two", Micros(0))
    assert channel.take_events() == [ChannelReady(b""), ChannelData(b"one"), ChannelData(b"two")]
    assert channel.take_events() == []
    assert channel.next_deadline() is None


def test_joins_small_payloads_up_to_one_read_and_sends_a_large_one_alone():
    channel = PlainChannel()
    sizes = [READ_BYTES // 2, READ_BYTES // 2, 1, 5 * READ_BYTES, 2]
    for size in sizes:
        channel.send(bytes(size))
    assert channel.queued_bytes == sum(sizes)
    outputs = []
    while output := channel.take_output():
        outputs.append(len(output))
    assert outputs == [READ_BYTES, 1, 5 * READ_BYTES, 2]
    assert channel.queued_bytes == 0
