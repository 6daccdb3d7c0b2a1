"""A registry in ZooKeeper: ephemeral nodes for what stands under a lease, and watches that are set again and then read.

A lease is a session of its own, whose time-out it is; it moves from server to server, and what stands under it stays.
What stands there already is replaced in one step, so that others see another value and never none; whoever lost its
place by that does not fight for it, and comes back when it is free. A watch has a session too, and calls share one,
which changes with the certificates and the password. What ZooKeeper orders (zxid) orders nothing here: the records' own
versions do.
"""

import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import trio
from kazoo.exceptions import NoNodeError

from minicoin.core.limits import REGISTRY_SILENCE_US, REGISTRY_TIMEOUT_US
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.port import LeaseHolder, RegistryRefused, RegistryUnavailable, Watcher
from minicoin.drivers.registry.secret import CurrentSecret
from minicoin.drivers.registry.settings import TlsFiles, ZooKeeperSettings
from minicoin.drivers.registry.tls import Tls
from minicoin.drivers.registry.zookeeper_session import ZooKeeperSession
from minicoin.drivers.registry.zookeeper_tree import ZooKeeperTree
from minicoin.drivers.reports import Report

_AGAIN_S: Final = 1.0
"""Between two readings of everything, whatever happens."""
_GATHER_S: Final = 0.05
"""Changes that come together are read together, and nobody's changes keep us busy."""
_FAREWELL_S: Final = 2.0
_TRIES_MAX: Final = 3
"""For what others may come between."""


