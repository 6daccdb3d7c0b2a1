"""A node of the virtual world as the RPC server sees one: commands, queries and chain reads, answered in virtual time.

For tests of RPC methods and of programs that call them, with no socket and no thread.
"""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Never, TypeVar, cast

from minicoin.core.answers import CommandRefused, Reason
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.commands import A, Asks, closed, take_answer
from minicoin.core.params.network import Network
from minicoin.core.queries.node import NodeQueries
from minicoin.core.units import SECOND_US, seconds
from minicoin.testing.virtual import VirtualNode, VirtualWorld

T = TypeVar("T")

_PATIENCE_US = 3_600 * SECOND_US


class VirtualPort:
    """One node of a world."""

    def __init__(self, world: VirtualWorld, virtual: VirtualNode, datadir: Path) -> None:
        self.world = world
        self.virtual = virtual
        self.datadir = datadir
        self.log_path = ""
        self.log_areas: frozenset[str] = frozenset()
        self.version = "0.1.0"
        self.started_at = seconds(world.now)

    @property
    def network(self) -> Network:
        """The world's."""
        return self.world.network

    def choose_log_areas(self, areas: frozenset[str]) -> None:
        """Remembered; a virtual node has no log."""
        self.log_areas = areas

    async def command(self, command: Asks[A]) -> A:
        """Let virtual time pass until the reply. Raises CommandRefused."""
        request = self.world.command(self.virtual, closed(command))
        self.world.run(_PATIENCE_US, until=lambda: request in self.virtual.replies)
        reply = self.virtual.replies.get(request)
        if reply is None:
            raise CommandRefused(Reason.STOPPED, f"no reply to {command!r}")
        return take_answer(command, reply.answer)

    async def query(self, read: Callable[[NodeQueries], T]) -> T:
        """Between two events."""
        return read(NodeQueries(self.virtual.node.view, self.world.time_of(self.virtual)))

    async def read_chain(self, read: Callable[[ChainEngine], T]) -> T:
        """Between two jobs."""
        return read(self.virtual.engine)

    async def read_chain_slowly(self, read: Callable[[ChainEngine], Generator[None, None, T]]) -> T:
        """All slices at once."""
        slices = read(self.virtual.engine)
        while True:
            try:
                next(slices)
            except StopIteration as end:
                return cast(T, end.value)

    def traffic(self) -> dict[int, Never]:
        """Links count no bytes."""
        return {}

    def traffic_total(self) -> tuple[int, int]:
        """Links count no bytes."""
        return 0, 0
