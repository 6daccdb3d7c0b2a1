"""Identify, push and ping beside the application's streams: served, asked, bounded."""

import pytest
from tests.unit.libp2p.pair import ALICE, BOB, NOW, Link, make_upgrade

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.events import ConnectionSide, Failed, PeerAuthenticated, StreamOpened, StreamReset
from minicoin.core.libp2p.identify import IDENTIFY, IDENTIFY_PUSH, Identify, encode_delimited
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.ping import PING, PING_BYTES
from minicoin.core.libp2p.services import SERVICE_PROTOCOLS, Identified, Pinged, ServiceEvent, ServiceStreams
from minicoin.core.libp2p.upgrade import Upgrade
from minicoin.core.limits import (
    IDENTIFY_PUSHES_PER_MINUTE_MAX,
    LIBP2P_STREAM_TIMEOUT_US,
    PING_STREAMS_INBOUND_MAX,
    YAMUX_STREAMS_OUTBOUND_MAX,
)
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, Micros


class Side:
    """One end: an upgrade and, where `serves`, its services."""

    def __init__(self, side: ConnectionSide, identity: Identity, serves: bool = True) -> None:
        self.upgrade = make_upgrade(side, identity, None, SERVICE_PROTOCOLS)
        description = Identify(identity.public_key, (), SERVICE_PROTOCOLS, None, "v", side.name)
        self.services = ServiceStreams(self.upgrade, description, Rng(b"x"), NOW) if serves else None
        self.learned: list[ServiceEvent] = []
        self.opened: dict[str, int] = {}
        self.resets: list[int] = []

    def work(self, now: Micros) -> None:
        for event in self.upgrade.take_events():
            if isinstance(event, PeerAuthenticated):
                if self.services is not None:
                    self.services.start(event.public_key)
            elif isinstance(event, Failed):
                raise AssertionError(event.reason)
            elif self.services is not None and self.services.owns(event):
                self.learned += self.services.on_event(event, now)
            elif isinstance(event, StreamOpened):
                self.opened[event.protocol] = event.stream
            elif isinstance(event, StreamReset):
                self.resets.append(event.stream)


def run(one: Side, other: Side, now: Micros = NOW) -> None:
    link = Link(one.upgrade, other.upgrade)
    moved = True
    while moved:
        moved = link.step(now)
        one.work(now)
        other.work(now)


def pair(other_serves: bool = True) -> tuple[Side, Side]:
    one, other = Side(ConnectionSide.DIALLER, ALICE), Side(ConnectionSide.ACCEPTOR, BOB, other_serves)
    run(one, other)
    return one, other


def services(side: Side) -> ServiceStreams:
    assert side.services is not None
    return side.services


def opened(one: Side, other: Side, protocol: str) -> int:
    other.upgrade.open_stream(protocol)
    run(one, other)
    return other.opened[protocol]


def test_both_sides_learn_who_the_other_is() -> None:
    one, other = pair()
    (found,) = one.learned
    assert isinstance(found, Identified) and found.description is not None
    assert found.description.agent_version == "ACCEPTOR" and found.description.protocols == SERVICE_PROTOCOLS
    assert isinstance(other.learned[0], Identified) and services(one).next_deadline() is None


def test_a_push_reaches_who_listens_to_it() -> None:
    one, other = pair()
    address = Multiaddr.parse("/ip4/5.6.7.8/tcp/9")
    services(one).description = services(one).description.updated(Identify(listen_addresses=(address,)))
    services(one).push()
    run(one, other)
    last = other.learned[-1]
    assert isinstance(last, Identified) and last.description is not None
    assert last.description.listen_addresses == (address,) and last.description.agent_version == "DIALLER"
    services(one).known = Identify(protocols=(IDENTIFY,))
    services(one).push()
    run(one, other)
    assert len(other.learned) == 2


def test_asking_often_opens_one_stream_at_a_time() -> None:
    one, other = pair()
    for _ in range(3 * YAMUX_STREAMS_OUTBOUND_MAX):
        services(one).ping()
        services(one).push()
    services(one).description = Identify(agent_version="the latest")
    run(one, other)
    assert pings_of(one) == [Pinged(0)] and len(other.learned) == 2
    last = other.learned[-1]
    assert isinstance(last, Identified) and last.description is not None
    assert last.description.agent_version == "the latest"
    # An unanswered push does not block the later ones.
    services(one).push()
    deadline = services(one).next_deadline()
    assert deadline is not None
    services(one).on_deadline(deadline)
    services(one).push()
    run(one, other)
    assert len(other.learned) == 3


def test_pings_again_and_again_leave_no_stream_behind() -> None:
    one, other = pair()
    for _ in range(3 * YAMUX_STREAMS_OUTBOUND_MAX):
        services(one).ping()
        run(one, other)
    assert pings_of(one) == [Pinged(0)] * 3 * YAMUX_STREAMS_OUTBOUND_MAX
    assert services(one).next_deadline() is None


