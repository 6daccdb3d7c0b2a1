"""A real node inside the test's own process: real sockets, real stores, driven by commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import trio
from tests.waiting import hang_guard

from minicoin.app.build import Bind, BuiltNode, NodeSetup, build_node
from minicoin.core.commands import A, Asks, closed, take_answer
from minicoin.core.effects import Reply
from minicoin.core.notices import Notice
from minicoin.core.params.network import Network
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import Micros
from minicoin.drivers.reports import Report
from minicoin.drivers.transport import TransportKind

_NOTICES_SHOWN = 5


class _Reasoned(Protocol):
    @property
    def reason(self) -> str: ...


class NodeUnderTest:
    """What a test asks of a node."""

    def __init__(self, built: BuiltNode, notices: list[Notice | Report]) -> None:
        self.built = built
        self.notices = notices

    def __repr__(self) -> str:
        last = [repr(notice) for notice in self.notices[-_NOTICES_SHOWN:]]
        told = [f"<node at height {self.height}, {len(self.core.view.sessions)} sessions; last notices:", *last]
        return "\n    ".join(told) + ">"

    @property
    def core(self):
        return self.built.runtime.node

    @property
    def tree(self):
        return self.core.view.tree

    @property
    def height(self) -> int:
        return self.tree.tip.height

    @property
    def tip(self) -> bytes:
        return self.tree.tip.hash

    @property
    def port(self) -> int:
        return self.built.port

    async def ask(self, command: Asks[A]) -> A:
        """The command's answer. Raises CommandRefused."""
        done = trio.Event()
        replies: list[Reply] = []

        def take(reply: Reply) -> None:
            replies.append(reply)
            done.set()

        self.built.runtime.command_nowait(closed(command), take)
        with hang_guard(f"the answer to {command}", self):
            await done.wait()
        return take_answer(command, replies[0].answer)

    def reasons(self, kind: type[_Reasoned]) -> list[str]:
        """The reasons of the notices of one kind."""
        return [notice.reason for notice in self.notices if isinstance(notice, kind)]


@asynccontextmanager
async def running_node(
    network: Network,
    datadir: Path,
    policy: NodePolicy | None = None,
    *,
    listens: bool = True,
    transport: TransportKind | None = None,
) -> AsyncIterator[NodeUnderTest]:
    """Runs until the block is left, then shuts down in an orderly way."""
    binds = (Bind("127.0.0.1", 0, transport),) if listens else ()
    async with running_setup(NodeSetup(network, datadir, policy or NodePolicy(), binds)) as node:
        yield node


@asynccontextmanager
async def running_setup(setup: NodeSetup) -> AsyncIterator[NodeUnderTest]:
    """The same with everything chosen."""
    notices: list[Notice | Report] = []

    def take(now: Micros, notice: Notice | Report) -> None:
        notices.append(notice)

    built = await build_node(setup, take)
    async with trio.open_nursery() as nursery:
        await nursery.start(built.run)
        try:
            yield NodeUnderTest(built, notices)
        finally:
            built.runtime.stop_nowait()
            with trio.CancelScope(shield=True), hang_guard("the orderly end of a node"):
                await built.runtime.finished.wait()
