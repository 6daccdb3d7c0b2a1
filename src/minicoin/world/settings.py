"""How a world treats all its hosts, and what may be asked of it: latencies, barriers, and who listens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.faults import MisuseError
from minicoin.core.notices import Notice
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import Micros
from minicoin.world.costs import WorkCosts
from minicoin.world.host import Host, LinkEnd

Latency = Callable[[int, int, int], int]
"""One-way latency in microseconds of (from host, to host, number of the message)."""

Barrier = Callable[[Host, Host], bool]
"""Whether nothing gets from one host to another."""

LinkHook = Callable[[LinkEnd], None]

StartHook = Callable[[Host], None]

NoticeReader = Callable[[Host, Notice, Micros], None]
"""Hears what nodes tell of themselves, and changes nothing."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What is the same for every host."""

    seed: bytes
    costs: WorkCosts = field(default_factory=WorkCosts)
    encodes: bool = False
    """Encode and decode every message, as on a socket."""
    has_peer_ids: bool = False
    """Every host has an identity, and both ends of a connection know the other's."""
    runs_libp2p: bool = False
    """Connections run libp2p, which proves the identities; otherwise they carry messages as plain TCP does, and
    identities are known for nothing."""

    def __post_init__(self) -> None:
        if self.runs_libp2p and not self.has_peer_ids:
            raise MisuseError("libp2p is between hosts with identities")

    draws_per_message: bool = False
    """Ask for the latency of every message, not once per connection."""


def uniform(latency_us: int) -> Latency:
    """The same latency between any two hosts."""
    return lambda sender, receiver, number: latency_us


class Observer(Protocol):
    """Hears what engines do before their nodes hear of it, and changes nothing."""

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """A host found a block."""

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """A host's engine stored a block, or moved."""

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """A host's engine checked a transaction."""
