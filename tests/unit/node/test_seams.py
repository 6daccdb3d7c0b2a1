"""What is handed to a node, or listens to one, from outside: no file of the package knows of it."""

from dataclasses import replace

from tests.unit.node.bench import NETWORK, NOBODY

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.commands import Generate
from minicoin.core.events import ConnectionOpened
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.notices import BlockConnected, Notice, PeerOpened, PeerReady, TipMoved
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.world.host import Host
from minicoin.world.settings import WorldSettings
from minicoin.world.world import World

NOW = Micros((NETWORK.genesis.header.time + 600) * SECOND_US)
PEER = NodeAddress("127.0.0.1", 40_001)


class Reader:
    """Hears the notices of any number of nodes."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Notice]] = []

    def hear(self, name: str, notice: Notice) -> None:
        self.heard.append((name, notice))

    def read(self, host: Host, notice: Notice, now: Micros) -> None:
        """As a world tells it."""
        self.hear(host.name, notice)

    def of(self, kind: type) -> list[tuple[str, Notice]]:
        return [(name, notice) for name, notice in self.heard if isinstance(notice, kind)]


def test_a_reader_of_a_nodes_notices() -> None:
    """Whoever drains a node's effects finds them among these."""
    reader = Reader()
    node = assemble_node(NETWORK, NodePolicy(), NodeState(), Rng(b"seam"), Rng(b"keys").bytes, NOW)
    node.start(None, NOW)
    node.drain_effects()
    node.handle(ConnectionOpened(ConnId(1), PEER, True), NOW)
    for effect in node.drain_effects():
        if isinstance(effect, Notice):
            reader.hear("ours", effect)
    assert reader.heard == [("ours", PeerOpened(ConnId(1), PEER, True))]


def test_a_reader_of_a_whole_worlds_notices() -> None:
    reader = Reader()
    world = World(
        replace(NETWORK, name="seam"),
        ScriptedVerifier(),
        lambda sender, receiver, number: 20_000,
        WorldSettings(b"seam"),
    )
    world.readers.append(reader.read)
    one, two = world.add_host(), world.add_host()
    quiet = NodePolicy(outbound_slots=0, use_dns_seeds=False, connect=())
    world.start(one, quiet)
    world.start(two, replace(quiet, connect=(one.address,)))
    world.run(world.now + 5 * SECOND_US)
    assert {name for name, _ in reader.of(PeerReady)} == {one.name, two.name}
    world.command(two, Generate(1, NOBODY))
    world.run(world.now + 10 * SECOND_US)
    tip = one.node.view.tree.tip
    assert reader.of(BlockConnected) == [(name, BlockConnected(tip.hash, 1)) for name in (two.name, one.name)]
    assert reader.of(TipMoved) == [(name, TipMoved(tip.hash, 1, 1)) for name in (two.name, one.name)]
