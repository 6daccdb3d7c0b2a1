"""A watcher that remembers, and the ways in which tests drive a registry."""

from collections import Counter
from collections.abc import Callable

import trio
from tests.waiting import hang_guard, wait_until_async

from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.port import Registry, RegistryUnavailable
from minicoin.drivers.reports import Report

LEASE_US = 2 * SECOND_US
"""Where renewals are waited for."""
_LONG_LEASE_US = 30 * SECOND_US
"""Everywhere else: no pause of a busy machine ends it."""


def unheard(report: Report) -> None:
    """For registries of which a test wants no reports."""


class Seen:
    """A watcher, and a holder, that remembers."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.gone: list[str] = []
        self.wholes = 0
        self.alive = 0
        self.ignored: list[str] = []
        self.held: list[bytes | None] = []
        self.renewals = 0
        self.failures: list[RegistryUnavailable] = []

    def __repr__(self) -> str:
        """For the word of a hang: what failed again and again comes once, with how often, and before what is cut."""
        failures = dict(Counter(map(repr, self.failures)))
        told = f"ignored={self.ignored} gone={self.gone} held={self.held} values={self.values}"
        return f"<Seen failures={failures} wholes={self.wholes} alive={self.alive} renewals={self.renewals} {told}>"

    def on_value(self, key: str, value: bytes) -> None:
        self.values[key] = value

    def on_gone(self, key: str) -> None:
        if self.values.pop(key, None) is not None:
            self.gone.append(key)

    def on_whole(self, keys) -> None:
        self.wholes += 1
        for key in [key for key in self.values if key not in keys]:
            self.on_gone(key)

    def on_alive(self) -> None:
        self.alive += 1

    def on_ignored(self, reason: str) -> None:
        self.ignored.append(reason)

    def on_held(self, previous: bytes | None) -> None:
        self.held.append(previous)

    def on_renewed(self) -> None:
        self.renewals += 1


async def keep(work: Callable[[], object], seen: Seen) -> None:
    """Again and again, as the carrier does."""
    while True:
        try:
            await work()
        except RegistryUnavailable as failure:
            seen.failures.append(failure)
            await trio.sleep(0.05)


async def watching(nursery: trio.Nursery, registry: Registry) -> Seen:
    seen = Seen()
    nursery.start_soon(keep, lambda: registry.watch(seen), seen)
    with hang_guard("the first reading"):
        await wait_until_async(lambda: seen.wholes, "all that is there")
    return seen


def holding(nursery: trio.Nursery, registry: Registry, key: str, value: bytes, lease_us: int = _LONG_LEASE_US) -> Seen:
    seen = Seen()
    nursery.start_soon(keep, lambda: registry.hold(key, value, lease_us, seen), seen)
    return seen


def run(main: Callable[[trio.Nursery], object]) -> None:
    async def whole() -> None:
        async with trio.open_nursery() as nursery:
            await main(nursery)
            nursery.cancel_scope.cancel()

    trio.run(whole)
