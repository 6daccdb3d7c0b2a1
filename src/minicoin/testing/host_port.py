"""A node of a simulated world as the RPC server sees one: commands, queries and chain reads, answered in virtual time.

For tests of RPC methods and of programs that call them, with no socket and no thread. Its host has a chain engine of
its own.
"""

from collections.abc import Callable, Collection, Generator
from pathlib import Path
from typing import Never, TypeVar, cast

from minicoin.core.answers import CommandRefused, Reason
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.commands import A, Asks, closed, take_answer
from minicoin.core.faults import MisuseError
from minicoin.core.node.node import Node
from minicoin.core.params.network import Network
from minicoin.core.queries.node import NodeQueries
from minicoin.core.units import SECOND_US, seconds
from minicoin.world.host import Host
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.world import World

T = TypeVar("T")

_PATIENCE_US = 3_600 * SECOND_US


class HostPort:
    """One host of a world."""

    def __init__(self, world: World, host: Host, datadir: Path) -> None:
        self.world = world
        self.host = host
        self.datadir = datadir
        self.log_path = ""
        self.log_areas: frozenset[str] = frozenset()
        self.version = "0.1.0"
        self.started_at = seconds(world.now)

    def pass_time(self, duration_us: int, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass, until something holds where that is given; whether it does."""
        return self.world.wait(duration_us, until or (lambda: False))

    @property
    def network(self) -> Network:
        """The world's."""
        return self.world.network

    def choose_log_areas(self, areas: frozenset[str]) -> None:
        """Remembered; a simulated node has no log."""
        self.log_areas = areas

    async def command(self, command: Asks[A]) -> A:
        """Let virtual time pass until the reply. Raises CommandRefused."""
        request = self.world.command(self.host, closed(command))
        self.world.wait(_PATIENCE_US, lambda: request in self.host.replies)
        reply = self.host.replies.get(request)
        if reply is None:
            raise CommandRefused(Reason.STOPPED, f"no reply to {command!r}")
        return take_answer(command, reply.answer)

    def audit(self) -> None:
        """A simulated node keeps no audit log: that is a driver's."""

    async def registry(self) -> None:
        """A simulated node has none."""

    async def find_keys(self, held: Collection[bytes], passphrase: str) -> tuple[tuple[bytes, bytes | None], ...]:
        """It is given its keys."""
        return ()

    async def query(self, read: Callable[[NodeQueries], T]) -> T:
        """Between two events."""
        return read(NodeQueries(self._node.view, self.host.clock.read(self.world.now)))

    async def read_chain(self, read: Callable[[ChainEngine], T]) -> T:
        """Between two jobs."""
        return read(self._engine)

    async def read_chain_slowly(self, read: Callable[[ChainEngine], Generator[None, None, T]]) -> T:
        """All slices at once."""
        slices = read(self._engine)
        while True:
            try:
                next(slices)
            except StopIteration as end:
                return cast(T, end.value)

    def traffic(self) -> dict[int, Never]:
        """Messages are counted by host and type, not by connection."""
        return {}

    def traffic_total(self) -> tuple[int, int]:
        """Of all messages."""
        traffic = self.host.traffic
        return sum(traffic.sent_bytes), sum(traffic.received_bytes)

    @property
    def _node(self) -> Node:
        if self.host.node is None:
            raise CommandRefused(Reason.STOPPED, f"{self.host.name} is switched off")
        return self.host.node

    @property
    def _engine(self) -> ChainEngine:
        ledger = self.host.disk.ledger
        if not isinstance(ledger, OwnLedger):
            raise MisuseError(f"{self.host.name} shares the engine of its world: make it with add_node")
        return ledger.engine
