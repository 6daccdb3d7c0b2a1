"""What one event costs the core, by kind, and what one node with its peers keeps in memory.

Real nodes in a world that costs nothing: messages travel as objects after a random latency, workers answer at once and
every block is good. Timed are handle, drain_effects and next_deadline together, in processor time; best of several
rounds. --where lists what holds the memory, --gossip lets the nodes tell their addresses.
"""

import gc
import heapq
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

from minicoin.core.commands import SubmitBlock
from minicoin.core.effects import Activate, Dial, Effect, ReadBlock, Send, StoreBlock
from minicoin.core.events import (
    BlockRead,
    BlockStored,
    ChainMoved,
    CommandReceived,
    ConnectionOpened,
    DeadlineReached,
    Event,
    MessageReceived,
)
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.node.node import Node
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockSummary, ChainUpdate
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages import Headers, Message
from minicoin.testing.chain_maker import Branch, ChainMaker

NETWORK = lookup("regtest")
NODES = 60
OUTBOUND = 8
BLOCKS = 20
ROUNDS = 3
_SPACING_S = 60
_LATENCY_US = 150_000
_READY_US = 20 * SECOND_US
_SIZE = 100


class Host:
    """One node and the ends of its connections: the other host and its name for the connection."""

    __slots__ = ("address", "ends", "inbound", "node", "wake_at")

    def __init__(self, node: Node, address: NodeAddress) -> None:
        self.node = node
        self.address = address
        self.ends: dict[ConnId, tuple[Host, ConnId]] = {}
        self.inbound = 1
        self.wake_at = 0


class World:
    """A heap of events. `spent_us` is the core's time by kind of event."""

    def __init__(self, count: int, *, seed: bytes = b"core events") -> None:
        self.now = Micros((NETWORK.genesis.header.time + 600) * SECOND_US)
        self.spent_us: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self._rng = Rng(seed)
        self._heap: list[tuple[int, int, Host, Event]] = []
        self._sequence = 0
        self._blocks: dict[BlockHash, RawBlock] = {}
        names = [f"10.0.{index // 250}.{index % 250 + 1}" for index in range(count)]
        addresses = [NodeAddress(name, NETWORK.default_port) for name in names]
        # As where a scenario says who is connected to whom: nobody makes itself known. --gossip shows what that costs.
        gossips = "--gossip" in sys.argv
        base = NodePolicy(use_dns_seeds=False, outbound_slots=0, listens=gossips, gossips=gossips)
        self.hosts: list[Host] = []
        self.by_address: dict[NodeAddress, Host] = {}
        for index, address in enumerate(addresses):
            others = self._rng.sample([other for other in addresses if other is not address], OUTBOUND)
            started = time.process_time_ns()
            rng = Rng(b"%d" % index)
            node = assemble_node(NETWORK, replace(base, connect=tuple(others)), NodeState(), rng, rng.bytes, self.now)
            self._count("assemble", started)
            self.hosts.append(Host(node, address))
            self.by_address[address] = self.hosts[-1]

    def start(self) -> None:
        """Every node dials its peers; ends when all are connected and quiet."""
        for host in self.hosts:
            started = time.process_time_ns()
            host.node.start(None, self.now)
            effects = host.node.drain_effects()
            deadline = host.node.next_deadline()
            self._count("start", started)
            self._perform(host, effects, deadline)
        self.run(_READY_US)

    def submit(self, host: Host, block: RawBlock, height: int) -> None:
        """A block is found here."""
        self._blocks[block.hash] = block
        self._post(host, CommandReceived(RequestId(height), SubmitBlock(block)), 0)

    def run(self, duration_us: int) -> None:
        """Let time pass."""
        end = self.now + duration_us
        heap = self._heap
        while heap and heap[0][0] <= end:
            at, _, host, event = heapq.heappop(heap)
            self.now = Micros(max(at, self.now))
            if isinstance(event, DeadlineReached) and self.now < host.wake_at:
                continue
            kind = _kind(host, event)
            started = time.process_time_ns()
            host.node.handle(event, self.now)
            effects = host.node.drain_effects()
            deadline = host.node.next_deadline()
            self._count(kind, started)
            if kind == "DeadlineReached" and not effects:
                self.counts["idle wakes"] = self.counts.get("idle wakes", 0) + 1
            self._perform(host, effects, deadline)
        self.now = Micros(end)

    def _count(self, kind: str, started: int) -> None:
        self.spent_us[kind] = self.spent_us.get(kind, 0.0) + (time.process_time_ns() - started) / 1000
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def _post(self, host: Host, event: Event, delay_us: int) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self.now + delay_us, self._sequence, host, event))

    def _perform(self, host: Host, effects: list[Effect], deadline: Micros | None) -> None:
        for effect in effects:
            match effect:
                case Send(conn, message):
                    self._send(host, conn, message)
                case Dial():
                    self._dial(host, effect)
                case StoreBlock(block, _, True):
                    self._post(host, ChainMoved(self._update(host, (block.hash,)), None, block.hash), 1_000)
                case StoreBlock(block, height):
                    self._post(host, BlockStored(block.hash, height), 1_000)
                case Activate(_, path):
                    self._post(host, ChainMoved(self._update(host, path), None), 1_000)
                case ReadBlock(conn, block_hash, _):
                    self._post(host, BlockRead(conn, block_hash, self._blocks[block_hash]), 1_000)
                case _:
                    pass
        if deadline is not None and (host.wake_at <= self.now or deadline < host.wake_at):
            host.wake_at = max(deadline, self.now)
            self._post(host, DeadlineReached(), host.wake_at - self.now)

    def _send(self, host: Host, conn: ConnId, message: Message) -> None:
        other, theirs = host.ends[conn]
        # One latency a link: messages stay in order.
        latency = 20_000 + (int(theirs) * 7_919 + host.inbound * 104_729) % _LATENCY_US
        self._post(other, MessageReceived(theirs, message, _SIZE), latency)

    def _dial(self, host: Host, effect: Dial) -> None:
        target = self.by_address[effect.address]
        theirs = ConnId(target.inbound)
        target.inbound += 2
        host.ends[effect.conn] = (target, theirs)
        target.ends[theirs] = (host, effect.conn)
        seen = NodeAddress(host.address.host, 40_000 + int(effect.conn))
        self._post(target, ConnectionOpened(theirs, seen, True, target.address), 1_000)
        self._post(host, ConnectionOpened(effect.conn, effect.address, False, host.address), 1_000)

    def _update(self, host: Host, path: tuple[BlockHash, ...]) -> ChainUpdate:
        tree = host.node.view.tree
        connected: list[BlockSummary] = []
        for block_hash in path:
            node = tree.get(block_hash)
            assert node is not None
            connected.append(BlockSummary(node.header, node.height, (), (), size=_SIZE, weight=4 * _SIZE))
        return ChainUpdate(path[-1], connected[-1].height, (), tuple(connected))


