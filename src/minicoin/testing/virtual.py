"""Nodes of the real core in one process and virtual time: no socket, no thread, no clock, the same digest every run.

Performs the core's effects inline: links have a latency, workers answer after a modelled delay, the mining worker
searches when its job's time has come. Events are ordered by (time, sequence).
"""

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from minicoin.core.chain.engine import ChainEngine, invalid_block
from minicoin.core.chain.store import ChainStore, MemoryChainStore
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.effects import (
    Activate,
    Close,
    Dial,
    Effect,
    ReadBlock,
    Reply,
    Rescan,
    Resolve,
    SaveHeaders,
    SaveState,
    SearchNonce,
    Send,
    Shutdown,
    StopSearch,
    StoreBlock,
    StretchKey,
    Trace,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import (
    AddressesFound,
    AddressSource,
    BlockRead,
    BlockRefused,
    BlockStored,
    BytesReceived,
    ChainMoved,
    CommandReceived,
    ConnectionClosed,
    ConnectionOpened,
    DeadlineReached,
    DialFailed,
    Event,
    KeyStretched,
    NonceFound,
    RescanProgress,
    Saved,
    SendQueueLow,
    TransactionVerified,
)
from minicoin.core.faults import MisuseError
from minicoin.core.limits import SEND_QUEUE_LOW_BYTES
from minicoin.core.mining.search import search
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.node.commands import Command
from minicoin.core.node.node import Node
from minicoin.core.node.policy import NodePolicy
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.frame import encode_frame

LATENCY_US = 20_000
WORK_US = 1_000
# After the genesis block, so that the first mined block is later than its parent.
_START_AFTER_GENESIS_US = 600 * SECOND_US
_SEARCH_TRIES = 1 << 20


@dataclass(slots=True)
class _Link:
    """One direction of a connection, as its sender sees it."""

    peer: "VirtualNode"
    peer_conn: ConnId
    last_arrival: int = 0
    sent_since_low: int = 0


@dataclass(slots=True)
class VirtualNode:
    """One node in the world."""

    name: str
    address: NodeAddress
    node: Node
    engine: ChainEngine
    store: ChainStore
    links: dict[ConnId, _Link] = field(default_factory=dict)
    replies: dict[RequestId, Reply] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)
    job: SearchNonce | None = None
    next_inbound: int = 1
    next_request: int = 1
    is_stopped: bool = False
    wake_at: int = 0

    @property
    def height(self) -> int:
        """Of the node's tip."""
        return self.node.parts.tree.tip.height

    @property
    def tip(self) -> bytes:
        """The node's tip."""
        return self.node.parts.tree.tip.hash