def pings_of(side: Side) -> list[Pinged]:
    return [event for event in side.learned if isinstance(event, Pinged)]


def test_a_ping_that_is_not_answered() -> None:
    one, other = pair(other_serves=False)
    services(one).ping()
    run(one, other)
    deadline = services(one).next_deadline()
    assert deadline == NOW + LIBP2P_STREAM_TIMEOUT_US
    # The other side took both streams, identify's too, and says nothing.
    assert services(one).on_deadline(deadline) == [Identified(None), Pinged(None)]
    assert services(one).next_deadline() is None


def test_a_peer_that_refuses_ping() -> None:
    one, other = Side(ConnectionSide.DIALLER, ALICE), Side(ConnectionSide.ACCEPTOR, BOB)
    other.upgrade = Upgrade(
        ConnectionSide.ACCEPTOR, BOB, None, supported=(), entropy=lambda size: bytes(range(size)), now=NOW
    )
    other.services = None
    run(one, other)
    services(one).ping()
    run(one, other)
    assert one.learned == [Identified(None), Pinged(None)]


def test_echoes_any_number_of_pings_on_few_streams() -> None:
    one, other = pair(other_serves=False)
    other.resets.clear()
    streams = [opened(one, other, PING) for _ in range(PING_STREAMS_INBOUND_MAX)]
    for _ in range(5):
        other.upgrade.send(streams[0], bytes(range(PING_BYTES)))
        run(one, other)
    opened(one, other, PING)
    assert len(other.resets) == 1
    other.upgrade.close_write(streams[0])
    run(one, other)
    opened(one, other, PING)
    assert len(other.resets) == 1


def fault(one: Side, other: Side) -> str:
    with pytest.raises(PeerFault) as found:
        run(one, other)
    return found.value.reason


def test_too_many_pings_without_reading() -> None:
    one, other = pair(other_serves=False)
    stream = opened(one, other, PING)
    other.upgrade.send(stream, bytes(8_000))
    one.upgrade.receive(other.upgrade.take_output(), NOW)
    with pytest.raises(PeerFault, match="does not read"):
        one.work(NOW)


def test_identify_of_another_key_is_a_lie() -> None:
    one, other = pair(other_serves=False)
    stream = opened(one, other, IDENTIFY_PUSH)
    other.upgrade.send(stream, encode_delimited(Identify(public_key=ALICE.public_key)))
    other.upgrade.close_write(stream)
    assert "another key" in fault(one, other)


def test_garbage_and_endless_identify() -> None:
    for payload, reason in ((b"\xff" * 20, "varint"), (b"\xff\x7f", "at most"), (b"\x03ab", "truncated")):
        one, other = pair(other_serves=False)
        stream = opened(one, other, IDENTIFY_PUSH)
        other.upgrade.send(stream, payload)
        other.upgrade.close_write(stream)
        assert reason in fault(one, other)


def test_a_push_that_stops_halfway_is_thrown_away() -> None:
    one, other = pair(other_serves=False)
    stream = opened(one, other, IDENTIFY_PUSH)
    other.upgrade.send(stream, b"\x20half")
    run(one, other)
    deadline = services(one).next_deadline()
    assert deadline is not None
    services(one).on_deadline(deadline)
    run(one, other)
    assert stream in other.resets


def test_a_flood_of_pushes() -> None:
    one, other = pair(other_serves=False)
    now = NOW
    for minute in range(2):
        now = Micros(NOW + minute * MINUTE_US)
        for _ in range(IDENTIFY_PUSHES_PER_MINUTE_MAX):
            other.upgrade.open_stream(IDENTIFY_PUSH)
            run(one, other, now)
            stream = other.opened[IDENTIFY_PUSH]
            other.upgrade.send(stream, encode_delimited(Identify(agent_version="a")))
            other.upgrade.close_write(stream)
            run(one, other, now)
    other.upgrade.open_stream(IDENTIFY_PUSH)
    with pytest.raises(PeerFault, match="pushes a minute"):
        run(one, other, now)


def test_a_whole_message_counts_even_when_the_stream_is_reset() -> None:
    one, other = pair(other_serves=False)
    stream = other.opened[IDENTIFY]
    other.upgrade.send(stream, encode_delimited(Identify(agent_version="blunt")))
    run(one, other)
    other.upgrade.reset(stream)
    run(one, other)
    (found,) = one.learned
    assert isinstance(found, Identified) and found.description is not None
    assert found.description.agent_version == "blunt"


def test_unknown_streams_are_not_ours() -> None:
    one, _ = pair()
    assert not services(one).owns(StreamOpened(99, "/other/1", True)) and not services(one).owns(StreamReset(99))
