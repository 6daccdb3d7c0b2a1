"""A super node's own status: signed anew where it changed, and published where that may change somebody's choice."""

from collections.abc import Callable
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.overlay.supernode.entries import LIFE_US, STATUS_KEY, Signer, SuperStatus
from minicoin.core.records.record import SignedRecord
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

_FRESH_US: Final = 2 * SECOND_US
"""Whoever asks us hears a status no older, if it has changed."""
_PUBLISH_US: Final = 10 * SECOND_US
"""All super nodes hear of it no more often."""


class OwnStatus:
    """Of one super node."""

    def __init__(self, look: Callable[[], SuperStatus], signer: Signer, alarm: Alarm, rng: Rng) -> None:
        """`look` says how it is now."""
        self._look = look
        self._signer = signer
        self._alarm = alarm
        self._rng = rng
        self._status: SuperStatus | None = None
        self._record: SignedRecord | None = None
        self._looked_at = Micros(0)
        self._signed_at = Micros(0)
        self._published: SuperStatus | None = None
        self.publish_at = Micros(0)
        alarm.by(self.publish_at)

    def record(self, now: Micros) -> SignedRecord:
        """As it is signed."""
        if self._record is not None and now < self._looked_at + _FRESH_US:
            return self._record
        self._looked_at = now
        status = self._look()
        if self._record is None or status != self._status or now >= self._signed_at + LIFE_US // 2:
            self._status, self._signed_at = status, now
            self._record = self._signer.sign(STATUS_KEY, status.encode(), now)
        return self._record

    def on_places(self, free: int, places: int, now: Micros) -> None:
        """LeafPlaces were taken or became free."""
        before = self._published
        if before is not None and (abs(free - before.free) >= max(1, places // 4) or (free == 0) != (before.free == 0)):
            self.publish_at = min(self.publish_at, Micros(now + _PUBLISH_US))
            self._alarm.by(self.publish_at)

    def publish(self, now: Micros) -> SignedRecord | None:
        """The time has come: for all super nodes. None while nobody could reach us by it."""
        record = self.record(now)
        self._published = self._status
        if self._status is None or self._status.address is None:
            self.publish_at = Micros(now + _PUBLISH_US)
            return None
        self.publish_at = Micros(now + LIFE_US // 2 - self._rng.below(LIFE_US // 8))
        return record
