"""Between a registry and a node: keeps our own entry and records there, and hands what others left to the core.

Three duties go on for ever, each beginning again after a pause when the registry fails it: our entry under its lease,
the watch, and our records. A fourth task delivers to the core, rarely enough that no registry keeps it busy; a fifth
looks once a second at what time brings: a warning, ages, what to save, whom we have met.
"""

import random
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Final, Protocol

import trio

from minicoin.core.events import AddressesFound, AddressesWithdrawn, Event, RecordsHeard
from minicoin.core.faults import DecodeError
from minicoin.core.limits import (
    REGISTRY_DELIVERY_EVERY_US,
    REGISTRY_LEASE_US,
    REGISTRY_NODES_PER_EVENT_MAX,
    REGISTRY_RECORDS_AGAIN_US,
    REGISTRY_RECORDS_PER_EVENT_MAX,
    REGISTRY_RETRY_FIRST_US,
    REGISTRY_RETRY_LAST_US,
    REGISTRY_SAVE_EVERY_US,
)
from minicoin.core.primitives.address import AddressSource, NodeAddress, Services, TimedAddress
from minicoin.core.records.record import SignedRecord
from minicoin.core.units import SECOND_US, seconds
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.registry.content import Place, decode_entry, encode_entry, read_key
from minicoin.drivers.registry.health import Health
from minicoin.drivers.registry.kept import KEPT_KEY, NOTHING_KEPT, Kept, decode_kept, encode_kept
from minicoin.drivers.registry.nodes import RegistryNodes
from minicoin.drivers.registry.port import Registry, RegistryRefused, RegistryUnavailable, WallClock
from minicoin.drivers.registry.records import RegistryRecords
from minicoin.drivers.registry.status import RegistryStatus
from minicoin.drivers.reports import Report
from minicoin.drivers.threads import in_thread

_ENTRY: Final = "entry"
_WATCH: Final = "watch"
_RECORDS: Final = "records"
_LOOK_EVERY_S: Final = 1.0
_RECORDS_EVERY_LOOKS: Final = 10
"""What an operator removed is written again after so many looks, also where nothing changes here."""
_LOST_AFTER_LOOKS: Final = 10
"""Our entry is written again where another has stood for so many, or none: what a watch tells comes a little late."""
_SAVE_EVERY_S: Final = REGISTRY_SAVE_EVERY_US // SECOND_US
_AGAIN_S: Final = REGISTRY_RECORDS_AGAIN_US // SECOND_US


class NodeSide(Protocol):
    """What is read of the node, between two of its events."""

    @property
    def network_id(self) -> bytes: ...
    @property
    def peer_id(self) -> bytes: ...
    def addresses(self) -> tuple[NodeAddress, ...]:
        """Where it can be reached, as far as is known by now; none where it does not listen."""

    def peers(self) -> Iterable[bytes]:
        """The peer ids that it is connected with."""

    @property
    def record_changes(self) -> int:
        """How often the records that it holds have changed."""

    def records(self) -> Iterable[SignedRecord]:
        """The records that it holds."""


