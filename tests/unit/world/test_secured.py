"""Connections over libp2p: proven peer ids, the same messages behind the handshake, and ends that are told in order."""

import pytest
from tests.unit.world.scripts import (
    CONN,
    LATENCY_US,
    act,
    add_script,
    changes,
    close,
    connect,
    dial,
    filler,
    make_world,
    pass_time,
    send,
)

from minicoin.core.effects import Dial
from minicoin.core.events import BytesReceived, ConnectionClosed, ConnectionOpened, DialFailed, InboundFailed
from minicoin.core.limits import LIBP2P_HANDSHAKE_TIMEOUT_US, SEND_QUEUE_BYTES_MAX, SEND_QUEUE_LOW_BYTES
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US
from minicoin.core.wire.frame import encode_frame
from minicoin.world.host import LinkEnd
from minicoin.world.traffic import UNKNOWN_TYPE


def secure_pair():
    world = make_world(runs_libp2p=True)
    return world, add_script(world), add_script(world)


def heard_bytes(script) -> bytes:
    return b"".join(event.data for _, event in script.of(BytesReceived))


def peer_ids(world) -> list[bytes]:
    return [add_script(world)[0].address.peer_id for _ in range(3)]


def test_hosts_have_identities_of_the_seed_and_none_on_plain_links() -> None:
    first, again = (peer_ids(make_world(runs_libp2p=True)) for _ in range(2))
    assert first == again
    assert len(set(first)) == 3 and all(first)
    assert peer_ids(make_world()) == [b"", b"", b""]


def test_both_ends_are_told_who_the_other_is_once_that_is_proven() -> None:
    world, (host, script), (target, accepted) = secure_pair()
    began = world.now
    dial(world, host, target)
    pass_time(world, 1)
    ((at, near),) = script.of(ConnectionOpened)
    ((_, far),) = accepted.of(ConnectionOpened)
    assert (near.remote, near.inbound) == (target.address, False)
    assert (far.remote.peer_id, far.remote.host, far.inbound) == (host.address.peer_id, host.address.host, True)
    # TCP takes one round trip; multistream, Noise and Yamux take more.
    assert at - began > 4 * LATENCY_US


def test_messages_arrive_whole_and_in_order_and_are_counted_as_what_they_are() -> None:
    world, (host, _), (target, accepted) = secure_pair()
    near, _ = connect(world, host, target)
    messages = [filler(size, mark) for mark, size in enumerate((100, 300_000, 25))]
    send(world, near, *messages)
    pass_time(world, 10)
    frames = [encode_frame(world.network.magic, message) for message in messages]
    assert heard_bytes(accepted) == b"".join(frames)
    size = sum(map(len, frames))
    assert (host.traffic.sent_messages[UNKNOWN_TYPE], host.traffic.sent_bytes[UNKNOWN_TYPE]) == (3, size)
    assert (target.traffic.received_messages[UNKNOWN_TYPE], target.traffic.received_bytes[UNKNOWN_TYPE]) == (3, size)


def test_much_that_is_sent_asks_for_more() -> None:
    world, (host, script), (target, _) = secure_pair()
    near, _ = connect(world, host, target)
    send(world, near, filler(3 * SEND_QUEUE_LOW_BYTES))
    pass_time(world, 10)
    assert sum(type(event).__name__ == "SendQueueLow" for _, event in script.heard) == 3


def test_what_was_sent_before_the_end_arrives_before_it() -> None:
    world, (host, script), (target, accepted) = secure_pair()
    near, _ = connect(world, host, target)
    send(world, near, filler(5_000))
    close(world, near)
    pass_time(world)
    assert len(heard_bytes(accepted)) == 5_000
    assert changes(accepted) == ["ConnectionOpened", "ConnectionClosed"] == changes(script)
    assert isinstance(accepted.heard[-1][1], ConnectionClosed)


