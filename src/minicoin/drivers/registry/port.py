"""What is asked of any registry: values by key, some of them under a lease, and to be told of all changes.

Keys are ASCII paths below the place that the operator named; what they and the values mean is content's and the
carrier's business. Every call may fail: RegistryUnavailable now, RegistryRefused until the operator does something.
"""

from collections.abc import Callable, Collection
from typing import Protocol

from minicoin.core.units import Micros


class RegistryUnavailable(Exception):
    """It cannot be done now. The text says why, for the operator."""


class RegistryRefused(RegistryUnavailable):
    """It cannot be done until somebody changes a setting, a certificate or a right."""


class LeaseLost(RegistryUnavailable):
    """The lease is no more; what stood under it is gone."""


class Watcher(Protocol):
    """Whoever is told what is there. None of this blocks, and none of it fails."""

    def on_value(self, key: str, value: bytes) -> None:
        """Stands there, new or changed. At most REGISTRY_VALUE_BYTES_MAX."""

    def on_gone(self, key: str) -> None:
        """Was removed, or its lease has expired."""

    def on_whole(self, keys: Collection[str]) -> None:
        """All that is there has been told: these and no others, REGISTRY_KEYS_MAX of them at most."""

    def on_alive(self) -> None:
        """The registry was heard from."""

    def on_ignored(self, reason: str) -> None:
        """Something stands there that was left out."""


class LeaseHolder(Protocol):
    """Whoever lets a value stand under a lease."""

    def on_held(self, previous: bytes | None) -> None:
        """It stands; `previous` is what stood there before and was another."""

    def on_renewed(self) -> None:
        """It still stands."""


class Registry(Protocol):
    """One kind of registry, at one place."""

    @property
    def kind(self) -> str:
        """As the setting names it."""

    @property
    def endpoint(self) -> str:
        """Where it is spoken to at the moment, without secrets."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What of our own files that were replaced cannot be used."""

    async def hold(self, key: str, value: bytes, lease_us: int, holder: LeaseHolder) -> None:
        """Let a value stand as long as this runs, and `lease_us` longer at most if it is cut off. Ends by being
        cancelled, which takes the value away, or with RegistryUnavailable, when it may be called again."""

    async def put(self, key: str, value: bytes) -> None:
        """Let a value stand until it is replaced or removed."""

    async def remove(self, key: str) -> None:
        """Nothing stands there any more, as if nothing ever had."""

    async def watch(self, watcher: Watcher) -> None:
        """Tell all that is there, then all that changes. Ends by being cancelled, or with RegistryUnavailable."""

    async def close(self) -> None:
        """Release what it holds open."""


WallClock = Callable[[], Micros]
"""Microseconds since 1970."""
