"""What happens to messages on a disturbed connection, one class per way.

Links carry TCP: a lost packet is sent again, so loss is delay. Duplicate and Reorder act on whole messages behind the
handshake, which TCP would not do: they test that nodes take repeated and late ones.
"""

from dataclasses import replace
from typing import Final

from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.core.wire.codec import decode_payload
from minicoin.core.wire.frame import FRAME_HEADER_SIZE, encode_frame
from minicoin.core.wire.messages import Message, SendAddrV2, SendHeaders, Verack, Version, WtxidRelay
from minicoin.sim.faults.weather import Between, Parcel, Weather
from minicoin.world.bandwidth import transfer_us
from minicoin.world.host import LinkEnd
from minicoin.world.world import World

RETRANSMIT_LEAST_US: Final = 200_000
_TRIES_MAX: Final = 6
_REPEAT_WITHIN_US: Final = SECOND_US
_PIECES_MAX: Final = 40
_HANDSHAKE = (Version, Verack, WtxidRelay, SendAddrV2)
_HANDSHAKE_COMMANDS = (b"version", b"verack", b"wtxidrelay", b"sendaddrv2")

# The protocol versions before BIP339 and BIP155, and before BIP130.
_VERSION_BEFORE = {"before-wtxidrelay": 70015, "before-sendheaders": 70011}


def _command(frame: bytes) -> bytes:
    return frame[4:16].rstrip(b"\0")


def _is_handshake(content: Message | bytes) -> bool:
    if isinstance(content, bytes):
        return _command(content) in _HANDSHAKE_COMMANDS
    return isinstance(content, _HANDSHAKE)


class _Chance:
    """Something that happens to some messages. `fired` counts them."""

    rank = 0

    def __init__(self, between: Between, probability: float, rng: Rng) -> None:
        self.fired = 0
        self._between = between
        self._probability = probability
        self._rng = rng

    def concerns(self, end: LinkEnd) -> bool:
        return self._between.concerns(end)

    def _strikes(self) -> bool:
        hit = self._rng.uniform() < self._probability
        self.fired += hit
        return hit


class Duplicating(_Chance):
    """A message arrives again a little later."""

    rank = 1

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        if _is_handshake(parcel.content) or not self._strikes():
            return [parcel]
        again = parcel.arrival_us + 1 + self._rng.below(_REPEAT_WITHIN_US)
        return [parcel, replace(parcel, arrival_us=again, is_loose=True)]


class Reordering(_Chance):
    """Later messages overtake a message."""

    rank = 2

    def __init__(self, between: Between, probability: float, rng: Rng, by_us: int) -> None:
        super().__init__(between, probability, rng)
        self._by_us = by_us

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        if _is_handshake(parcel.content) or not self._strikes():
            return [parcel]
        late = max(parcel.arrival_us, end.last_arrival) + 1 + self._rng.below(self._by_us)
        return [replace(parcel, arrival_us=late, is_loose=True)]


class Losing(_Chance):
    """A packet is lost and sent again when its time-out has passed, which doubles each time (RFC 6298)."""

    rank = 3

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        delay_us = 0
        timeout_us = max(RETRANSMIT_LEAST_US, 2 * (end.latency_us + end.other.latency_us))
        for _ in range(_TRIES_MAX):
            if not self._strikes():
                break
            delay_us += timeout_us
            timeout_us *= 2
        return [replace(parcel, arrival_us=parcel.arrival_us + delay_us)] if delay_us else [parcel]


class Delaying(_Chance):
    """Every message takes longer."""

    rank = 4

    def __init__(self, between: Between, add_us: int, rng: Rng) -> None:
        super().__init__(between, 1.0, rng)
        self._add_us = add_us

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        self.fired += 1
        return [replace(parcel, arrival_us=parcel.arrival_us + self._add_us)]


