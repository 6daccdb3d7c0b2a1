"""Everything wrong with connections at one time: layers that change messages on their way, and blocks that hold them.

Faults overlap, so each only adds and removes its own share here; new connections are met as they open. What TCP
promises holds unless a layer says otherwise: messages of one direction arrive in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import Message
from minicoin.world.host import LinkEnd
from minicoin.world.world import World


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way, or a piece of one."""

    content: Message | bytes
    size: int
    arrival_us: int
    is_loose: bool = False
    """It keeps no order: others neither wait for it nor does it wait for them."""


@dataclass(frozen=True, slots=True)
class Between:
    """Which connections: those of `nodes` to `peers`, both ways."""

    nodes: Mapping[int, None]
    peers: Mapping[int, None]

    def concerns(self, end: LinkEnd) -> bool:
        """Whether this end is of such a connection."""
        return self.sends(end) or self.sends(end.other)

    def sends(self, end: LinkEnd) -> bool:
        """Whether one of `nodes` sends here to one of `peers`."""
        return end.host.index in self.nodes and end.other.host.index in self.peers


class Layer(Protocol):
    """One fault's share in what happens to messages."""

    rank: int
    """Lower ranks come first."""

    def concerns(self, end: LinkEnd) -> bool:
        """Whether messages sent at this end are its business."""

    def change(self, end: LinkEnd, parcel: Parcel, weather: "Weather") -> list[Parcel]:
        """What becomes of one of them."""


class Holder(Protocol):
    """A fault that blocks connections."""

    def holds(self, end: LinkEnd) -> bool:
        """Whether nothing sent at this end arrives."""


class Weather:
    """The layers and blocks of one world. The disturbance of every connection that a layer concerns."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._layers: list[Layer] = []
        self._holders: list[Holder] = []
        self._held: dict[LinkEnd, list[Holder]] = {}
        # Where a damaged frame passed, only bytes say how the stream goes on.
        self._streams: dict[LinkEnd, None] = {}
        world.connections.link_hooks.append(self._on_link)

    # --- layers ---

    def add(self, layer: Layer) -> None:
        """From now on."""
        self._layers.append(layer)
        self._layers.sort(key=lambda one: one.rank)
        self._dress_all()

    def remove(self, layer: Layer) -> None:
        """No longer; what it delayed stays delayed."""
        self._layers.remove(layer)
        self._dress_all()

    def keep_as_bytes(self, end: LinkEnd) -> None:
        """All that follows on this direction travels as bytes."""
        self._streams[end] = None

    def _dress_all(self) -> None:
        for end in self.world.connections.link_ends():
            self._dress(end)

    def _dress(self, end: LinkEnd) -> None:
        is_disturbed = end in self._streams or any(layer.concerns(end) for layer in self._layers)
        end.disturbance = self if is_disturbed else None

    def carry(self, end: LinkEnd, message: Message | bytes, size: int, arrival_us: int) -> None:
        """A message set out: what arrives of it, and when."""
        if end in self._streams and not isinstance(message, bytes):
            message = encode_frame(self.world.network.magic, message)
        parcels = [Parcel(message, size, arrival_us)]
        for layer in self._layers:
            if layer.concerns(end):
                parcels = [changed for parcel in parcels for changed in layer.change(end, parcel, self)]
        for parcel in parcels:
            last = end.last_arrival
            arrival = parcel.arrival_us if parcel.is_loose else max(parcel.arrival_us, last)
            self.world.connections.transport.arrive(end, parcel.content, arrival)
            if parcel.is_loose:
                end.last_arrival = last

    # --- blocks ---

    def block(self, holder: Holder) -> int:
        """Hold what it concerns, new connections too; how many directions that are now."""
        self._holders.append(holder)
        return sum([self._hold(end, holder) for end in self.world.connections.link_ends()])

    def unblock(self, holder: Holder) -> list[LinkEnd]:
        """New connections are free; the directions that it still blocks, oldest first, each to be freed by free()."""
        self._holders.remove(holder)
        return [end for end, holders in self._held.items() if holder in holders]

    def free(self, end: LinkEnd, holder: Holder) -> None:
        """Let one direction go, unless another fault blocks it as well."""
        holders = self._held[end]
        holders.remove(holder)
        if not holders:
            del self._held[end]
            self.world.connections.let_go(end)

    def _hold(self, end: LinkEnd, holder: Holder) -> bool:
        if not holder.holds(end):
            return False
        self._held.setdefault(end, []).append(holder)
        self.world.connections.hold(end)
        return True

    def _on_link(self, end: LinkEnd) -> None:
        self._dress(end)
        for holder in self._holders:
            self._hold(end, holder)