def test_another_identity_than_the_address_names_is_refused() -> None:
    world, (host, script), (target, accepted) = secure_pair()
    stranger, _ = add_script(world)
    wrong = NodeAddress(target.address.host, target.address.port, stranger.address.peer_id)
    act(world, host, Dial(CONN, wrong, 10 * SECOND_US))
    pass_time(world)
    ((_, failed),) = script.of(DialFailed)
    assert (failed.conn, failed.address) == (CONN, wrong)
    assert str(stranger.identity.peer_id) in failed.reason
    assert [type(event) for _, event in accepted.heard] == [InboundFailed]
    assert not host.links and not target.links


def test_an_address_without_a_peer_id_takes_whoever_is_there() -> None:
    world, (host, script), (target, _) = secure_pair()
    act(world, host, Dial(CONN, NodeAddress(target.address.host, target.address.port), 10 * SECOND_US))
    pass_time(world, 1)
    ((_, opened),) = script.of(ConnectionOpened)
    assert opened.remote.peer_id == target.address.peer_id


def test_a_handshake_that_is_held_up_ends_in_time() -> None:
    world, (host, script), (target, accepted) = secure_pair()
    held: list[LinkEnd] = []

    def hold(end: LinkEnd) -> None:
        if end.dialled is not None:
            held.append(end)
            world.connections.hold(end)

    world.connections.link_hooks.append(hold)
    began = world.now
    dial(world, host, target)
    pass_time(world)
    ((at, _),) = script.of(DialFailed)
    assert LIBP2P_HANDSHAKE_TIMEOUT_US <= at - began < LIBP2P_HANDSHAKE_TIMEOUT_US + SECOND_US
    assert changes(script) == ["DialFailed"]
    assert [type(event) for _, event in accepted.heard] == [InboundFailed]


def test_a_broken_connection_is_told_at_both_ends() -> None:
    world, (host, script), (target, accepted) = secure_pair()
    near, _ = connect(world, host, target)
    world.connections.reset(near, "broken")
    pass_time(world)
    assert changes(script) == changes(accepted) == ["ConnectionOpened", "ConnectionClosed"]


def test_a_queue_that_nobody_reads_ends_the_connection() -> None:
    world, (host, script), (target, _) = secure_pair()
    near, far = connect(world, host, target)
    for end in (near, far):
        world.connections.hold(end)
    for _ in range(SEND_QUEUE_BYTES_MAX // 4_000_000 + 1):
        send(world, near, filler(4_000_000))
    pass_time(world, 0)
    ((_, closed),) = script.of(ConnectionClosed)
    assert closed.conn == near.conn and "the peer does not read" in closed.reason


class Flip:
    """The last byte of everything is another one."""

    def __init__(self, world) -> None:
        self.world = world

    def carry(self, end, message, size, arrival_us) -> None:
        self.world.connections.transport.arrive(end, message[:-1] + bytes([message[-1] ^ 1]), arrival_us)


def test_damaged_bytes_end_the_connection_and_reach_nobody() -> None:
    world, (host, script), (target, accepted) = secure_pair()
    near, _ = connect(world, host, target)
    near.disturbance = Flip(world)
    send(world, near, filler(100))
    pass_time(world)
    assert heard_bytes(accepted) == b""
    assert changes(script) == changes(accepted) == ["ConnectionOpened", "ConnectionClosed"]


@pytest.mark.parametrize("is_cut", [False, True])
def test_one_seed_one_digest(is_cut: bool) -> None:
    digests = []
    for _ in range(2):
        world, (host, _), (target, _) = secure_pair()
        near, _ = connect(world, host, target)
        if is_cut:
            world.connections.reset(near, "cut")
        send(world, near, filler(1_000))
        pass_time(world)
        digests.append(world.digest.hexdigest())
    assert len(set(digests)) == 1


def test_keep_alives_run_while_nobody_says_anything() -> None:
    world, (host, _), (target, accepted) = secure_pair()
    connect(world, host, target)
    before = world.queue.executed
    pass_time(world, 600)
    assert world.queue.executed > before
    assert changes(accepted) == ["ConnectionOpened"]