def _kind(host: Host, event: Event) -> str:
    if not isinstance(event, MessageReceived):
        return type(event).__name__
    message = event.message
    if not isinstance(message, Headers) or not message.headers:
        return type(message).__name__
    node = host.node.view.tree.get(message.headers[0].hash)
    if node is None:
        return "Headers, new"
    return "Headers, known and stored" if node.is_stored else "Headers, known, block awaited"


def _chain() -> list[RawBlock]:
    maker = ChainMaker(NETWORK, spacing_s=_SPACING_S)
    branch: Branch = maker.new_branch()
    first = NETWORK.genesis.header.time + 600
    for index in range(BLOCKS):
        maker.extend(branch, maker.next_block(branch, time=first + index * _SPACING_S))
    return [RawBlock.parse(block.raw) for block in branch.blocks]


def _connected(count: int) -> World:
    world = World(count)
    world.start()
    return world


def _spread(world: World, blocks: list[RawBlock]) -> None:
    for index, block in enumerate(blocks):
        world.submit(world.hosts[index * 7 % len(world.hosts)], block, index + 1)
        world.run(_SPACING_S * SECOND_US)
    heights = {host.node.view.tree.tip.height for host in world.hosts}
    assert heights == {len(blocks)}, heights


def _best(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {kind: min(found[kind] for found in rounds) for kind in rounds[0]}


def _rounds(blocks: list[RawBlock]) -> Iterator[tuple[str, float, float]]:
    """(kind of event, us each, how many per node and block, or per connection before the first block)."""
    shaking: list[dict[str, float]] = []
    spreading: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        gc.collect()
        gc.disable()
        world = _connected(NODES)
        connections = NODES * OUTBOUND
        spent, counts = world.spent_us, world.counts
        setup = spent["assemble"] + spent["start"]
        shaking.append(
            {
                "assemble a node": spent["assemble"] / NODES,
                "start a node": spent["start"] / NODES,
                "handshake, both ends": (sum(spent.values()) - setup) / connections,
            }
        )
        world.spent_us, world.counts = {}, {}
        _spread(world, blocks)
        gc.enable()
        spent, counts = world.spent_us, world.counts
        events = {kind: count for kind, count in counts.items() if kind in spent}
        shares = {kind: count / NODES / BLOCKS for kind, count in events.items()}
        means = {kind: spent[kind] / count for kind, count in events.items()}
        means["all events"] = sum(spent.values()) / sum(events.values())
        shares["all events"] = sum(events.values()) / NODES / BLOCKS
        idle = counts.get("idle wakes", 0) / NODES / BLOCKS
        spreading.append(means)
    for kind, cost in _best(shaking).items():
        yield kind, cost, 1.0
    for kind, cost in sorted(_best(spreading).items(), key=lambda row: -shares[row[0]]):
        yield kind, cost, shares[kind]
    yield "(wakes without effect)", 0.0, idle


def _without_bench(snapshot: tracemalloc.Snapshot) -> tracemalloc.Snapshot:
    return snapshot.filter_traces((tracemalloc.Filter(False, __file__),))


def _held() -> int:
    """Bytes that are not this world's own."""
    return sum(line.size for line in _without_bench(tracemalloc.take_snapshot()).statistics("filename"))


def _memory(blocks: list[RawBlock]) -> tuple[float, float]:
    """KB per node once connected, and per node and block."""
    gc.collect()
    tracemalloc.start()
    world = _connected(NODES)
    gc.collect()
    connected = _held()
    if "--where" in sys.argv:
        for line in _without_bench(tracemalloc.take_snapshot()).statistics("lineno")[:60]:
            where = str(line.traceback).rpartition("src/")[2]
            print(f"{line.size / NODES:9.0f} B {line.count / NODES:7.1f}  {where}")
    _spread(world, blocks)
    gc.collect()
    spread = _held()
    tracemalloc.stop()
    return connected / NODES / 1024, (spread - connected) / NODES / BLOCKS / 1024


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    blocks = _chain()
    found = [(kind, f"{cost:7.1f} us  x {share:.2f}") for kind, cost, share in _rounds(blocks)]
    node_kb, block_kb = _memory(blocks)
    found.append((f"memory of a node, {2 * OUTBOUND} peers", f"{node_kb:.1f} KB, {block_kb:.2f} KB more each block"))
    return found


def main() -> None:
    """Print the table."""
    for what, result in rows():
        print(f"{what:<32} {result}")


if __name__ == "__main__":
    main()
