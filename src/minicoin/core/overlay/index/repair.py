"""What a member missed it asks an index for, which is told of everything.

An index announces each item to a few only, and a member may have nobody else: those whom nobody can dial are connected
to the index and never to each other, and a few members that chose each other alone are a network of their own. So each
asks one of its indexes, at random, now and then; more often who has fewer than ENOUGH_MEMBERS members connected. It
costs two short messages where nothing was missed.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.effects import Effect
from minicoin.core.overlay.contract import OverlaySetup
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.overlay.repair.pulls import Pulls
from minicoin.core.part import PeerView
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.messages_extension import ExtensionMessage

ENOUGH_MEMBERS: Final = 2
SHORT_PERIOD_US: Final = 10 * SECOND_US
PERIOD_US: Final = 30 * SECOND_US


class IndexRepair:
    """Of one node, both ways."""

    def __init__(self, setup: OverlaySetup) -> None:
        self._rng = setup.rng.stream("repair")
        self._pulls = Pulls(setup.ledger, self._rng, setup.group)
        self._speaking: dict[ConnId, None] = {}
        self.next_at: Micros | None = None
        """When to ask next; None while no index is followed."""

    @property
    def rounds(self) -> int:
        return self._pulls.rounds

    def on_offer(self, conn: ConnId, speaks: tuple[type[ExtensionMessage], ...]) -> None:
        """A peer of the model, which may be of a version that does not answer this."""
        if Pull in speaks and Pulled in speaks:
            self._speaking[conn] = None

    def on_closed(self, conn: ConnId) -> None:
        self._speaking.pop(conn, None)
        self._pulls.forget(conn)

    def start(self, now: Micros) -> None:
        """An index was met."""
        if self.next_at is None:
            self.next_at = self._after(SHORT_PERIOD_US, now)

    def _after(self, period_us: int, now: Micros) -> Micros:
        """From three quarters of the period to five."""
        return Micros(now + period_us * 3 // 4 + self._rng.below(period_us // 2 + 1))

    def on_deadline(self, indexes: Iterable[ConnId], members: int, now: Micros) -> list[Effect]:
        """Ask one of these indexes, where it is time; so many members are connected."""
        if self.next_at is None or self.next_at > now:
            return []
        asked = [conn for conn in indexes if conn in self._speaking]
        period_us = PERIOD_US if members >= ENOUGH_MEMBERS else SHORT_PERIOD_US
        self.next_at = self._after(period_us, now) if asked else None
        return self._pulls.begin_round(asked, 1, now)

    def take_pull(self, peer: PeerView, message: Pull, now: Micros) -> Iterable[Effect]:
        """Anybody of the model may ask."""
        return self._pulls.take_pull(peer, message, now) if peer.conn in self._speaking else ()

    def take_pulled(self, peer: PeerView, message: Pulled, now: Micros) -> Iterable[Effect]:
        self._pulls.take_pulled(peer, message, now)
        return ()