class ZooKeeperRegistry:
    """One node of one ensemble, and what stands below it."""

    kind: Final = "zookeeper"

    def __init__(
        self, settings: ZooKeeperSettings, report: Callable[[Report], None], silence_us: int = REGISTRY_SILENCE_US
    ) -> None:
        """Raises MisuseError for certificates or a password that cannot be used."""
        self._settings = settings
        self._silence_s = silence_us / SECOND_US
        self._certificates: _Certificates | None = None
        if settings.tls is not None:
            self._certificates = _Certificates(settings.tls, lambda: self.endpoint, report)
        self._password = CurrentSecret(settings.password, lambda: self.endpoint, report)
        self._calls: ZooKeeperSession | None = None
        self._calls_access: tuple[ssl.SSLContext | None, str] = (None, self._password.value)
        self._opening = trio.Lock()
        self._last: ZooKeeperSession | None = None

    @property
    def endpoint(self) -> str:
        place = self._settings.endpoints[0] if self._last is None else self._last.place
        return f"zookeeper://{place}{self._settings.prefix}"

    @property
    def problems(self) -> tuple[str, ...]:
        certificates = "" if self._certificates is None else self._certificates.problem
        return tuple(filter(None, (certificates, self._password.problem)))

    async def hold(self, key: str, value: bytes, lease_us: int, holder: LeaseHolder) -> None:
        path = self._path(key)
        async with self._session(lease_us, is_lease=True) as session:
            previous = await self._take(session, path, value)
            holder.on_held(previous if previous != value else None)
            while True:
                holder.on_renewed()
                connection = session.connections
                with trio.move_on_after(lease_us / 3 / SECOND_US):
                    await session.wait_changed(connection)
                session.take_changed()
                if self._certificates is not None:
                    # Whoever replaced them hears at once whether they will do for the next connection.
                    self._certificates.context()
                if await session.look(path) is None:
                    await self._take(session, path, value)

    async def put(self, key: str, value: bytes) -> None:
        path = self._path(key)

        async def write(session: ZooKeeperSession) -> None:
            for _ in range(_TRIES_MAX):
                if await session.write(path, value) or await self._create(session, path, value):
                    return
            raise RegistryUnavailable(f"{path} is made and removed by others at the same time")

        await self._call(write)

    async def remove(self, key: str) -> None:
        await self._call(lambda session: session.delete(self._path(key)))

    async def watch(self, watcher: Watcher) -> None:
        tree = ZooKeeperTree(self._settings.prefix, watcher)
        async with self._session(REGISTRY_TIMEOUT_US) as session:
            while True:
                await session.wait_connected()
                began, connection = trio.current_time(), session.connections
                session.take_changed()
                await tree.read_all(session)
                await self._follow(session, connection, tree, watcher)
                await trio.sleep_until(began + _AGAIN_S)

    async def close(self) -> None:
        calls, self._calls = self._calls, None
        if calls is not None:
            await _end(calls)

    # --- following ---

    async def _follow(self, session: ZooKeeperSession, connection: int, tree: ZooKeeperTree, watcher: Watcher) -> None:
        """Tell what changes, until it is better to read all of it again."""
        while True:
            with trio.move_on_after(self._silence_s) as silence:
                await session.wait_changed(connection)
            if silence.cancelled_caught or session.connections != connection:
                # With its connection, everything that was watched is forgotten.
                return
            await trio.sleep(_GATHER_S)
            await tree.read_again(session, session.take_changed())
            watcher.on_alive()

    # --- sessions ---

    @asynccontextmanager
    async def _session(self, timeout_us: int, *, is_lease: bool = False) -> AsyncIterator[ZooKeeperSession]:
        session = self._begin(timeout_us, is_lease=is_lease)
        try:
            yield session
        finally:
            await _end(session)

    async def _call(self, work: Callable[[ZooKeeperSession], Awaitable[None]]) -> None:
        """In the session of calls; in a new one where that turns out to be over."""
        used = self._calls
        context = None if self._certificates is None else self._certificates.context()
        access = (context, self._password.value)
        is_current, self._calls_access = access == self._calls_access, access
        if used is not None and is_current and not used.is_over:
            try:
                await work(used)
            except RegistryUnavailable:
                if not used.is_over:
                    raise
            else:
                return
        await work(await self._after(used))

    async def _after(self, used: ZooKeeperSession | None) -> ZooKeeperSession:
        """The session of calls that comes after this one."""
        async with self._opening:
            calls = self._calls
            if calls is None or calls is used:
                await self.close()
                calls = self._calls = self._begin(REGISTRY_TIMEOUT_US)
            return calls

    def _begin(self, timeout_us: int, *, is_lease: bool = False) -> ZooKeeperSession:
        context = None
        if self._certificates is not None:
            self._certificates.token = trio.lowlevel.current_trio_token()
            context = self._certificates.context
        settings, password = self._settings, self._password.value
        self._last = session = ZooKeeperSession(settings, password, context, timeout_us, is_lease=is_lease)
        session.start()
        return session

    # --- making nodes ---

    async def _take(self, session: ZooKeeperSession, path: str, value: bytes) -> bytes | None:
        """Let a value stand that ends with the session; what stood there before."""
        for _ in range(_TRIES_MAX):
            if await self._create(session, path, value, ends_with_session=True):
                await session.look(path)
                return None
            found = await session.read(path)
            if found is None:
                continue
            previous, stat = found
            if await session.replace(path, value, stat.version):
                await session.look(path)
                return previous
        raise RegistryUnavailable(f"{path} is taken by others at the same time")

    async def _create(
        self, session: ZooKeeperSession, path: str, value: bytes, *, ends_with_session: bool = False
    ) -> bool:
        """And the folders above it; false where something stands there."""
        failure = await session.create(path, value, ends_with_session=ends_with_session)
        if failure is NoNodeError:
            await self._make_folder(session, path.rpartition("/")[0])
            failure = await session.create(path, value, ends_with_session=ends_with_session)
        return failure is None

    async def _make_folder(self, session: ZooKeeperSession, path: str) -> None:
        if len(path) <= len(self._settings.prefix) and self._settings.user:
            # What we made would be ours alone to write in.
            raise RegistryRefused(f"there is no node {path} in ZooKeeper: make it, and one for each member below it")
        if await session.create(path, b"") is NoNodeError:
            await self._make_folder(session, path.rpartition("/")[0])
            await session.create(path, b"")

    def _path(self, key: str) -> str:
        return f"{self._settings.prefix}/{key}"


async def _end(session: ZooKeeperSession) -> None:
    with trio.CancelScope(shield=True):
        await session.close(_FAREWELL_S)


class _Certificates:
    """The TLS of all sessions, asked for by their threads."""

    def __init__(self, files: TlsFiles, endpoint: Callable[[], str], report: Callable[[Report], None]) -> None:
        """Raises MisuseError for files that cannot be used."""
        self.token: trio.lowlevel.TrioToken | None = None
        self._report = report
        self._one_at_a_time = threading.Lock()
        self._tls = Tls(files, endpoint, self._tell)

    @property
    def problem(self) -> str:
        """Why files that were replaced are not in use; empty where they are."""
        return self._tls.problem

    def context(self) -> ssl.SSLContext:
        """For the next connection."""
        with self._one_at_a_time:
            return self._tls.context()

    def _tell(self, report: Report) -> None:
        if self.token is not None:
            # Where the node has ended, nobody is there to be told.
            with suppress(trio.RunFinishedError):
                self.token.run_sync_soon(self._report, report)