class RegistryCarrier:
    """One node's dealings with one registry."""

    def __init__(
        self,
        registry: Registry,
        node: NodeSide,
        documents: DocumentStore,
        put: Callable[[Event], None],
        report: Callable[[Report], None],
        clock: WallClock,
        max_age_us: int,
        lease_us: int = REGISTRY_LEASE_US,
    ) -> None:
        """`put` hands an event to the core."""
        self._registry = registry
        self._node = node
        self._documents = documents
        self._put = put
        self._clock = clock
        self._lease_us = lease_us
        self._max_age_s = max_age_us // SECOND_US
        kept, trouble = self._load()
        self._nodes = RegistryNodes(kept, self._max_age_s)
        self._nodes.expire(self._now_s())
        self._records = RegistryRecords(node.peer_id)
        self._health = Health(lambda: registry.endpoint, report, kept.heard_s)
        if trouble:
            self._health.warn(trouble)
        self._news = trio.Event()
        """Set when there may be something to tell the core."""
        self._is_announced = False
        self._addresses: tuple[NodeAddress, ...] = ()
        self._holding = trio.CancelScope()
        """Of our entry, as it is."""
        self._entry = b""
        """What we write there."""
        self._standing: bytes | None = None
        """What was seen to stand there last."""
        self._has_stood = False
        """Ours was seen there."""
        self._lost_looks = 0
        self._has_read = False
        self._saved_changes = self._nodes.changes
        self._saved_s = self._now_s()
        self._again_s = self._now_s()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._persist, _ENTRY, self._hold_entry)
                nursery.start_soon(self._persist, _WATCH, self._watch)
                nursery.start_soon(self._persist, _RECORDS, self._write_records)
                nursery.start_soon(self._deliver)
                nursery.start_soon(self._look)
        finally:
            with trio.CancelScope(shield=True):
                await self._save()
                await self._registry.close()

    def status(self) -> RegistryStatus:
        """As it is now."""
        now_s, health = self._now_s(), self._health
        return RegistryStatus(
            kind=self._registry.kind,
            endpoint=self._registry.endpoint,
            connected_since=health.connected_since,
            unreachable_since=health.unreachable_since,
            last_heard=health.last_heard,
            is_announced=self._is_announced,
            nodes=len(self._nodes),
            nodes_listed=self._nodes.listed_count,
            records=len(self._records),
            ignored=health.ignored,
            max_age_s=self._max_age_s,
            error=health.error,
            warnings=(*health.warnings(now_s), *self._registry.problems),
        )

    # --- duties ---

    async def _persist(self, duty: str, work: Callable[[], Awaitable[None]]) -> None:
        pause_s = REGISTRY_RETRY_FIRST_US / SECOND_US
        while True:
            began = trio.current_time()
            try:
                await work()
            except RegistryUnavailable as failure:
                self._on_failure(duty, failure)
            if trio.current_time() - began > REGISTRY_RETRY_LAST_US / SECOND_US:
                # It went well for a while.
                pause_s = REGISTRY_RETRY_FIRST_US / SECOND_US
            # Nodes that lost it together do not all come back at one moment.
            await trio.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(2 * pause_s, REGISTRY_RETRY_LAST_US / SECOND_US)

    def _on_failure(self, duty: str, failure: RegistryUnavailable) -> None:
        self._health.on_failure(duty, str(failure), is_refusal=isinstance(failure, RegistryRefused))
        if duty == _ENTRY:
            self._is_announced = False
        elif duty == _WATCH:
            self._has_read = False
            self._nodes.on_lost()
            self._health.on_lost(str(failure), self._now_s())

    async def _hold_entry(self) -> None:
        while True:
            self._addresses = self._node.addresses()
            if self._addresses:
                self._entry = encode_entry(self._node.network_id, self._addresses)
                # What stands there already is not told again when it is placed anew.
                self._has_stood, self._lost_looks = self._standing == self._entry, 0
                with trio.CancelScope() as self._holding:
                    await self._registry.hold(Place(self._node.peer_id).key, self._entry, self._lease_us, self)
                self._is_announced = False
            await trio.sleep(_LOOK_EVERY_S)

    async def _watch(self) -> None:
        await self._registry.watch(self)

    async def _write_records(self) -> None:
        seen, looks = -1, 0
        while True:
            await trio.sleep(_LOOK_EVERY_S)
            if not self._has_read:
                continue
            looks += 1
            changes = self._node.record_changes
            if changes != seen or looks % _RECORDS_EVERY_LOOKS == 0:
                await self._write_changes()
                seen = changes
            self._health.on_success(_RECORDS)

    async def _write_changes(self) -> None:
        held, now = tuple(self._node.records()), trio.current_time()
        for place, raw in self._records.to_write(held).items():
            await self._registry.put(place.key, raw)
            self._records.put(place, raw, now)
        for place in self._records.to_remove(held, now):
            await self._registry.remove(place.key)
            self._records.drop(place)

    # --- what the registry says of our entry ---

    def on_held(self, previous: bytes | None) -> None:
        """Our entry stands."""
        self._is_announced = True
        self._health.on_success(_ENTRY)
        if previous is not None:
            self._health.warn(
                "another entry stood below our peer id: if it was not this node's at another address, two nodes run "
                "with one identity, or somebody else may write there"
            )

    def on_renewed(self) -> None:
        """Our entry still stands."""
        self._health.on_heard(self._now_s())

    # --- what the registry says of others ---

    def on_value(self, key: str, value: bytes) -> None:
        """A value stands there."""
        try:
            place = read_key(key)
            if place.record:
                has_room = self._records.put(place, value, trio.current_time())
            elif place.owner == self._node.peer_id:
                self._standing = value
                self._has_stood |= value == self._entry
                return
            else:
                addresses = decode_entry(value, self._node.network_id, place.owner)
                has_room = self._nodes.on_listed(place.owner, addresses, self._now_s())
        except DecodeError as error:
            self._health.on_ignored(f"{key[:100]}: {error}")
            self.on_gone(key)
            return
        self._news.set()
        if not has_room:
            self._health.on_ignored(f"{key}: no room for more of it")

    def on_gone(self, key: str) -> None:
        """A value stands there no more."""
        try:
            place = read_key(key)
        except DecodeError:
            return
        if place.record:
            self._records.drop(place)
        elif place.owner == self._node.peer_id:
            self._standing = None
        else:
            self._nodes.on_gone(place.owner)
            self._news.set()

    def on_whole(self, keys: Collection[str]) -> None:
        """These values stand there and no others."""
        places: dict[Place, None] = {}
        for key in keys:
            try:
                places[read_key(key)] = None
            except DecodeError:
                continue
        if Place(self._node.peer_id) not in places:
            self._standing = None
        self._records.keep_only(places)
        self._nodes.on_whole({place.owner: None for place in places if not place.record})
        self._news.set()
        self.on_alive()
        self._has_read = True
        self._health.on_success(_WATCH)
        self._health.on_connected(self._nodes.listed_count, self._now_s())

    def on_alive(self) -> None:
        """The registry was heard from."""
        now_s = self._now_s()
        self._nodes.on_alive(now_s)
        self._health.on_heard(now_s)

    def on_ignored(self, reason: str) -> None:
        """Something there was left out."""
        self._health.on_ignored(reason)

    # --- to the core ---

    async def _deliver(self) -> None:
        while True:
            if not self._deliver_some():
                await self._news.wait()
                self._news = trio.Event()
            await trio.sleep(REGISTRY_DELIVERY_EVERY_US / SECOND_US)

    def _deliver_some(self) -> bool:
        """Three events at most, each of a bounded size; whether there was anything to tell."""
        origin = self._registry.kind
        withdrawn = self._nodes.take_withdrawn()
        if withdrawn:
            self._put(AddressesWithdrawn(AddressSource.REGISTRY, origin, withdrawn))
        found = tuple(
            TimedAddress(address, int(Services.NETWORK), node.heard_s)
            for node in self._nodes.take_news(REGISTRY_NODES_PER_EVENT_MAX)
            for address in node.addresses
        )
        if found:
            self._put(AddressesFound(AddressSource.REGISTRY, origin, found))
        records = self._records.take_news(REGISTRY_RECORDS_PER_EVENT_MAX)
        if records:
            self._put(RecordsHeard(origin, records))
        return bool(withdrawn or found or records)

    # --- time ---

    async def _look(self) -> None:
        while True:
            await trio.sleep(_LOOK_EVERY_S)
            now_s = self._now_s()
            if self._node.addresses() != self._addresses:
                # Our peers see us at another address than before.
                self._holding.cancel()
            elif self._is_entry_lost():
                self._health.warn("our entry was replaced or removed by somebody else; it is written again")
                self._holding.cancel()
            self._nodes.on_met(self._node.peers())
            self._nodes.expire(now_s)
            self._health.look(now_s)
            if now_s - self._again_s >= _AGAIN_S:
                self._again_s = now_s
                self._records.tell_again()
            self._news.set()
            if self._nodes.changes != self._saved_changes or now_s - self._saved_s >= _SAVE_EVERY_S:
                await self._save()

    def _is_entry_lost(self) -> bool:
        """Whether something else than our entry has stood in its place for a while, or nothing."""
        is_expected = self._is_announced and self._has_read and self._has_stood
        self._lost_looks = self._lost_looks + 1 if is_expected and self._standing != self._entry else 0
        return self._lost_looks >= _LOST_AFTER_LOOKS

    # --- what is kept ---

    def _load(self) -> tuple[Kept, str]:
        """And what is wrong with it, if anything is."""
        try:
            raw = self._documents.load(KEPT_KEY)
            return (NOTHING_KEPT if raw is None else decode_kept(raw, self._node.network_id)), ""
        except DecodeError as error:
            aside = self._documents.set_aside(KEPT_KEY)
            return NOTHING_KEPT, f"what was kept of the registry was damaged ({error}); it is now {aside.name}"

    async def _save(self) -> None:
        raw = encode_kept(Kept(self._health.last_heard, self._nodes.all), self._node.network_id)
        self._saved_changes, self._saved_s = self._nodes.changes, self._now_s()
        try:
            await in_thread(partial(self._documents.save, KEPT_KEY, raw))
        except OSError as error:
            self._health.warn(f"what is kept of the registry cannot be saved: {error.strerror}")

    def _now_s(self) -> int:
        return seconds(self._clock())