class Flipping(_Chance):
    """One byte of a frame is another one at its arrival. Where links name their peers that ends the connection: they
    stand for secured ones, whose receivers close what is not authentic, as they do where libp2p really runs."""

    rank = 5

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        if not self._strikes():
            return [parcel]
        world = weather.world
        if world.settings.has_peer_ids and not world.settings.runs_libp2p:
            world.queue.at(parcel.arrival_us, _end_damaged, world, end.other)
            return []
        content = parcel.content
        frame = bytearray(content if isinstance(content, bytes) else encode_frame(weather.world.network.magic, content))
        frame[self._rng.below(len(frame))] ^= 1 + self._rng.below(255)
        weather.keep_as_bytes(end)
        return [replace(parcel, content=bytes(frame))]


def _end_damaged(world: World, end: LinkEnd) -> None:
    world.connections.reset(end, "a damaged message")


class Fragmenting(_Chance):
    """A frame arrives in many reads: small ones first, the rest of a long frame at once."""

    rank = 6

    def __init__(self, between: Between, rng: Rng, max_bytes: int) -> None:
        super().__init__(between, 1.0, rng)
        self._max_bytes = max_bytes

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        content = parcel.content
        frame = content if isinstance(content, bytes) else encode_frame(weather.world.network.magic, content)
        pieces: list[Parcel] = []
        at = 0
        while at < len(frame):
            size = len(frame) - at
            if len(pieces) < _PIECES_MAX:
                size = min(size, 1 + self._rng.below(self._max_bytes))
            pieces.append(replace(parcel, content=frame[at : at + size], size=size))
            at += size
        self.fired += len(pieces) > 1
        return pieces


class OldVersion:
    """Nodes of an older feature set: neither they nor their peers see what came later."""

    rank = 0

    def __init__(self, nodes: dict[int, None], version: str) -> None:
        self.fired = 0
        self._nodes = nodes
        self._version = _VERSION_BEFORE[version]
        self._hides_headers = version == "before-sendheaders"

    def concerns(self, end: LinkEnd) -> bool:
        return end.host.index in self._nodes or end.other.host.index in self._nodes

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        content = parcel.content
        if isinstance(content, bytes):
            if _command(content) == b"version":
                message = decode_payload("version", content[FRAME_HEADER_SIZE:])
                assert isinstance(message, Version)
                return [replace(parcel, content=encode_frame(weather.world.network.magic, self._aged(message)))]
            return [] if self._hides_headers and _command(content) == b"sendheaders" else [parcel]
        if isinstance(content, Version):
            return [replace(parcel, content=self._aged(content))]
        return [] if self._hides_headers and isinstance(content, SendHeaders) else [parcel]

    def _aged(self, message: Version) -> Version:
        self.fired += 1
        return replace(message, version=min(message.version, self._version))


class SmallFailures:
    """What goes wrong on every link all the time ([links]): TCP hides it, at the price of time and downlink."""

    rank = 3

    def __init__(self, rng: Rng, loss: float, reorder: float, duplicate: float, delays_us: tuple[int, int]) -> None:
        """`delays_us`: of a lost packet, of one that was overtaken."""
        self._rng = rng
        self._loss = loss
        self._reorder = reorder
        self._duplicate = duplicate
        self._delays_us = delays_us

    def concerns(self, end: LinkEnd) -> bool:
        return True

    def change(self, end: LinkEnd, parcel: Parcel, weather: Weather) -> list[Parcel]:
        chance = self._rng.uniform()
        late_us = 0
        if chance < self._loss:
            late_us = self._delays_us[0]
        elif chance < self._loss + self._reorder:
            late_us = self._delays_us[1]
        receiver = end.other.host
        if self._duplicate and self._rng.uniform() < self._duplicate:
            receiver.lines.down_free = max(receiver.lines.down_free, weather.world.now) + transfer_us(
                parcel.size, receiver.lines.down_rate
            )
        return [replace(parcel, arrival_us=parcel.arrival_us + late_us)] if late_us else [parcel]
