"""A registry in Consul: a session under which our entry is locked, and one long query that waits for what changes.

1. A session lives up to twice the time it is given: half of a lease is asked for, so that an entry whose node has died
   is gone when its lease would be. What stood there before is replaced in one step, whoever had it locked.
2. Consul tells all that stands below a prefix whenever some of it changes. What is new is found by comparing values;
   its indexes are only handed back. Where one goes back, as after a restored backup, the next query waits for nothing;
   Consul tells of that with the next change, or when the time of the query is over.
3. Where all of it is longer than an answer may be, each node's part is read by itself, so that nobody's large values
   cost more than himself.
4. Lists leave out what we may not read. So that a lost right does not look like an empty registry, it is asked for at
   the start and whenever something is gone.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Final

import trio

from minicoin.core.limits import (
    REGISTRY_KEYS_MAX,
    REGISTRY_NODES_MAX,
    REGISTRY_SILENCE_US,
    REGISTRY_VALUE_BYTES_MAX,
)
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.consul_api import ConsulApi, StoredValue
from minicoin.drivers.registry.lease import Lease, keep
from minicoin.drivers.registry.port import LeaseHolder, Watcher
from minicoin.drivers.registry.settings import ConsulSettings
from minicoin.drivers.reports import Report

_PAUSE_S: Final = 0.5
"""Between two queries: a registry that changes all the time does not keep the node busy."""
_SESSION_LIVES: Final = 2
"""So many times the time that it was given a session may live on."""
_DIGEST_BYTES: Final = 16


class ConsulRegistry:
    """One prefix of one cluster."""

    kind: Final = "consul"

    def __init__(
        self, settings: ConsulSettings, report: Callable[[Report], None], silence_us: int = REGISTRY_SILENCE_US
    ) -> None:
        """Raises MisuseError for certificates that cannot be used."""
        self._api = ConsulApi(settings, report)
        self._prefix = settings.prefix
        self._silence_s = silence_us / SECOND_US

    @property
    def endpoint(self) -> str:
        return self._api.endpoint + self._prefix

    @property
    def problems(self) -> tuple[str, ...]:
        return self._api.problems

    async def hold(self, key: str, value: bytes, lease_us: int, holder: LeaseHolder) -> None:
        session = await self._api.create_session(lease_us // _SESSION_LIVES)

        async def place() -> bytes | None:
            previous = await self._api.read(key)
            await self._api.lock(key, value, session)
            return previous

        async def renew() -> None:
            await self._api.renew_session(session)

        async def give_back() -> None:
            await self._api.destroy_session(session)

        await keep(Lease(place, renew, give_back), value, lease_us, holder)

    async def put(self, key: str, value: bytes) -> None:
        await self._api.put(key, value)

    async def remove(self, key: str) -> None:
        await self._api.remove(key)

    async def watch(self, watcher: Watcher) -> None:
        known: dict[str, bytes] = {}
        index = 0
        while True:
            listing = await self._api.list_below("", index, self._silence_s)
            reading = _Reading(watcher, known)
            if listing.items is None:
                await self._read_parts(reading)
            else:
                reading.take(listing.items)
            if not index or known.keys() - reading.standing.keys():
                await self._api.read("")
            known = reading.standing
            watcher.on_whole(known.keys())
            index = listing.index if listing.index >= index else 0
            await trio.sleep(_PAUSE_S)

    async def close(self) -> None:
        await self._api.close()

    async def _read_parts(self, reading: "_Reading") -> None:
        folders = await self._api.folders()
        if len(folders) > REGISTRY_NODES_MAX:
            reading.leave_out(f"more than {REGISTRY_NODES_MAX} folders below {self._prefix}")
        for folder in folders[:REGISTRY_NODES_MAX]:
            part = await self._api.list_below(folder)
            if part.items is None:
                reading.leave_out(f"{_name(folder)[:100]}: more than can be read")
            else:
                reading.take(part.items)


class _Reading:
    """Once through all that stands there: tells what is new."""

    def __init__(self, watcher: Watcher, known: Mapping[str, bytes]) -> None:
        """`known` was told before: the values' digests by their names."""
        self._watcher = watcher
        self._known = known
        self.standing: dict[str, bytes] = {}

    def take(self, items: Iterable[StoredValue]) -> None:
        """These stand there."""
        for item in items:
            # Those with a slash at their end are folders, as Consul's own pages make them.
            if item.key and not item.key.endswith("/"):
                self._take_one(_name(item.key), item.value)

    def leave_out(self, reason: str) -> None:
        """What stands there cannot be told."""
        self._watcher.on_ignored(reason)

    def _take_one(self, name: str, value: bytes | None) -> None:
        if value is None or len(value) > REGISTRY_VALUE_BYTES_MAX:
            self.leave_out(f"{name[:100]}: a value of more than {REGISTRY_VALUE_BYTES_MAX} bytes")
        elif len(self.standing) >= REGISTRY_KEYS_MAX:
            self.leave_out(f"more than {REGISTRY_KEYS_MAX} keys")
        else:
            digest = self.standing[name] = blake2b(value, digest_size=_DIGEST_BYTES).digest()
            if self._known.get(name) != digest:
                self._watcher.on_value(name, value)


def _name(key: str) -> str:
    return key.encode("ascii", "backslashreplace").decode()
