"""One session with a ZooKeeper ensemble: kazoo's client on its thread, asked from trio.

What is asked, and the answers, cross between the two by trio's token; neither waits for the other. A session moves
from a server that is gone to the next one by itself, and everything that was watched is to be read again then. It is
over when it has expired, when a call was not answered in time, or when it is closed; whoever needs one opens another.

1. A session without a lease is over as soon as all servers were tried in vain, and one with a lease if it never began.
2. From then on a lease lives as long as it says without a word from a server, and is waited for; a server that would
   have it live for another time is refused.
"""

import logging
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Final

import trio
from kazoo.client import KazooClient, TransactionRequest
from kazoo.exceptions import (
    BadVersionError,
    ConnectionLoss,
    KazooException,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.handlers.utils import AsyncResult
from kazoo.protocol.states import KazooState, KeeperState, WatchedEvent, ZnodeStat
from kazoo.retry import KazooRetry
from kazoo.security import OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, make_digest_acl

from minicoin.core.limits import REGISTRY_KEYS_MAX, REGISTRY_TIMEOUT_US
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.port import LeaseLost, RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.settings import ZooKeeperSettings
from minicoin.drivers.registry.zookeeper_threads import Conversation, OneThread

_TIMEOUT_S: Final = REGISTRY_TIMEOUT_US / SECOND_US
_AGAIN_FIRST_S: Final = 0.1
_AGAIN_LAST_S: Final = 2.0
_ROUNDS_MAX: Final = 2
"""Of all servers, the second after a moment: some of them may have been tried before the connection broke."""
_LAST_MOMENTS_S: Final = 1.0
"""For a thread whose sockets were ended."""

_ANOTHER: Final = (BadVersionError, NodeExistsError, NoNodeError, RolledBackError, RuntimeInconsistency)
"""What is said of the parts of a transaction where somebody else was there first."""
_SILENT: Final = logging.getLogger("minicoin.kazoo")
"""kazoo would log what it sends, passwords too."""
_SILENT.propagate = False
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Stat:
    """What ZooKeeper says of a node without its value."""

    mark: tuple[int, int]
    """Another one after each change of the value, and after removing and making it again."""
    version: int
    size: int
    session: int
    """Of whom it is to end with; 0: of nobody."""


class ZooKeeperSession:
    """Opened once, closed once."""

    def __init__(
        self,
        settings: ZooKeeperSettings,
        password: str,
        make_context: Callable[[], ssl.SSLContext] | None,
        timeout_us: int,
        *,
        is_lease: bool = False,
    ) -> None:
        """`make_context` is called on another thread; None: no TLS."""
        self._settings = settings
        self._is_lease = is_lease
        self._token = trio.lowlevel.current_trio_token()
        self._talk = Conversation(
            make_context, timeout_us // 1_000 if is_lease else None, lambda: self._cross(self._tell)
        )
        handler = OneThread(self._talk, lambda: self._cross(self._on_end))
        self._client = KazooClient(
            hosts=list(settings.endpoints),
            timeout=timeout_us / SECOND_US,
            handler=handler,
            auth_data=[("digest", f"{settings.user}:{password}")] if settings.user else [],
            connection_retry=KazooRetry(
                max_tries=-1,
                delay=_AGAIN_FIRST_S,
                max_delay=_AGAIN_LAST_S,
                deadline=timeout_us / SECOND_US if is_lease else None,
                sleep_func=handler.sleep_func,
            ),
            logger=_SILENT,
        )
        self._client.add_listener(lambda state: self._cross(self._on_state, state))
        # Not scheme `auth`: it would let in whoever shows the same certificate as well.
        own = make_digest_acl(settings.user, password, all=True)
        self._acl = [own, *READ_ACL_UNSAFE] if settings.user else OPEN_ACL_UNSAFE
        self._news = trio.Event()
        self._changed: dict[str, None] = {}
        self._missed: dict[str, None] = {}
        """Where nothing stood, with watches that wait for it."""
        self._watch = self._on_watch_from_thread
        """One object: kazoo keeps each once."""
        self._is_connected = False
        self._was_connected = False
        self._is_over = False
        self.connections = 0
        """How often a connection began. With the one before it, all watches ended."""

    @property
    def place(self) -> str:
        """HOST:PORT of the server that was spoken to last."""
        return self._talk.place or self._settings.endpoints[0]

    @property
    def is_over(self) -> bool:
        """It cannot be used any more."""
        return self._is_over

    def start(self) -> None:
        """Begin to look for a server. Raises RegistryUnavailable."""
        try:
            self._client.start_async()
        except (OSError, RuntimeError) as error:
            # No file is left for it, or no thread.
            reason = getattr(error, "strerror", None) or error
            raise RegistryUnavailable(f"ZooKeeper cannot be asked: {reason}") from error

    async def close(self, farewell_s: float) -> None:
        """So that its nodes end at once, if a server answers in time; never waits longer than a moment."""
        if self._is_over:
            farewell_s = 0
        self._is_over = True
        self._tell()
        ended = trio.Event()

        def end() -> None:
            try:
                self._client.stop()
                self._client.close()
            except (KazooException, OSError):
                # Its thread would not end in time; the sockets are shut.
                return
            finally:
                self._cross(ended.set)

        if farewell_s <= 0:
            self._talk.abort()
        try:
            threading.Thread(target=end, name="zookeeper-end", daemon=True).start()
        except RuntimeError:
            # There is no thread left. Whatever kazoo's waits for ends, so that the loop waits for moments only.
            self._talk.abort()
            end()
        with trio.move_on_after(farewell_s):
            await ended.wait()
        self._talk.abort()
        with trio.move_on_after(_LAST_MOMENTS_S):
            await ended.wait()

    # --- connections ---

    async def wait_connected(self) -> None:
        """Raises RegistryUnavailable."""
        is_patient = self._is_lease and self._was_connected
        with trio.move_on_after(inf if is_patient else _TIMEOUT_S):
            while not self._is_connected:
                if self._is_over or (self._talk.rounds >= _ROUNDS_MAX and not is_patient):
                    break
                await self._news.wait()
        if not self._is_connected:
            self._is_over = True
            raise self._gone()

    # --- what changes ---

    async def wait_changed(self, connection: int) -> None:
        """Until something has changed that was watched on this connection, by its number, or it is no more and there is
        another one. Raises RegistryUnavailable."""
        while not self._changed and connection == self.connections:
            if not self._is_connected:
                await self.wait_connected()
            else:
                await self._news.wait()

    def take_changed(self) -> list[str]:
        """Paths of nodes that have changed."""
        changed, self._changed = self._changed, {}
        return list(changed)

    # --- calls: each raises RegistryUnavailable ---

    async def look(self, path: str) -> Stat | None:
        """What stands there, and watch it, or for its return."""
        stat = _stat_of(await self._call(path, lambda: self._client.exists_async(path, watch=self._watch)))
        if stat is None and path not in self._missed:
            self._missed[path] = None
            if len(self._missed) > REGISTRY_KEYS_MAX:
                # Only with its session a watch ends that waits in vain.
                self._is_over = True
                raise RegistryUnavailable(f"more than {REGISTRY_KEYS_MAX} nodes have come and gone while we looked")
        return stat

    async def read(self, path: str) -> tuple[bytes, Stat] | None:
        """The value that stands there."""
        answer = await self._call(path, lambda: self._client.get_async(path), NoNodeError)
        match answer:
            case KazooException():
                return None
            case ((bytes() | None) as value, ZnodeStat() as stat):
                found = _stat_of(stat)
                return None if found is None else (value or b"", found)
        raise _nonsense(answer)

    async def children(self, path: str) -> list[str] | None:
        """Names of what stands below, and watch them; those that are no text are left out."""
        answer = await self._call(path, lambda: self._client.get_children_async(path, watch=self._watch), NoNodeError)
        match answer:
            case KazooException():
                return None
            case list():
                return [name for name in answer if isinstance(name, str)]
        raise _nonsense(answer)

    async def create(self, path: str, value: bytes, *, ends_with_session: bool = False) -> type[KazooException] | None:
        """Make a node; NodeExistsError or NoNodeError, the latter where the folder is missing."""
        answer = await self._call(
            path,
            lambda: self._client.create_async(path, value, acl=self._acl, ephemeral=ends_with_session),
            NodeExistsError,
            NoNodeError,
        )
        return type(answer) if isinstance(answer, KazooException) else None

    async def write(self, path: str, value: bytes) -> bool:
        """Replace a value; false where there is no node."""
        answer = await self._call(path, lambda: self._client.set_async(path, value), NoNodeError)
        return not isinstance(answer, KazooException)

    async def delete(self, path: str) -> None:
        """Nothing stands there any more."""
        await self._call(path, lambda: self._client.delete_async(path), NoNodeError)

    async def replace(self, path: str, value: bytes, version: int) -> bool:
        """Put a node that ends with this session in the place of one of that version; false where another is there."""

        def ask() -> AsyncResult:
            both = TransactionRequest(self._client)
            both.delete(path, version)
            both.create(path, value, self._acl, ephemeral=True)
            return both.commit_async()

        answer = await self._call(path, ask)
        if not isinstance(answer, list):
            raise _nonsense(answer)
        failures = [one for one in answer if isinstance(one, Exception)]
        for failure in failures:
            if not isinstance(failure, _ANOTHER):
                raise self._explain(failure, path)
        return not failures

    async def _call(self, path: str, ask: Callable[[], AsyncResult], *expected: type[KazooException]) -> object:
        """The answer, or one of the failures that are expected. What broke off with a connection is asked once more."""
        for is_last in (False, True):
            await self.wait_connected()
            result, done = ask(), trio.Event()
            result.rawlink(lambda _, done=done: self._cross(done.set))
            with trio.move_on_after(_TIMEOUT_S):
                await done.wait()
            if not result.ready():
                self._is_over = True
                raise RegistryUnavailable(f"{self.place} does not answer in time")
            failure = result.exception
            if failure is None:
                answer: object = result.get_nowait()
                return answer
            if isinstance(failure, expected):
                return failure
            if is_last or not isinstance(failure, ConnectionLoss):
                break
        raise self._explain(failure, path)

    # --- in words ---

    def _gone(self) -> RegistryUnavailable:
        if self._talk.refusal:
            return RegistryRefused(self._talk.refusal)
        if self._is_lease and self._was_connected:
            return LeaseLost(f"the lease of our entry has expired: {self._talk.failure or 'its session has ended'}")
        if self._client.client_state == KeeperState.AUTH_FAILED:
            return RegistryRefused(f"ZooKeeper does not take user {self._settings.user!r} and the password")
        why = f"nothing from {self.place}" if self._talk.place else "none of its servers is found by name"
        return RegistryUnavailable(f"ZooKeeper does not answer: {self._talk.failure or why}")

    def _explain(self, failure: Exception, path: str) -> RegistryUnavailable:
        match failure:
            case NoAuthError():
                who = f"user {self._settings.user!r}" if self._settings.user else "who gives no user (registry-user)"
                return RegistryRefused(
                    f"ZooKeeper does not let {who} do this at {path}: it must read {self._settings.prefix} and what is "
                    "below, and create, write and delete below our own peer id there"
                )
            case ConnectionLoss():
                return RegistryUnavailable(f"the connection broke off: {self._talk.failure or self.place}")
            case NotEmptyError():
                return RegistryUnavailable(f"something stands below {path}, where nothing belongs; remove it")
        if self._is_over:
            return self._gone()
        if not isinstance(failure, KazooException):
            return _nonsense(failure)
        return RegistryUnavailable(f"ZooKeeper says: {type(failure).__name__} {failure}".rstrip())

    # --- from kazoo's thread ---

    def _cross(self, tell: Callable[..., object], *words: object) -> None:
        # Where the node has ended, nobody is there to be told.
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(tell, *words)

    def _on_watch_from_thread(self, event: WatchedEvent) -> None:
        if event.path is not None:
            self._cross(self._on_watch, event.path)

    # --- on trio's ---

    def _on_watch(self, path: str) -> None:
        self._changed[path] = None
        self._missed.pop(path, None)
        self._tell()

    def _on_state(self, state: str) -> None:
        self._is_connected = state == KazooState.CONNECTED and not self._is_over
        if self._is_connected:
            self._was_connected = True
            self.connections += 1
            # Watched on a connection that is no more.
            self._changed.clear()
            self._missed.clear()
        elif state == KazooState.LOST:
            self._is_over = True
        self._tell()

    def _on_end(self) -> None:
        self._is_over = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


def _stat_of(answer: object) -> Stat | None:
    """Raises RegistryUnavailable where it is none."""
    if answer is None:
        return None
    if not isinstance(answer, ZnodeStat):
        raise _nonsense(answer)
    return Stat((answer.czxid, answer.mzxid), answer.version, answer.dataLength, answer.ephemeralOwner)


def _nonsense(answer: object) -> RegistryUnavailable:
    return RegistryUnavailable(f"an answer that is none of ZooKeeper's: {type(answer).__name__}")
