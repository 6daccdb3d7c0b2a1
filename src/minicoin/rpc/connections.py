"""Which connections to the RPC port stay open: how long each may take, and which gives way when all places are taken.

A stranger costs nothing to be and can open as many connections as he likes, so a full house never turns a newcomer
away: somebody else leaves. The rules, with the reasons:

- A request's head has seconds to arrive, counted from the connection's first moment or from the head's first byte;
  drops of it buy no more time. Bodies and answers have minutes, since they may be large and the line slow.
- When all places are taken the newcomer gets one of those that have not shown a password yet, the oldest first: a
  client of ours sends its head at once and is through before its turn to leave comes.
- Then of those with a password the idle ones leave, the longest idle first, and then slow senders and slow readers.
- A call that is waiting or at work is never cut off; the line of calls bounds how many there are (`line.py`).

Time is an argument: nothing here reads a clock or closes a socket itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from minicoin.core.limits import RPC_ANSWER_S, RPC_BODY_S, RPC_CONNECTIONS_MAX, RPC_HEAD_S
from minicoin.rpc.line import Client


class Stage(Enum):
    """What a connection is waiting for."""

    HEAD = auto()
    """A request's head, or the rest of it."""
    BODY = auto()
    CALL = auto()
    """Its call, in line or at work."""
    ANSWER = auto()
    """The client, to take the answer."""
    IDLE = auto()
    """The next request; the server's keep-alive ends it."""


_SECONDS: Final = {Stage.HEAD: RPC_HEAD_S, Stage.BODY: RPC_BODY_S, Stage.ANSWER: RPC_ANSWER_S}


@dataclass(slots=True, eq=False)
class RpcConnection:
    """One client's connection."""

    close: Callable[[], object]
    since_s: float
    """When its stage began."""
    stage: Stage = Stage.HEAD
    is_trusted: bool = False
    """Whether it has shown a password."""
    client: Client = field(default_factory=Client)

    def enter(self, stage: Stage, now_s: float) -> None:
        """Its next stage."""
        self.stage = stage
        self.since_s = now_s


class RpcConnections:
    """All open connections of one server, the oldest first."""

    def __init__(self) -> None:
        self._open: dict[int, RpcConnection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: RpcConnection) -> None:
        """Take one in; where there is no place left, another leaves, or it leaves itself."""
        if len(self._open) >= RPC_CONNECTIONS_MAX:
            leaving = self._least_worth() or connection
            self.remove(leaving)
            leaving.close()
            if leaving is connection:
                return
        self._open[id(connection)] = connection

    def remove(self, connection: RpcConnection) -> None:
        """It is closed."""
        self._open.pop(id(connection), None)

    def received(self, connection: RpcConnection, now_s: float) -> None:
        """Bytes came in: behind an answer they begin a new head."""
        if connection.stage is Stage.IDLE:
            connection.enter(Stage.HEAD, now_s)

    def close_overdue(self, now_s: float) -> None:
        """Close those that take too long."""
        overdue = [
            connection
            for connection in self._open.values()
            if connection.stage in _SECONDS and now_s - connection.since_s >= _SECONDS[connection.stage]
        ]
        for connection in overdue:
            self.remove(connection)
            connection.close()

    def _least_worth(self) -> RpcConnection | None:
        stranger = next((connection for connection in self._open.values() if not connection.is_trusted), None)
        if stranger is not None:
            return stranger
        free = [connection for connection in self._open.values() if connection.stage is not Stage.CALL]
        return min(free, key=lambda one: (one.stage is not Stage.IDLE, one.since_s), default=None)
