"""The address book: takes gossip, remembers attempts, and says whom to try next. Owns no connection (connmgr does).

Bitcoin Core's address manager: gossip enters the new table, addresses that once answered move to the tried one; where
two want one tried slot, the older is tested before it is evicted. Everything is chosen by a keyed hash or the rng.

A collision in the tried table waits for that test, at most ten at a time. It ends on a deadline, whether anybody tested
or not: the holder stays if it answered within four hours, goes if it was dialled and stayed silent for a minute, and
goes if 40 minutes brought no test. Ten collisions that nobody decides would close the tried table to all newcomers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Final

from minicoin.core.addrmgr.entry import KnownAddress, believed_time
from minicoin.core.addrmgr.groups import is_routable, network_group
from minicoin.core.addrmgr.persistence import decode_tables, encode_tables
from minicoin.core.addrmgr.tables import KEY_BYTES, Tables
from minicoin.core.alarm import Alarm
from minicoin.core.limits import (
    ADDRESS_NEW_SLOTS_PER_ADDRESS,
    ADDRESS_SAMPLE_PERCENT_MAX,
    ADDRESS_SAMPLE_SMALL,
    ADDRESSES_PER_MESSAGE_MAX,
    TRIED_COLLISIONS_MAX,
)
from minicoin.core.primitives.address import NodeAddress, TimedAddress, normalise_host
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, Micros, seconds

GOSSIP_PENALTY_S: Final = 2 * 3600
CONNECTED_UPDATE_S: Final = 20 * 60
REPLACEMENT_S: Final = 4 * 3600
COLLISION_TEST_WINDOW_S: Final = 40 * 60
COLLISION_TRY_S: Final = 60
# How often collisions are looked at: a dial has had its minute by then.
COLLISION_CHECK_US: Final = MINUTE_US
# Services are 64 bits, whoever names them.
_SERVICES_MASK: Final = 2**64 - 1
_ONLINE_S: Final = 24 * 3600
_UPDATE_ONLINE_S: Final = 3600
_UPDATE_OFFLINE_S: Final = 24 * 3600
_CHANCE_GROWTH: Final = 1.2
# The least chance, 0.01 * 0.66**8, reaches certainty after 44 refusals.
_SELECT_TRIES: Final = 100
# Where there is an address, a group begins with what kind it is of, and none with this byte.
_REGISTRY_GROUP: Final = b"\x72"


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """The book from outside."""

    new: int
    tried: int
    collisions: tuple[NodeAddress, ...]

    @property
    def size(self) -> int:
        return self.new + self.tried


class BookNews(Enum):
    """What a book came to know."""

    LEARNED = auto()
    """Addresses that it did not hold."""
    ANSWERED = auto()
    """That somebody is at an address of whom that was hearsay."""
    ENTERED = auto()
    """An address of a person's."""


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """What the book knows of one address. Times in Unix seconds, 0 for never."""

    timed: TimedAddress
    last_success: int
    last_attempt: int
    attempts: int
    is_tried: bool


@dataclass(frozen=True, slots=True)
class BookPlace:
    """Where an address stands: in slots of the new table, or in one of the tried; a slot is bucket * 64 + place."""

    timed: TimedAddress
    new_slots: tuple[int, ...]
    tried_slot: int | None


