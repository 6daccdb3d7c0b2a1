"""Bitcoin's network model: a fixed number of outbound peers drawn at random from the address book, and every item
announced to everybody."""

from minicoin.core.alarm import Alarm
from minicoin.core.overlay.contract import Item, NetworkView, Overlay, OverlaySetup, Spread, Wants, announce_to_all
from minicoin.core.part import PeerView
from minicoin.core.units import Micros


class RandomOverlay(Overlay):
    """Outbound slots filled at random; spreading by announcement."""

    def __init__(self, setup: OverlaySetup) -> None:
        self.alarm = Alarm()
        self._wants = Wants(setup.full_relay, setup.block_only)

    def wants(self, view: NetworkView, now: Micros) -> Wants:
        """Always the same numbers, whoever is there: the address book's draw is the model."""
        return self._wants

    def spread(self, item: Item, peers: tuple[PeerView, ...], now: Micros) -> tuple[Spread, ...]:
        return announce_to_all(item, peers)
