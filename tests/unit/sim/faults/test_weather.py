"""What arrives over disturbed connections, and when: two hosts that only note what they hear."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import Dial, Effect, Send
from minicoin.core.events import BytesReceived, ConnectionClosed, ConnectionOpened, Event, MessageReceived
from minicoin.core.faults import PeerFault
from minicoin.core.params.builtin import REGTEST
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.frame import FrameDecoder, encode_frame
from minicoin.core.wire.messages import Message, NetAddress, Ping, SendHeaders, Verack, Version
from minicoin.sim.faults import layers
from minicoin.sim.faults.weather import Between, Layer, Weather
from minicoin.world.host import LinkEnd
from minicoin.world.world import World, WorldSettings

LATENCY_US = 50_000
ALL = {0: None, 1: None}
BOTH = Between(ALL, ALL)


class Ear:
    """Dials when told to, and notes the time of all it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Event, int]] = []
        self.effects: list[Effect] = []

    def handle(self, event: Event, now: Micros) -> None:
        self.heard.append((event, now))

    def drain_effects(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        return effects

    def next_deadline(self) -> Micros | None:
        return None


class Pair:
    """Two connected hosts; 0 speaks, 1 listens."""

    def __init__(self, *disturbances: Layer, names_peers: bool = False) -> None:
        network = replace(REGTEST, name="weather")
        settings = WorldSettings(b"weather", has_peer_ids=names_peers)
        self.world = World(network, ScriptedVerifier(), lambda a, b, number: LATENCY_US, settings)
        self.weather = Weather(self.world)
        self.ears = [Ear(), Ear()]
        for ear in self.ears:
            self.world.start_runner(self.world.add_host(), ear)
        for layer in disturbances:
            self.weather.add(layer)
        self.ears[0].effects.append(Dial(ConnId(2), self.world.hosts[1].address, 10 * SECOND_US))
        self.world.wake(self.world.hosts[0])
        self.pass_time()
        assert isinstance(self.ears[0].heard[0][0], ConnectionOpened)
        self.sent_at = 0

    @property
    def end(self) -> LinkEnd:
        return next(iter(self.world.hosts[0].links.values()))

    def pass_time(self, seconds: int = 1) -> None:
        self.world.run(self.world.now + seconds * SECOND_US)

    def say(self, messages: Sequence[Message], seconds: int = 60) -> None:
        self.ears[1].heard.clear()
        self.sent_at = self.world.now
        self.ears[0].effects += [Send(ConnId(2), message) for message in messages]
        self.world.wake(self.world.hosts[0])
        self.pass_time(seconds)

    def heard(self) -> list[tuple[Message, int]]:
        """What the listener heard, and how long after it was said."""
        events = self.ears[1].heard
        return [(event.message, now - self.sent_at) for event, now in events if isinstance(event, MessageReceived)]

    def heard_bytes(self) -> list[bytes]:
        return [event.data for event, _ in self.ears[1].heard if isinstance(event, BytesReceived)]


PINGS = [Ping(number) for number in range(200)]


def test_good_weather_changes_nothing() -> None:
    pair = Pair()
    pair.say(PINGS[:3])
    assert pair.heard() == [(ping, LATENCY_US) for ping in PINGS[:3]]


def test_loss_is_delay_and_keeps_order() -> None:
    layer = layers.Losing(BOTH, 0.3, Rng(b"1"))
    pair = Pair(layer)
    layer.fired = 0
    pair.say(PINGS)
    assert [message for message, _ in pair.heard()] == PINGS
    delays = [delay for _, delay in pair.heard()]
    assert delays == sorted(delays)
    # Four latencies are as long as the least time-out.
    assert delays[-1] - LATENCY_US in {200_000 * (2**tries - 1) for tries in range(1, 7)}
    assert 30 < layer.fired < 130


def test_a_long_way_waits_longer_for_what_is_lost() -> None:
    layer = layers.Losing(BOTH, 1.0, Rng(b"1"))
    pair = Pair(layer)
    pair.end.latency_us = pair.end.other.latency_us = 300_000
    pair.say(PINGS[:1], 120)
    assert pair.heard() == [(PINGS[0], 300_000 + 1_200_000 * (2**6 - 1))]


def test_duplicates_come_later_and_leave_the_handshake_alone() -> None:
    layer = layers.Duplicating(BOTH, 1.0, Rng(b"1"))
    pair = Pair(layer)
    pair.say([Verack(), *PINGS[:20]])
    heard = [message for message, _ in pair.heard()]
    assert heard.count(Verack()) == 1
    assert all(heard.count(ping) == 2 for ping in PINGS[:20])
    assert layer.fired == 20
    assert max(delay for _, delay in pair.heard()) <= LATENCY_US + SECOND_US


def test_reordered_messages_are_overtaken() -> None:
    layer = layers.Reordering(BOTH, 0.2, Rng(b"1"), 5_000)
    pair = Pair(layer)
    pair.say([Verack(), *PINGS])
    heard = [message for message, _ in pair.heard()]
    assert heard[0] == Verack()
    assert heard[1:] != PINGS
    assert sorted(heard[1:], key=PINGS.index) == PINGS  # type: ignore[arg-type]
    assert sum(delay > LATENCY_US for _, delay in pair.heard()) == layer.fired > 20


def test_a_spike_delays_everything() -> None:
    pair = Pair(layers.Delaying(BOTH, 700_000, Rng(b"1")))
    pair.say(PINGS[:2])
    assert [delay for _, delay in pair.heard()] == [LATENCY_US + 700_000] * 2


def test_a_flipped_byte_is_in_the_bytes_and_so_is_all_that_follows() -> None:
    layer = layers.Flipping(BOTH, 1.0, Rng(b"1"))
    pair = Pair(layer)
    pair.say(PINGS[:1])
    pair.weather.remove(layer)
    pair.say(PINGS[1:3])
    magic = pair.world.network.magic
    assert pair.heard_bytes() == [encode_frame(magic, ping) for ping in PINGS[1:3]]
    pair.weather.add(layer)
    decoder = FrameDecoder(magic)
    faults = 0
    for ping in PINGS[3:60]:
        pair.say([ping], 1)
        (frame,) = pair.heard_bytes()
        good = encode_frame(magic, ping)
        assert sum(left != right for left, right in zip(frame, good, strict=True)) == 1
        decoder.feed(frame)
        try:
            found = decoder.next_message()
        except PeerFault:
            found = None
        # Dropped, or of an unknown command; damage in magic or length ends the stream or leaves the decoder waiting.
        if found is None or found[0] != ping:
            faults += 1
        if found is None:
            decoder = FrameDecoder(magic)
    assert faults == 57


def test_a_flipped_byte_ends_a_connection_that_stands_for_a_secured_one() -> None:
    layer = layers.Flipping(BOTH, 1.0, Rng(b"1"))
    pair = Pair(names_peers=True)
    pair.say(PINGS[:1])
    assert [message for message, _ in pair.heard()] == PINGS[:1]
    pair.weather.add(layer)
    pair.say(PINGS[1:3])
    assert pair.heard() == [] and layer.fired == 2
    for ear in pair.ears:
        (closed,) = [event for event, _ in ear.heard if isinstance(event, ConnectionClosed)]
        assert closed.score == 0


@pytest.mark.parametrize("max_bytes", [1, 7, 100])
def test_fragments_make_the_message(max_bytes: int) -> None:
    pair = Pair(layers.Fragmenting(BOTH, Rng(b"1"), max_bytes))
    pair.say(PINGS[:5])
    pieces = pair.heard_bytes()
    assert all(0 < len(piece) <= max(max_bytes, 32) for piece in pieces)
    assert len(pieces) > 5 or max_bytes == 100
    decoder = FrameDecoder(pair.world.network.magic)
    found: list[Message] = []
    for piece in pieces:
        decoder.feed(piece)
        while (message := decoder.next_message()) is not None:
            found.append(message[0])
    assert found == PINGS[:5]


@pytest.mark.parametrize(
    ("version", "number", "hides"), [("before-wtxidrelay", 70015, 0), ("before-sendheaders", 70011, 1)]
)
def test_old_versions_say_so(version: str, number: int, hides: int) -> None:
    pair = Pair(layers.OldVersion({1: None}, version))
    newest = Version(70016, 9, 0, NetAddress(), nonce=1)
    pair.say([newest, SendHeaders(), Ping(1)])
    heard = [message for message, _ in pair.heard()]
    assert heard[0] == replace(newest, version=number)
    assert len(heard) == 3 - hides
    pair.weather.keep_as_bytes(pair.end)
    pair.say([newest, SendHeaders()])
    assert pair.heard_bytes()[0] == encode_frame(pair.world.network.magic, replace(newest, version=number))
    assert len(pair.heard_bytes()) == 2 - hides


def test_only_the_named_connections_are_concerned() -> None:
    pair = Pair()
    elsewhere = layers.Delaying(Between({0: None}, {7: None}), 1, Rng(b"1"))
    pair.weather.add(elsewhere)
    assert pair.end.disturbance is None
    pair.weather.add(layers.Delaying(Between({1: None}, ALL), 1, Rng(b"1")))
    assert pair.end.disturbance is pair.weather


class Block:
    """Holds what host 0 sends."""

    def holds(self, end: LinkEnd) -> bool:
        return end.host.index == 0


def test_two_blocks_of_one_direction_must_both_end() -> None:
    pair = Pair()
    blocks = [Block(), Block()]
    assert [pair.weather.block(block) for block in blocks] == [1, 1]
    pair.say(PINGS[:2])
    for block in blocks:
        assert pair.heard() == []
        (end,) = pair.weather.unblock(block)
        pair.weather.free(end, block)
        pair.pass_time()
    assert [message for message, _ in pair.heard()] == PINGS[:2]


def test_what_was_held_meets_the_weather_of_its_release() -> None:
    pair = Pair()
    block = Block()
    pair.weather.block(block)
    pair.say(PINGS[:2])
    pair.weather.add(layers.Delaying(BOTH, 3 * SECOND_US, Rng(b"1")))
    (end,) = pair.weather.unblock(block)
    pair.weather.free(end, block)
    pair.pass_time(2)
    assert pair.heard() == []
    pair.pass_time(2)
    assert len(pair.heard()) == 2
