"""A network model for small labs: every node is connected to every other that it knows of, and announces to them all.

Blocks and transactions take one hop. The price grows with the square of the nodes, so it ends where a node's overlay
slots are full: then it stays with those it has, and is one of many that somebody else is connected to.

Two nodes often learn of each other at the same time, from whom they both know. Each waits a random while before it
dials, so that as a rule one of them is first and the other finds itself connected.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect
from minicoin.core.limits import OVERLAY_ADDRESSES_MAX
from minicoin.core.overlay.contract import Item, NetworkView, Overlay, OverlaySetup, Spread, Wants, announce_to_all
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US, Micros

# Long beside a handshake, short beside a person's patience.
_WAIT_MEAN_US: Final = 2 * SECOND_US


class EverybodyOverlay(Overlay):
    """Connected to all known addresses; spreading by announcement."""

    def __init__(self, setup: OverlaySetup) -> None:
        self.alarm = Alarm()
        self._rng = setup.rng
        # When each address is dialled that the book shows; as many as that.
        self._dial_at: dict[NodeAddress, Micros] = {}
        self._looked_at = Micros(0)

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """All that the address book shows, each after its wait; none drawn from it besides."""
        self._dial_at = {address: self._time_of(address, now) for address in view.known(OVERLAY_ADDRESSES_MAX)}
        self._looked_at = now
        self.alarm.by(self.next_deadline())
        return Wants(addresses=tuple(address for address, at in self._dial_at.items() if at <= now))

    def _time_of(self, address: NodeAddress, now: Micros) -> Micros:
        known = self._dial_at.get(address)
        return Micros(now + self._rng.exponential_us(_WAIT_MEAN_US)) if known is None else known

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        return announce_to_all(item, peers)

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """A wait is over: what is wanted now, wants() says."""
        self._looked_at = now
        return ()

    def next_deadline(self) -> Micros | None:
        """The end of the next wait."""
        return min((at for at in self._dial_at.values() if at > self._looked_at), default=None)
