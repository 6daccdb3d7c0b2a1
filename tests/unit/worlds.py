"""Small worlds of real nodes for unit tests: made, torn apart, listened to; no deadline of theirs may be missed."""

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.notices import Notice
from minicoin.core.params.network import Network
from minicoin.core.rng import Rng
from minicoin.core.units import Micros
from minicoin.core.wire.messages import Message
from minicoin.world.host import Host, LinkEnd
from minicoin.world.settings import Barrier, WorldSettings, uniform
from minicoin.world.world import World

LATENCY_US = 20_000


def make_world(
    network: Network, verifier: ScriptVerifier, seed: bytes, *, runs_libp2p: bool = False, has_peer_ids: bool = False
) -> World:
    """Every message is bytes, as on a socket; a node is asked before each event whether it has missed a deadline."""
    has_peer_ids |= runs_libp2p
    settings = WorldSettings(seed, encodes=True, has_peer_ids=has_peer_ids, runs_libp2p=runs_libp2p)
    world = World(network, verifier, uniform(LATENCY_US), settings)
    world.digest.listener = lambda time_us, index, text: check_deadlines(world.hosts[index])
    return world


def check_deadlines(host: Host) -> None:
    """Waking early costs a little, waking late loses what was due."""
    if host.node is not None:
        assert host.node.next_deadline() <= host.node.earliest_deadline()


def cut(world: World, one: Host, other: Host) -> Barrier:
    """Break the connections of two nodes and let them make none, until the barrier is taken away."""

    def stands_between(sender: Host, receiver: Host) -> bool:
        return {sender.index, receiver.index} == {one.index, other.index}

    world.connections.barriers.append(stands_between)
    for end in list(one.links.values()):
        if end.other.host is other:
            world.connections.reset(end, "cut")
    return stands_between


def heal(world: World, barrier: Barrier) -> None:
    """Let them connect again."""
    world.connections.barriers.remove(barrier)


class Tearing:
    """Bytes arrive in pieces of random length, as a socket may deliver them."""

    def __init__(self, world: World, most: int) -> None:
        self._world = world
        self._most = most
        self._rng = Rng(b"pieces")
        world.connections.link_hooks.append(self._dress)

    def _dress(self, end: LinkEnd) -> None:
        end.disturbance = self

    def carry(self, end: LinkEnd, message: Message | bytes, size: int, arrival_us: int) -> None:
        assert isinstance(message, bytes)
        at = 0
        while at < len(message):
            until = at + 1 + self._rng.below(self._most)
            self._world.connections.transport.arrive(end, message[at:until], max(arrival_us, end.last_arrival))
            at = until


class Notices:
    """All that nodes tell of themselves from now on."""

    def __init__(self, world: World) -> None:
        self._told: list[tuple[Host, Notice]] = []
        world.readers.append(self._hear)

    def of(self, host: Host) -> list[Notice]:
        """What one node told."""
        return [notice for teller, notice in self._told if teller is host]

    def _hear(self, host: Host, notice: Notice, now: Micros) -> None:
        self._told.append((host, notice))