class VirtualWorld:
    """A heap of events over any number of nodes."""

    def __init__(self, network: Network, verifier: Callable[[], ScriptVerifier], seed: bytes = b"virtual") -> None:
        self.network = network
        self.now = Micros(network.genesis.header.time * SECOND_US + _START_AFTER_GENESIS_US)
        self.nodes: dict[str, VirtualNode] = {}
        self._verifier = verifier
        self._rng = Rng(seed)
        self._heap: list[tuple[int, int, VirtualNode, Event]] = []
        self._sequence = 0
        self._digest = hashlib.sha256()
        self._by_address: dict[tuple[str, int], VirtualNode] = {}
        self._cut: set[frozenset[str]] = set()

    @property
    def digest(self) -> str:
        """Of every event in order: equal for equal seeds, on every Python."""
        return self._digest.hexdigest()

    # --- nodes ---

    def add(self, name: str, policy: NodePolicy | None = None, port: int = 0) -> VirtualNode:
        """A fresh node with an empty store, listening at 127.0.0.1 and a port of its own."""
        address = NodeAddress("127.0.0.1", port or 20_000 + len(self.nodes))
        store = MemoryChainStore()
        engine = ChainEngine(self.network, store, self._verifier())
        keys = self._rng.stream(f"keys {name}")
        node = assemble_node(
            self.network, policy or NodePolicy(), NodeState(), self._rng.stream(name), keys.bytes, self.now
        )
        virtual = VirtualNode(name, address, node, engine, store)
        self.nodes[name] = virtual
        self._by_address[(address.host, address.port)] = virtual
        node.start(None, self.now)
        self._perform(virtual)
        return virtual

    def command(self, virtual: VirtualNode, command: Command) -> RequestId:
        """Hand in a command; its reply is in `virtual.replies` once the world has run far enough."""
        request = RequestId(virtual.next_request)
        virtual.next_request += 1
        self._post(virtual, CommandReceived(request, command), 0)
        return request

    def ask(self, virtual: VirtualNode, command: Command, patience_us: int = 60 * SECOND_US) -> object:
        """Hand in a command and run until it is answered. Raises MisuseError with the error of the reply."""
        request = self.command(virtual, command)
        self.run(patience_us, until=lambda: request in virtual.replies)
        reply = virtual.replies.get(request)
        if reply is None:
            raise MisuseError(f"no reply to {command!r}")
        if reply.error_code:
            raise MisuseError(f"{reply.error_code}: {reply.error}")
        return reply.value

    def cut(self, one: VirtualNode, other: VirtualNode) -> None:
        """Break the connections of two nodes and let them make none."""
        self._cut.add(frozenset((one.name, other.name)))
        for conn, link in list(one.links.items()):
            if link.peer is other:
                self._break(one, conn, "cut")

    def heal(self, one: VirtualNode, other: VirtualNode) -> None:
        """Let them connect again."""
        self._cut.discard(frozenset((one.name, other.name)))

    # --- time ---

    def run(self, duration_us: int, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; ends early when `until` holds, and says whether it does."""
        end = self.now + duration_us
        while until is None or not until():
            if not self._heap or self._heap[0][0] > end:
                self.now = Micros(end)
                return until is not None and until()
            at, _, virtual, event = heapq.heappop(self._heap)
            self.now = Micros(max(at, self.now))
            if not virtual.is_stopped:
                self._handle(virtual, event)
        return True

    def _handle(self, virtual: VirtualNode, event: Event) -> None:
        if isinstance(event, DeadlineReached) and self.now < virtual.wake_at:
            return
        self._digest.update(f"{self.now} {virtual.name} {event!r}\n".encode())
        if isinstance(event, BytesReceived):
            self._digest.update(event.data)
        virtual.node.handle(event, self.now)
        self._perform(virtual)

    def _post(self, virtual: VirtualNode, event: Event, delay_us: int) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self.now + delay_us, self._sequence, virtual, event))

    def _perform(self, virtual: VirtualNode) -> None:
        for effect in virtual.node.drain_effects():
            self._perform_one(virtual, effect)
        deadline = virtual.node.next_deadline()
        if deadline is not None and (virtual.wake_at <= self.now or deadline < virtual.wake_at):
            virtual.wake_at = max(deadline, self.now)
            self._post(virtual, DeadlineReached(), virtual.wake_at - self.now)

    # --- effects ---

    def _perform_one(self, virtual: VirtualNode, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(virtual, effect)
            case Dial():
                self._dial(virtual, effect)
            case Close(conn, reason):
                self._break(virtual, conn, reason)
            case Resolve(host):
                self._post(virtual, AddressesFound(AddressSource.DNS, host, ()), LATENCY_US)
            case SaveState(key, value):
                virtual.documents[key] = value
                self._post(virtual, Saved(key), WORK_US)
            case Trace():
                virtual.traces.append(effect)
            case Reply():
                virtual.replies[effect.request] = effect
            case Shutdown():
                virtual.is_stopped = True
            case SearchNonce():
                virtual.job = effect
                self._search(virtual, effect)
            case StopSearch():
                virtual.job = None
            case StretchKey():
                self._post(virtual, KeyStretched(effect.request, _stretch(effect)), WORK_US)
            case _:
                self._work(virtual, effect)

    def _work(self, virtual: VirtualNode, effect: Effect) -> None:
        """The chain worker's share, done at once and answered a little later."""
        engine = virtual.engine
        match effect:
            case StoreBlock(block, height):
                try:
                    engine.store_block(block, height)
                except BlockRejected as refusal:
                    self._post(virtual, BlockRefused(block.hash, invalid_block(block.hash, refusal)), WORK_US)
                    return
                self._post(virtual, BlockStored(block.hash, height), WORK_US)
            case Activate(fork, path):
                update, invalid = engine.activate(fork, path)
                self._post(virtual, ChainMoved(update, invalid), WORK_US)
            case ReadBlock(conn, block_hash, stripped):
                found = engine.read_block(block_hash, stripped=stripped)
                self._post(virtual, BlockRead(conn, block_hash, found), WORK_US)
            case VerifyTransaction(transaction, parents):
                verdict = engine.verify_transaction(transaction, parents)
                self._post(virtual, TransactionVerified(verdict), WORK_US)
            case Watch(scripts):
                engine.watch(scripts)
            case SaveHeaders(headers):
                engine.add_headers(headers)
            case Rescan(scripts, start):
                found_all = tuple(
                    (block, height, watched)
                    for height, block, group in engine.rescan(scripts, start)
                    for watched in group
                )
                self._post(virtual, RescanProgress(engine.height, found_all, True), WORK_US)
            case _:
                raise MisuseError(f"nobody performs {effect!r}")

    def _search(self, virtual: VirtualNode, job: SearchNonce) -> None:
        found = search(job, 0, _SEARCH_TRIES)
        if found is None:
            raise MisuseError("the virtual world mines networks of trivial work only")
        wait = max(job.not_before_us - self.now, WORK_US)
        self._post(virtual, NonceFound(job.job, found), wait)

    # --- links ---

    def _dial(self, virtual: VirtualNode, effect: Dial) -> None:
        target = self._by_address.get((effect.address.host, effect.address.port))
        if target is None or target.is_stopped or frozenset((virtual.name, target.name)) in self._cut:
            self._post(virtual, DialFailed(effect.conn, effect.address, "connection refused"), LATENCY_US)
            return
        theirs = ConnId(target.next_inbound)
        target.next_inbound += 2
        virtual.links[effect.conn] = _Link(target, theirs)
        target.links[theirs] = _Link(virtual, effect.conn)
        ephemeral = NodeAddress(virtual.address.host, 40_000 + int(theirs))
        self._post(target, ConnectionOpened(theirs, ephemeral, True, target.address), LATENCY_US)
        self._post(virtual, ConnectionOpened(effect.conn, effect.address, False, ephemeral), LATENCY_US)

    def _send(self, virtual: VirtualNode, effect: Send) -> None:
        link = virtual.links.get(effect.conn)
        if link is None:
            return
        frame = encode_frame(self.network.magic, effect.message)
        arrival = max(self.now + LATENCY_US, link.last_arrival)
        link.last_arrival = arrival
        self._post(link.peer, BytesReceived(link.peer_conn, frame), arrival - self.now)
        link.sent_since_low += len(frame)
        if link.sent_since_low >= SEND_QUEUE_LOW_BYTES:
            link.sent_since_low = 0
            self._post(virtual, SendQueueLow(effect.conn), LATENCY_US)

    def _break(self, virtual: VirtualNode, conn: ConnId, reason: str) -> None:
        link = virtual.links.pop(conn, None)
        if link is None:
            return
        link.peer.links.pop(link.peer_conn, None)
        arrival = max(self.now + LATENCY_US, link.last_arrival)
        self._post(link.peer, ConnectionClosed(link.peer_conn, "closed by peer"), arrival - self.now)
        self._post(virtual, ConnectionClosed(conn, reason), WORK_US)


def _stretch(effect: StretchKey) -> bytes:
    cost = 1 << effect.log2_n
    return hashlib.scrypt(
        effect.passphrase, salt=effect.salt, n=cost, r=effect.r, p=effect.p, dklen=32, maxmem=1 << 27
    )
