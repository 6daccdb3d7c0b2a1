"""Keeping a value standing under a lease, whatever the kind of registry: placed once, renewed three times in its time,
and given back by who leaves in order."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import trio

from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.port import LeaseHolder, RegistryUnavailable

_FAREWELL_S: Final = 2.0
"""So long a node that leaves waits for its lease to be given back. Where it cannot be, it expires."""
_RENEWALS: Final = 3


@dataclass(frozen=True, slots=True)
class Lease:
    """What one kind does for it. Each may raise RegistryUnavailable."""

    place: Callable[[], Awaitable[bytes | None]]
    """Let the value stand; what stood there before."""
    renew: Callable[[], Awaitable[None]]
    give_back: Callable[[], Awaitable[None]]
    """And what stands under it."""


async def keep(lease: Lease, value: bytes, lease_us: int, holder: LeaseHolder) -> None:
    """Until it is cancelled, or cannot be done."""
    try:
        previous = await lease.place()
        holder.on_held(previous if previous != value else None)
        while True:
            holder.on_renewed()
            await trio.sleep(lease_us / _RENEWALS / SECOND_US)
            await lease.renew()
    except trio.Cancelled:
        with trio.CancelScope(shield=True), trio.move_on_after(_FAREWELL_S), suppress(RegistryUnavailable):
            await lease.give_back()
        raise