class AddressBook:
    """Addresses of nodes. All methods take the time and never fail for an unknown address."""

    def __init__(self, rng: Rng, allow_private: bool, tables: Tables | None = None) -> None:
        self.alarm = Alarm()
        self._rng = rng
        self._allow_private = allow_private
        self._tables = Tables(rng.bytes(KEY_BYTES)) if tables is None else tables
        # Addresses that answered while an older one held their tried slot, in order of arrival.
        self._collisions: dict[NodeAddress, None] = {}
        self._resolve_at: Micros | None = None
        # Failures count once per success of any node: when we are offline, nobody is to blame.
        self._last_good_s = 1
        self._tell: Callable[[BookNews, Micros], None] = _ignore

    @classmethod
    def from_bytes(cls, raw: bytes, rng: Rng, allow_private: bool) -> "AddressBook":
        """What to_bytes gave. Addresses this network does not allow are left out. Raises DecodeError."""
        return cls(rng, allow_private, decode_tables(raw, allow_private=allow_private))

    def to_bytes(self) -> bytes:
        """The persisted form: key, addresses with their slots, checksum."""
        return encode_tables(self._tables)

    @property
    def size(self) -> int:
        return len(self._tables.entries)

    def snapshot(self) -> BookSnapshot:
        tried = self._tables.tried_count
        return BookSnapshot(self.size - tried, tried, tuple(self._collisions))

    def find(self, address: NodeAddress) -> AddressRecord | None:
        """What is known of an address."""
        entry = self._find(address)
        if entry is None:
            return None
        return AddressRecord(entry.timed, entry.last_success, entry.last_attempt, entry.attempts, entry.is_tried)

    def has_answered(self, address: NodeAddress) -> bool:
        """Whether a handshake with it was ever complete."""
        entry = self._find(address)
        return entry is not None and bool(entry.last_success)

    def group(self, address: NodeAddress) -> bytes:
        """The network group that connections should be spread over."""
        return network_group(address, allow_private=self._allow_private)

    def is_routable(self, address: NodeAddress) -> bool:
        """Whether this address may be in the book and be told to others."""
        return is_routable(address, allow_private=self._allow_private)

    # --- what happened ---

    def listen(self, listener: Callable[[BookNews, Micros], None]) -> None:
        """It is told what the book comes to know, from now on."""
        self._tell = listener

    def add(
        self, addresses: Iterable[TimedAddress], source: NodeAddress | None, now: Micros
    ) -> tuple[NodeAddress, ...]:
        """Take addresses that `source` told us (None: found by ourselves); gives those that were new to the book."""
        return self._take(addresses, source, b"" if source is None else self.group(source), now)

    def add_listed(self, addresses: Iterable[TimedAddress], now: Micros) -> tuple[NodeAddress, ...]:
        """Take addresses that a registry lists. It fills the buckets of one source and no others, however many it
        lists: what DNS, peers and the operator name keeps its own."""
        return self._take(addresses, None, _REGISTRY_GROUP, now)

    def _take(
        self, addresses: Iterable[TimedAddress], source: NodeAddress | None, source_group: bytes, now: Micros
    ) -> tuple[NodeAddress, ...]:
        teller = None if source is None else _normalise(source)
        taken = [self._add(timed, teller, source_group, seconds(now)) for timed in addresses]
        added = tuple(address for address in taken if address is not None)
        if added:
            self._tell(BookNews.LEARNED, now)
        return added

    def enter(self, address: TimedAddress, now: Micros) -> tuple[NodeAddress, ...]:
        """Take an address that a person told us; gives it if it was new to the book."""
        added = self.add((address,), address.address, now)
        if added:
            self._tell(BookNews.ENTERED, now)
        return added

    def withdraw(self, addresses: Iterable[NodeAddress]) -> tuple[NodeAddress, ...]:
        """Forget those of these that a registry listed first and that never answered; gives whom it forgot."""
        forgotten: list[NodeAddress] = []
        for address in addresses:
            entry = self._find(address)
            # Who answered is known by that, and what others told us first they stand by.
            is_listed = entry is not None and entry.source_group == _REGISTRY_GROUP
            if entry is not None and is_listed and not (entry.is_tried or entry.last_success):
                self._tables.forget_new(entry)
                forgotten.append(entry.address)
        return tuple(forgotten)

    def mark_attempt(self, address: NodeAddress, now: Micros, *, count_failure: bool = True) -> None:
        """We are dialling. The failure counts at once, and mark_good takes it back."""
        entry = self._find(address)
        if entry is None:
            return
        entry.last_attempt = seconds(now)
        if count_failure and entry.last_counted_attempt < self._last_good_s:
            entry.last_counted_attempt = entry.last_attempt
            entry.attempts += 1

    def mark_good(self, address: NodeAddress, now: Micros) -> None:
        """The handshake of an outbound connection is complete: the address belongs into the tried table."""
        entry = self._find(address)
        if entry is None:
            return
        if not entry.last_success:
            self._tell(BookNews.ANSWERED, now)
        entry.last_success = entry.last_attempt = self._last_good_s = seconds(now)
        entry.attempts = 0
        if entry.is_tried:
            return
        if self._tables.tried_at(self._tables.tried_slot(entry)) is None:
            self._tables.move_to_tried(entry)
        elif len(self._collisions) < TRIED_COLLISIONS_MAX:
            self._collisions[entry.address] = None
            if self._resolve_at is None:
                self._resolve_by(Micros(now + COLLISION_CHECK_US))

    def mark_connected(self, address: NodeAddress, now: Micros) -> None:
        """A connection worked until now. Coarse, so that gossip does not tell when we were connected."""
        entry = self._find(address)
        if entry is not None and seconds(now) - entry.time > CONNECTED_UPDATE_S:
            entry.time = seconds(now)

    def set_services(self, address: NodeAddress, services: int) -> None:
        """What the node itself said it offers."""
        entry = self._find(address)
        if entry is not None:
            entry.services = services & _SERVICES_MASK

    # --- whom to try ---

    def select(
        self, now: Micros, *, new_only: bool = False, exclude_groups: frozenset[bytes] = frozenset()
    ) -> NodeAddress | None:
        """Somebody to dial: from either table with equal chance, any bucket alike, seldom who failed lately."""
        has_new, has_tried = self.size > self._tables.tried_count, self._tables.tried_count > 0
        first_tried = has_tried and not new_only and (not has_new or self._rng.below(2) == 1)
        # The other table only where the first one holds nobody outside the excluded groups.
        for tried in (True, False) if first_tried else (False,) if new_only else (False, True):
            chosen = self._select(tried, seconds(now), exclude_groups)
            if chosen is not None:
                return chosen.address
        return None

    def resolve_collisions(self, now: Micros) -> None:
        """Decide each collision whose holder was tested, or waited too long for a test. Due at next_deadline()."""
        for address in list(self._collisions):
            entry = self._tables.entries.get(address)
            if entry is None or entry.is_tried or not entry.last_success:
                # Replaced since, perhaps by news of the same address that never answered.
                del self._collisions[address]
                continue
            holder = self._tables.tried_at(self._tables.tried_slot(entry))
            keeps = holder is not None and _keeps_slot(holder, entry, seconds(now))
            if keeps is None:
                continue
            del self._collisions[address]
            if not keeps:
                self._tables.move_to_tried(entry)
        self._resolve_by(Micros(now + COLLISION_CHECK_US) if self._collisions else None)

    def next_deadline(self) -> Micros | None:
        """When resolve_collisions has something to look at."""
        return self._resolve_at

    def sample(self, now: Micros, count: int = ADDRESSES_PER_MESSAGE_MAX) -> list[TimedAddress]:
        """What to answer a getaddr: at most `count` and 23 % of the book (a small book whole), nobody hopeless."""
        share = max(self.size * ADDRESS_SAMPLE_PERCENT_MAX // 100, ADDRESS_SAMPLE_SMALL)
        wanted = min(count, share, ADDRESSES_PER_MESSAGE_MAX)
        sampled: list[TimedAddress] = []
        for index in range(self.size):
            if len(sampled) >= wanted:
                break
            entry = self._tables.draw(index, self._rng)
            if not entry.is_terrible(seconds(now)):
                sampled.append(entry.timed)
        return sampled

    def known(self, now: Micros, count: int) -> tuple[NodeAddress, ...]:
        """At most `count` addresses in the order they came to be known, nobody hopeless; a pure read."""
        hopeful = (entry.address for entry in self._tables.entries.values() if not entry.is_terrible(seconds(now)))
        return tuple(islice(hopeful, count))

    def of_peer(self, peer_id: bytes) -> tuple[NodeAddress, ...]:
        """Where this peer was heard of, the latest first; a pure read. A book that is full takes 5 ms."""
        found = [entry for entry in self._tables.entries.values() if entry.address.peer_id == peer_id]
        return tuple(entry.address for entry in sorted(found, key=lambda entry: -entry.timed.time))

    def page(self, count: int, skip: int = 0) -> tuple[TimedAddress, ...]:
        """At most `count` addresses behind the first `skip`, in the order they came to be known; a pure read, unlike
        sample()."""
        return tuple(entry.timed for entry in islice(self._tables.entries.values(), skip, skip + count))

    def places(self, count: int, skip: int = 0) -> tuple[BookPlace, ...]:
        """The same with where each address stands in the tables."""
        entries = islice(self._tables.entries.values(), skip, skip + count)
        return tuple(BookPlace(entry.timed, entry.new_slots, entry.tried_slot) for entry in entries)

    # --- within ---

    def _resolve_by(self, at: Micros | None) -> None:
        self._resolve_at = at
        self.alarm.by(at)

    def _find(self, address: NodeAddress) -> KnownAddress | None:
        entry = self._tables.entries.get(address)
        return self._tables.entries.get(_normalise(address)) if entry is None else entry

    def _add(
        self, timed: TimedAddress, teller: NodeAddress | None, source_group: bytes, now_s: int
    ) -> NodeAddress | None:
        """The address as the book spells it, where it is new there."""
        time = believed_time(timed.time, now_s)
        entry = self._tables.entries.get(timed.address) or self._make_entry(timed, source_group)
        if entry is None:
            return None
        # What a node says of itself, and what we found ourselves, is not hearsay.
        penalty = GOSSIP_PENALTY_S if teller is not None and teller != entry.address else 0
        is_new = entry.address not in self._tables.entries
        if is_new:
            # Without a penalty the number itself, which all that is told in one message share.
            entry.time = max(0, time - penalty) if penalty else time
            self._tables.create(entry)
        elif not self._refresh(entry, timed.services, time, penalty, now_s):
            return None
        slot = self._tables.new_slot(entry, source_group)
        if may_take(self._tables, slot, entry, now_s):
            self._tables.put_new(entry, slot)
            return entry.address if is_new else None
        if not entry.new_slots:
            self._tables.delete(entry)
        return None

    def _make_entry(self, timed: TimedAddress, source_group: bytes) -> KnownAddress | None:
        """An entry for a spelling that is not in the book: the known one, a fresh one, or None if not allowed."""
        if not is_routable(timed.address, allow_private=self._allow_private):
            return None
        address = _normalise(timed.address)
        known = self._tables.entries.get(address)
        if known is not None:
            return known
        group = network_group(address, allow_private=self._allow_private)
        return KnownAddress(address, group, source_group, timed.services & _SERVICES_MASK, timed.time)

    def _refresh(self, entry: KnownAddress, services: int, time: int, penalty: int, now_s: int) -> bool:
        """Take news of a known address; true where it deserves another slot of the new table."""
        interval = _UPDATE_ONLINE_S if now_s - time < _ONLINE_S else _UPDATE_OFFLINE_S
        is_newer = time > entry.time
        if entry.time < time - interval - penalty:
            entry.time = max(0, time - penalty)
        entry.services |= services & _SERVICES_MASK
        if not is_newer or entry.is_tried or len(entry.new_slots) >= ADDRESS_NEW_SLOTS_PER_ADDRESS:
            return False
        # Each further slot is half as likely: repeating an address must not multiply it.
        return self._rng.below(1 << len(entry.new_slots)) == 0

    def _select(self, tried: bool, now_s: int, exclude_groups: frozenset[bytes]) -> KnownAddress | None:
        buckets = self._tables.buckets(tried=tried)
        if not buckets:
            return None
        factor = 1.0
        for _ in range(_SELECT_TRIES):
            entry = self._rng.choice(self._rng.choice(buckets))
            if entry.group in exclude_groups:
                continue
            if self._rng.uniform() < factor * entry.chance(now_s):
                return entry
            factor *= _CHANCE_GROWTH
        # Nearly everybody is excluded: draw evenly from those who are not.
        allowed = [entry for bucket in buckets for entry in bucket if entry.group not in exclude_groups]
        return self._rng.choice(allowed) if allowed else None


def may_take(tables: Tables, slot: int, entry: KnownAddress, now_s: int) -> bool:
    """Whether an entry may stand in a slot of the new table: a free one, a hopeless holder's, or one of several."""
    holder = tables.new_at(slot)
    if holder is None:
        return True
    if holder is entry:
        return False
    return holder.is_terrible(now_s) or (len(holder.new_slots) > 1 and not entry.new_slots)


def _keeps_slot(holder: KnownAddress, rival: KnownAddress, now_s: int) -> bool | None:
    """Whether the holder of a tried slot keeps it, or None while that is not known."""
    if now_s - holder.last_success < REPLACEMENT_S:
        return True
    if now_s - holder.last_attempt < REPLACEMENT_S:
        # It was dialled and has not answered: give the dial its time.
        return False if now_s - holder.last_attempt > COLLISION_TRY_S else None
    return False if now_s - rival.last_success > COLLISION_TEST_WINDOW_S else None


def _ignore(news: BookNews, now: Micros) -> None:
    """Nobody listens."""


def _normalise(address: NodeAddress) -> NodeAddress:
    host = normalise_host(address.host)
    return address if host == address.host else NodeAddress(host, address.port, address.peer_id)
