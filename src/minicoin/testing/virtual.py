"""Nodes of the real core in one process and virtual time: no socket, no thread, no clock, the same digest every run.

Performs the core's effects inline: links have a latency, workers answer after a modelled delay, the mining worker
searches when its job's time has come. Events are ordered by (time, sequence).
"""

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import ChainStore, MemoryChainStore
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.commands import A, Asks, Command, closed, take_answer
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
    SetClock,
    Shutdown,
    StopSearch,
    StoreBlock,
    StretchKey,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import (
    AddressesFound,
    BytesReceived,
    CommandReceived,
    ConnectionClosed,
    ConnectionOpened,
    DeadlineReached,
    DialFailed,
    Event,
    KeyStretched,
    NonceFound,
    Saved,
    SendQueueLow,
)
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.channel import Libp2pChannel, LocalPeer
from minicoin.core.libp2p.events import ConnectionSide
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import SEND_QUEUE_LOW_BYTES
from minicoin.core.mining.search import search
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.node.node import Node
from minicoin.core.node.policy import NodePolicy
from minicoin.core.node.pool_flow import MEMPOOL_KEY
from minicoin.core.notices import Notice
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import AddressSource, NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wallet.crypt import stretch_key
from minicoin.core.wire.frame import encode_frame
from minicoin.core.work import ChainJob, perform, rest_of
from minicoin.testing.links import Libp2pEnd, LinkEnd, LinkOwner, PlainEnd, Wire

LATENCY_US = 20_000
WORK_US = 1_000
# After the genesis block, so that the first mined block is later than its parent.
_START_AFTER_GENESIS_US = 600 * SECOND_US
_SEARCH_TRIES = 1 << 20


