"""Worlds whose hosts run a script instead of a node: what a test sends is sent, and everything heard is kept."""

from dataclasses import dataclass, field

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import Close, Dial, Effect, Send
from minicoin.core.events import ConnectionClosed, ConnectionOpened, DialFailed, Event, MessageReceived
from minicoin.core.params.builtin import REGTEST
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.messages import Message, Unknown
from minicoin.world.host import Host, Lines, LinkEnd
from minicoin.world.settings import Latency, WorldSettings
from minicoin.world.world import World

LATENCY_US = 50_000
FRAME_BYTES = 24
CONN = ConnId(2)


@dataclass
class Script:
    """A runner that does what it is told."""

    heard: list[tuple[int, Event]] = field(default_factory=list)
    wanted: list[Effect] = field(default_factory=list)
    deadline: Micros | None = None

    def handle(self, event: Event, now: Micros) -> None:
        self.heard.append((now, event))
        if self.deadline is not None and self.deadline <= now:
            self.deadline = None

    def drain_effects(self) -> list[Effect]:
        drained, self.wanted = self.wanted, []
        return drained

    def next_deadline(self) -> Micros | None:
        return self.deadline

    def of(self, kind: type) -> list[tuple[int, Event]]:
        """What it heard of one kind, with the times."""
        return [(at, event) for at, event in self.heard if isinstance(event, kind)]


def make_world(
    latency_us: int = LATENCY_US,
    *,
    encodes: bool = False,
    draws_per_message: bool = False,
    has_peer_ids: bool = False,
    runs_libp2p: bool = False,
    latency: Latency | None = None,
) -> World:
    """Equal latency everywhere; where it is drawn per message, 1 ms more for each."""

    def growing(sender: int, receiver: int, number: int) -> int:
        return latency_us + 1_000 * number

    settings = WorldSettings(
        b"scripted",
        encodes=encodes,
        draws_per_message=draws_per_message,
        has_peer_ids=has_peer_ids or runs_libp2p,
        runs_libp2p=runs_libp2p,
    )
    return World(REGTEST, ScriptedVerifier(), latency or growing, settings)


def add_script(world: World, up_rate: int = 0, down_rate: int = 0) -> tuple[Host, Script]:
    """A host that is up and runs a script."""
    host = world.add_host(Lines(up_rate, down_rate))
    script = Script()
    world.start_runner(host, script)
    return host, script


def act(world: World, host: Host, *effects: Effect) -> None:
    """Have the host's script want something, now."""
    script = host.runner
    assert isinstance(script, Script)
    script.wanted += effects
    world.wake(host)


def pass_time(world: World, seconds: float = 60) -> None:
    world.run(world.now + round(seconds * SECOND_US))


def dial(world: World, host: Host, target: Host, conn: ConnId = CONN) -> None:
    act(world, host, Dial(conn, target.address, 10 * SECOND_US))


def connect(world: World, host: Host, target: Host, conn: ConnId = CONN) -> tuple[LinkEnd, LinkEnd]:
    """An open connection: the ends of the two."""
    dial(world, host, target, conn)
    pass_time(world, 1)
    near = host.links[conn]
    return near, near.other


def filler(size: int, mark: int = 0) -> Message:
    """A message whose frame has this size."""
    return Unknown("filler", bytes([mark]) * (size - FRAME_BYTES))


def send(world: World, end: LinkEnd, *messages: Message) -> None:
    """Sent at one end, one after the other."""
    act(world, end.host, *(Send(end.conn, message) for message in messages))


def close(world: World, end: LinkEnd, reason: str = "enough") -> None:
    act(world, end.host, Close(end.conn, reason))


def arrivals(script: Script, since: int = 0) -> list[tuple[int, int]]:
    """(time after `since`, size) of every message, in the order of their coming."""
    return [(at - since, event.size) for at, event in script.heard if isinstance(event, MessageReceived)]


def marks(script: Script) -> list[int]:
    """The marks of the fillers, in the order of their coming."""
    return [
        event.message.payload[0]
        for _, event in script.heard
        if isinstance(event, MessageReceived) and isinstance(event.message, Unknown)
    ]


def changes(script: Script) -> list[str]:
    """Openings, failures and closings, by their names."""
    return [type(event).__name__ for _, event in script.heard if isinstance(event, _CHANGES)]


_CHANGES = (ConnectionOpened, ConnectionClosed, DialFailed)
