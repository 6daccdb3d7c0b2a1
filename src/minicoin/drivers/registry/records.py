"""The signed records that stand in a registry, as bytes: what others left, what of it the core is to be told, and what
of our own is to be written or removed. Whether a record counts the core decides."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.limits import REGISTRY_BYTES_MAX, REGISTRY_RECORDS_PER_NODE_MAX
from minicoin.core.records.kinds import CHANGE, KINDS, SETTINGS_CHANGE
from minicoin.core.records.record import SignedRecord, decode_record
from minicoin.drivers.registry.content import Place, record_name

_SETTLED_S: Final = 10.0
"""What stands below our key and is not ours to keep is removed after this time: the core has judged it by then."""


@dataclass(frozen=True, slots=True)
class _Standing:
    raw: bytes
    since: float


class RegistryRecords:
    """Of one registry. `own` is our peer id."""

    def __init__(self, own: bytes) -> None:
        self._own = own
        self._standing: dict[Place, _Standing] = {}
        self._copies: dict[bytes, int] = {}
        self._counts: dict[bytes, int] = {}
        self._size = 0
        self._news: dict[bytes, None] = {}

    def __len__(self) -> int:
        """How many different ones."""
        return len(self._copies)

    # --- what stands there ---

    def put(self, place: Place, raw: bytes, now: float) -> bool:
        """This stands there; false where there is no room."""
        self.drop(place)
        count = self._counts.get(place.owner, 0)
        if count >= REGISTRY_RECORDS_PER_NODE_MAX or self._size + len(raw) > REGISTRY_BYTES_MAX:
            return False
        self._standing[place] = _Standing(raw, now)
        self._counts[place.owner] = count + 1
        self._size += len(raw)
        copies = self._copies[raw] = self._copies.get(raw, 0) + 1
        if copies == 1:
            # The others hold the same, mostly.
            self._news[raw] = None
        return True

    def drop(self, place: Place) -> None:
        """Nothing stands there any more."""
        standing = self._standing.pop(place, None)
        if standing is None:
            return
        self._size -= len(standing.raw)
        self._counts[place.owner] -= 1
        if not self._counts[place.owner]:
            del self._counts[place.owner]
        self._copies[standing.raw] -= 1
        if not self._copies[standing.raw]:
            del self._copies[standing.raw]
            self._news.pop(standing.raw, None)

    def keep_only(self, places: Collection[Place]) -> None:
        """These and no others."""
        for place in [place for place in self._standing if place not in places]:
            self.drop(place)

    # --- what the core is told ---

    def take_news(self, count_max: int) -> tuple[bytes, ...]:
        """At most so many that it was not told."""
        told = tuple(self._news)[:count_max]
        for raw in told:
            del self._news[raw]
        return told

    def tell_again(self) -> None:
        """All that stands there is news."""
        self._news = dict.fromkeys(self._copies)

    # --- our own ---

    def to_write(self, held: Iterable[SignedRecord]) -> dict[Place, bytes]:
        """What of the records that we hold does not stand there in this version or a newer one."""
        return {place: raw for place, raw in self._wanted(held).items() if not self._stands(place, raw)}

    def to_remove(self, held: Iterable[SignedRecord], now: float) -> list[Place]:
        """What stands below our peer id, has been judged, and is not held."""
        wanted = self._wanted(held)
        return [
            place
            for place, standing in self._standing.items()
            if place.owner == self._own and place not in wanted and now - standing.since > _SETTLED_S
        ]

    def _wanted(self, held: Iterable[SignedRecord]) -> dict[Place, bytes]:
        """What keys of the network have signed, first what several signed together; and our own drafts of changes. If
        there is room, evidence."""
        trusted = [record for record in held if KINDS[record.kind].is_trusted or self._is_draft(record)]
        trusted.sort(key=lambda record: (KINDS[record.kind].proves_itself, bool(record.owner)))
        chosen = trusted[:REGISTRY_RECORDS_PER_NODE_MAX]
        return {Place(self._own, record_name(record)): record.encode() for record in chosen}

    def _is_draft(self, record: SignedRecord) -> bool:
        """A change of members or settings that we wait for others to sign; any node may make such records, so that
        those of others are theirs to leave."""
        return record.kind in (CHANGE, SETTINGS_CHANGE) and record.owner == self._own

    def _stands(self, place: Place, raw: bytes) -> bool:
        standing = self._standing.get(place)
        if standing is None:
            return False
        try:
            return standing.raw == raw or decode_record(standing.raw).version > decode_record(raw).version
        except DecodeError:
            return False