@dataclass(slots=True)
class VirtualNode:
    """One node in the world."""

    name: str
    address: NodeAddress
    node: Node
    engine: ChainEngine
    store: ChainStore
    identity: Identity
    links: dict[ConnId, LinkEnd] = field(default_factory=dict)
    neighbours: dict[ConnId, str] = field(default_factory=dict)
    unacknowledged: dict[ConnId, int] = field(default_factory=dict)
    replies: dict[RequestId, Reply] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    job: SearchNonce | None = None
    next_inbound: int = 1
    next_request: int = 1
    is_stopped: bool = False
    wake_at: int = 0
    mock_now: Micros | None = None
    """Where its clock stands, if a test let it."""

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

    def __init__(
        self,
        network: Network,
        verifier: Callable[[], ScriptVerifier],
        seed: bytes = b"virtual",
        *,
        uses_libp2p: bool = False,
        piece_bytes_max: int = 0,
    ) -> None:
        self.network = network
        self.now = Micros(network.genesis.header.time * SECOND_US + _START_AFTER_GENESIS_US)
        self.nodes: dict[str, VirtualNode] = {}
        self._verifier = verifier
        self._rng = Rng(seed)
        self._uses_libp2p = uses_libp2p
        # With a bound, bytes arrive torn into pieces of random length, as a socket may deliver them.
        self._piece_bytes_max = piece_bytes_max
        self._pieces_rng = self._rng.stream("pieces")
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._digest = hashlib.sha256()
        self._by_address: dict[tuple[str, int], VirtualNode] = {}
        self._cut: set[frozenset[str]] = set()
        self._restarts = 0

    @property
    def digest(self) -> str:
        """Of every event in order: equal for equal seeds, on every Python."""
        return self._digest.hexdigest()

    def time_of(self, virtual: VirtualNode) -> Micros:
        """The time a node is told."""
        return self.now if virtual.mock_now is None else virtual.mock_now

    # --- nodes ---

    def add(self, name: str, policy: NodePolicy | None = None, port: int = 0) -> VirtualNode:
        """A fresh node with an empty store, listening at 127.0.0.1 and a port of its own."""
        address = NodeAddress("127.0.0.1", port or 20_000 + len(self.nodes))
        return self._assemble(name, name, address, policy, MemoryChainStore(), {})

    def restart(self, virtual: VirtualNode, policy: NodePolicy | None = None) -> VirtualNode:
        """End a node, if it has not ended itself, and begin anew with the store and documents it left."""
        self._end(virtual)
        virtual.engine.close()
        self._restarts += 1
        run = f"{virtual.name} {self._restarts}"
        return self._assemble(virtual.name, run, virtual.address, policy, virtual.store, virtual.documents)

    def _end(self, virtual: VirtualNode) -> None:
        virtual.is_stopped = True
        for conn in list(virtual.links):
            self._break(virtual, conn, "stopped")

    def _assemble(
        self,
        name: str,
        run: str,
        address: NodeAddress,
        policy: NodePolicy | None,
        store: ChainStore,
        documents: dict[str, bytes],
    ) -> VirtualNode:
        engine = ChainEngine(self.network, store, self._verifier())
        keys = self._rng.stream(f"keys {name}")
        identity = Identity.from_seed(keys.bytes(32))
        chosen = policy or NodePolicy()
        if self._uses_libp2p:
            chosen = replace(chosen, peer_id=identity.peer_id.multihash)
        state = NodeState(tuple(engine.headers()), tuple(engine.stored()), engine.tip, documents)
        entropy = keys if run == name else self._rng.stream(f"keys {run}")
        node = assemble_node(self.network, chosen, state, self._rng.stream(run), entropy.bytes, self.now)
        virtual = VirtualNode(name, address, node, engine, store, identity)
        virtual.documents.update(documents)
        self.nodes[name] = virtual
        self._by_address[(address.host, address.port)] = virtual
        node.start(documents.get(MEMPOOL_KEY), self.now)
        self._perform(virtual)
        return virtual

    def command(self, virtual: VirtualNode, command: Command) -> RequestId:
        """Hand in a command; its reply is in `virtual.replies` once the world has run far enough."""
        request = RequestId(virtual.next_request)
        virtual.next_request += 1
        self._post(virtual, CommandReceived(request, command), 0)
        return request

    def ask(self, virtual: VirtualNode, command: Asks[A], patience_us: int = 60 * SECOND_US) -> A:
        """Hand in a command and run until it is answered. Raises CommandRefused; MisuseError where no answer comes."""
        request = self.command(virtual, closed(command))
        self.run(patience_us, until=lambda: request in virtual.replies)
        reply = virtual.replies.get(request)
        if reply is None:
            raise MisuseError(f"no reply to {command!r}")
        return take_answer(command, reply.answer)

    def cut(self, one: VirtualNode, other: VirtualNode) -> None:
        """Break the connections of two nodes and let them make none."""
        self._cut.add(frozenset((one.name, other.name)))
        for conn, neighbour in list(one.neighbours.items()):
            if neighbour == other.name:
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
            at, _, act = heapq.heappop(self._heap)
            self.now = Micros(max(at, self.now))
            act()
        return True

    def _handle(self, virtual: VirtualNode, event: Event) -> None:
        now = self.time_of(virtual)
        if virtual.is_stopped or (isinstance(event, DeadlineReached) and now < virtual.wake_at):
            return
        self._digest.update(f"{self.now} {virtual.name} {event!r}\n".encode())
        if isinstance(event, BytesReceived):
            self._digest.update(event.data)
        for piece in self._pieces(event):
            virtual.node.handle(piece, now)
            self._perform(virtual)

    def _pieces(self, event: Event) -> list[Event]:
        if not self._piece_bytes_max or not isinstance(event, BytesReceived):
            return [event]
        pieces: list[Event] = []
        at = 0
        while at < len(event.data):
            end = at + 1 + self._pieces_rng.below(self._piece_bytes_max)
            pieces.append(BytesReceived(event.conn, event.data[at:end]))
            at = end
        return pieces

    def _post(self, virtual: VirtualNode, event: Event, delay_us: int) -> None:
        self._schedule(delay_us, lambda: self._handle(virtual, event))

    def _schedule(self, delay_us: int, act: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self.now + delay_us, self._sequence, act))

    def _perform(self, virtual: VirtualNode) -> None:
        for effect in virtual.node.drain_effects():
            self._perform_one(virtual, effect)
        deadline = virtual.node.next_deadline()
        # Waking early costs a little, waking late loses what was due.
        assert deadline <= virtual.node.earliest_deadline()
        now = self.time_of(virtual)
        if virtual.mock_now is not None and deadline > now:
            # Its clock stands: no deadline comes by waiting.
            virtual.wake_at = 0
        elif virtual.wake_at <= now or deadline < virtual.wake_at:
            virtual.wake_at = max(deadline, now)
            self._post(virtual, DeadlineReached(), virtual.wake_at - now)

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
            case Reply():
                virtual.replies[effect.request] = effect
            case Shutdown():
                self._end(virtual)
            case SetClock(at):
                virtual.mock_now = at
                virtual.wake_at = 0
                self._post(virtual, DeadlineReached(), 0)
            case SearchNonce():
                virtual.job = effect
                self._search(virtual, effect)
            case StopSearch():
                virtual.job = None
            case StretchKey():
                self._post(virtual, KeyStretched(effect.request, stretch_key(effect)), WORK_US)
            case StoreBlock() | Activate() | ReadBlock() | VerifyTransaction() | SaveHeaders() | Watch() | Rescan():
                self._work(virtual, effect)
            case _:
                # What is left is the closed union of notices, as the type checker sees.
                virtual.notices.append(effect)

    def _work(self, virtual: VirtualNode, job: ChainJob) -> None:
        """The chain worker's share, done at once and answered a little later."""
        answer = perform(virtual.engine, job)
        if answer is not None:
            self._post(virtual, answer, WORK_US)
        rest = rest_of(job, answer)
        if rest is not None:
            self._work(virtual, rest)

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
        ephemeral = NodeAddress(virtual.address.host, 40_000 + int(theirs))
        ours_end = self._owner(virtual, effect.conn, effect.address, target.name, inbound=False)
        theirs_end = self._owner(target, theirs, ephemeral, virtual.name, inbound=True)
        here = Wire(self._schedule, lambda: self.now, LATENCY_US)
        there = Wire(self._schedule, lambda: self.now, LATENCY_US)
        if self._uses_libp2p:
            self._join_libp2p(virtual, target, (ours_end, here), (theirs_end, there), effect.address)
            return
        near, far = PlainEnd(ours_end, here), PlainEnd(theirs_end, there)
        near.other, far.other = far, near
        virtual.links[effect.conn], target.links[theirs] = near, far
        self._schedule(LATENCY_US, far.start)
        self._schedule(LATENCY_US, near.start)

    def _join_libp2p(
        self,
        virtual: VirtualNode,
        target: VirtualNode,
        ours: tuple[LinkOwner, Wire],
        theirs: tuple[LinkOwner, Wire],
        address: NodeAddress,
    ) -> None:
        expected = PeerId(address.peer_id) if address.peer_id else None
        near = Libp2pEnd(*ours, self._channel(virtual, ConnectionSide.DIALLER, expected, target.address))
        far = Libp2pEnd(*theirs, self._channel(target, ConnectionSide.ACCEPTOR, None, virtual.address))
        near.other, far.other = far, near
        virtual.links[ours[0].conn], target.links[theirs[0].conn] = near, far
        self._schedule(LATENCY_US, far.start)
        self._schedule(LATENCY_US, near.start)

    def _channel(
        self, virtual: VirtualNode, side: ConnectionSide, expected: PeerId | None, remote: NodeAddress
    ) -> Libp2pChannel:
        self._sequence += 1
        stream = self._rng.stream(f"channel {self._sequence}")
        return Libp2pChannel(
            side,
            LocalPeer(virtual.identity, self.network.protocol_id, "minicoin"),
            expected,
            Multiaddr.of_endpoint(remote.host, remote.port),
            entropy=stream.stream("entropy").bytes,
            rng=stream,
            now=self.now,
        )

    def _owner(
        self, virtual: VirtualNode, conn: ConnId, remote: NodeAddress, neighbour: str, *, inbound: bool
    ) -> LinkOwner:
        was_opened = False

        def opened(peer_id: bytes) -> None:
            nonlocal was_opened
            was_opened = True
            proven = NodeAddress(remote.host, remote.port, peer_id or remote.peer_id)
            self._post(virtual, ConnectionOpened(conn, proven, inbound, virtual.address), 0)

        def received(data: bytes) -> None:
            self._post(virtual, BytesReceived(conn, data), 0)

        def closed(reason: str) -> None:
            virtual.links.pop(conn, None)
            virtual.neighbours.pop(conn, None)
            virtual.unacknowledged.pop(conn, None)
            if was_opened:
                self._post(virtual, ConnectionClosed(conn, reason), 0)
            elif not inbound:
                self._post(virtual, DialFailed(conn, remote, reason), 0)

        virtual.neighbours[conn] = neighbour
        return LinkOwner(conn, opened, received, closed)

    def _send(self, virtual: VirtualNode, effect: Send) -> None:
        link = virtual.links.get(effect.conn)
        if link is None:
            return
        frame = encode_frame(self.network.magic, effect.message)
        link.send(frame)
        sent = virtual.unacknowledged.get(effect.conn, 0) + len(frame)
        if sent >= SEND_QUEUE_LOW_BYTES:
            sent = 0
            self._post(virtual, SendQueueLow(effect.conn), LATENCY_US)
        virtual.unacknowledged[effect.conn] = sent

    def _break(self, virtual: VirtualNode, conn: ConnId, reason: str) -> None:
        link = virtual.links.get(conn)
        if link is not None:
            link.close(reason)
