"""A registry in etcd: leases, watches, and reading again where a watch cannot go on.

A value under a lease is written only if nothing stands there, so that it shows when another node writes below our peer
id. What stands there is read as keys first and values one by one, so that nobody's large value costs more than itself;
then a watch tells what changes from that revision on. Reading begins again where changes were compacted away, a line
was too long, or nothing was heard for a while; only what has another revision is read then.
"""

from collections.abc import AsyncIterator, Callable
from typing import Final

import trio

from minicoin.core.limits import REGISTRY_KEYS_MAX, REGISTRY_SILENCE_US, REGISTRY_VALUE_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.etcd_gateway import EtcdGateway
from minicoin.drivers.registry.etcd_json import (
    EtcdFailure,
    create_request,
    keys_request,
    put_request,
    read_created,
    read_lease,
    read_page,
    read_time_to_live,
    read_watch,
    text,
    watch_request,
)
from minicoin.drivers.registry.foreign_json import Json
from minicoin.drivers.registry.lease import Lease, keep
from minicoin.drivers.registry.port import LeaseHolder, LeaseLost, RegistryUnavailable, Watcher
from minicoin.drivers.registry.settings import EtcdSettings
from minicoin.drivers.reports import Report

_AGAIN_S: Final = 1.0
"""Between two readings, whatever happens."""
_PERMISSION_DENIED: Final = 7


class EtcdRegistry:
    """One prefix of one cluster."""

    kind: Final = "etcd"

    def __init__(
        self, settings: EtcdSettings, report: Callable[[Report], None], silence_us: int = REGISTRY_SILENCE_US
    ) -> None:
        """Raises MisuseError for certificates that cannot be used."""
        self._gateway = EtcdGateway(settings, report)
        self._prefix = f"{settings.prefix}/".encode()
        self._silence_s = silence_us / SECOND_US

    @property
    def endpoint(self) -> str:
        return self._gateway.endpoint + self._prefix.decode().rstrip("/")

    @property
    def problems(self) -> tuple[str, ...]:
        return self._gateway.problems

    async def hold(self, key: str, value: bytes, lease_us: int, holder: LeaseHolder) -> None:
        call = self._gateway.call
        lease = await call("lease/grant", {"TTL": str(-(-lease_us // SECOND_US))}, read_lease)

        async def place() -> bytes | None:
            is_new, previous = await call("kv/txn", create_request(self._key(key), value, lease), read_created)
            if not is_new:
                await call("kv/put", put_request(self._key(key), value, lease), _nothing)
            return previous

        async def renew() -> None:
            if await call("lease/keepalive", {"ID": str(lease)}, read_time_to_live) <= 0:
                raise LeaseLost("the lease of our entry has expired")

        async def give_back() -> None:
            await call("lease/revoke", {"ID": str(lease)}, _nothing)

        await keep(Lease(place, renew, give_back), value, lease_us, holder)

    async def put(self, key: str, value: bytes) -> None:
        await self._gateway.call("kv/put", put_request(self._key(key), value), _nothing)

    async def remove(self, key: str) -> None:
        await self._gateway.call("kv/deleterange", {"key": text(self._key(key))}, _nothing)

    async def watch(self, watcher: Watcher) -> None:
        known: dict[bytes, int] = {}
        while True:
            began = trio.current_time()
            revision = await self._read_all(watcher, known)
            await self._follow(watcher, known, revision)
            await trio.sleep_until(began + _AGAIN_S)

    async def close(self) -> None:
        await self._gateway.close()

    # --- reading and following ---

    async def _read_all(self, watcher: Watcher, known: dict[bytes, int]) -> int:
        """Tell what is not known yet, and what is no more; the revision from which on changes are missing."""
        page = await self._gateway.call("kv/range", keys_request(self._prefix, REGISTRY_KEYS_MAX), read_page)
        if page.has_more:
            watcher.on_ignored(f"more than {REGISTRY_KEYS_MAX} keys below {self._prefix.decode()}")
        standing = {item.key: item.revision for item in page.items if item.key.startswith(self._prefix)}
        for key in [key for key in known if key not in standing]:
            del known[key]
        for key, revision in standing.items():
            if known.get(key) != revision:
                await self._read_one(watcher, known, key)
        watcher.on_whole([self._name(key) for key in known])
        return page.revision

    async def _read_one(self, watcher: Watcher, known: dict[bytes, int], key: bytes) -> None:
        page = await self._gateway.call("kv/range", {"key": text(key)}, read_page)
        for item in page.items[:1]:
            # As it stands by now; the watch tells what came in between once more.
            known[key] = item.revision
            self._tell(watcher, key, item.value)

    async def _follow(self, watcher: Watcher, known: dict[bytes, int], revision: int) -> None:
        """Tell changes behind a revision, until it is better to read again."""
        async with self._gateway.lines("watch", watch_request(self._prefix, revision + 1)) as lines:
            while True:
                with trio.move_on_after(self._silence_s):
                    if await self._follow_line(watcher, known, lines):
                        continue
                return

    async def _follow_line(self, watcher: Watcher, known: dict[bytes, int], lines: AsyncIterator[bytes]) -> bool:
        """Whether there is more to follow. Raises RegistryUnavailable where the watch has ended."""
        line = await anext(lines, None)
        if line is None:
            raise RegistryUnavailable("etcd ended the watch")
        if not line:
            watcher.on_ignored("a change that is too long to be read")
            return False
        told = read_watch(line)
        watcher.on_alive()
        if told.compact_revision:
            return False
        if told.is_canceled:
            raise EtcdFailure(
                _PERMISSION_DENIED if "permission" in told.cancel_reason else 0,
                told.cancel_reason or "the watch was ended",
            )
        for change in told.changes:
            key = change.item.key
            if not key.startswith(self._prefix) or change.item.revision < known.get(key, 0):
                continue
            if change.is_removed:
                known.pop(key, None)
                watcher.on_gone(self._name(key))
            elif key in known or len(known) < REGISTRY_KEYS_MAX:
                known[key] = change.item.revision
                self._tell(watcher, key, change.item.value)
            else:
                watcher.on_ignored(f"more than {REGISTRY_KEYS_MAX} keys below {self._prefix.decode()}")
        return True

    def _tell(self, watcher: Watcher, key: bytes, value: bytes) -> None:
        if len(value) > REGISTRY_VALUE_BYTES_MAX:
            watcher.on_ignored(f"{self._name(key)[:100]}: {len(value)} bytes are too many")
            watcher.on_gone(self._name(key))
        else:
            watcher.on_value(self._name(key), value)

    # --- names ---

    def _key(self, key: str) -> bytes:
        return self._prefix + key.encode()

    def _name(self, key: bytes) -> str:
        return key.removeprefix(self._prefix).decode("ascii", "backslashreplace")


def _nothing(answer: Json) -> None:
    """Of an answer that says no more than that it is done."""
