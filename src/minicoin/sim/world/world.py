"""The world: performs the effects of every host's node inline, in virtual time, and hands it what comes of them.

Owns hosts, connections and the order of everything that happens. Mining and load, faults, measuring and checking are
told apart by hooks and never change what a node is told. One seed gives one trace digest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

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
    BlockStored,
    BytesReceived,
    ChainMoved,
    CommandReceived,
    ConnectionClosed,
    ConnectionOpened,
    DeadlineReached,
    DialFailed,
    Event,
    MessageReceived,
    NonceFound,
    Saved,
    SendQueueLow,
    TransactionVerified,
)
from minicoin.core.faults import MisuseError
from minicoin.core.limits import SEND_QUEUE_LOW_BYTES
from minicoin.core.mining.search import search
from minicoin.core.node.assemble import assemble_node
from minicoin.core.node.commands import Command
from minicoin.core.node.node import MEMPOOL_KEY
from minicoin.core.node.policy import NodePolicy
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages import Message
from minicoin.sim.bandwidth import departure, reception, transfer_us
from minicoin.sim.world.costs import WorkCosts
from minicoin.sim.world.digest import TraceDigest, event_key
from minicoin.sim.world.freight import Freight, encoded, freight_of
from minicoin.sim.world.host import Disk, Host, Lines, LinkEnd, Runner
from minicoin.sim.world.ledger import BlockBook, Ledger, LedgerEffect, SharedLedger
from minicoin.sim.world.padding import pad_job
from minicoin.sim.world.queue import EventQueue

PORT = 8333
# After the genesis block, so that the first mined block is later than its parent.
START_AFTER_GENESIS_US = 600 * SECOND_US
_SEARCH_TRIES = 1 << 20

Latency = Callable[[int, int, int], int]
"""One-way latency in microseconds of (from host, to host, number of the message)."""

Barrier = Callable[[Host, Host], bool]
"""Whether nothing gets from one host to another."""

LinkHook = Callable[[LinkEnd], None]


class Observer(Protocol):
    """Hears what happens, and changes nothing."""

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """A host found a block."""

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """A host's engine stored a block, or moved."""

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """A host's engine checked a transaction."""

    def on_trace(self, host: Host, trace: Trace, now: Micros) -> None:
        """A node says something for logs."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """How the world treats all its hosts."""

    seed: bytes
    costs: WorkCosts = field(default_factory=WorkCosts)
    encodes: bool = False
    """Encode and decode every message, as on a socket."""
    draws_per_message: bool = False
    """Ask for the latency of every message, not once per connection."""


def host_address(index: int) -> NodeAddress:
    """Where a host listens: an address of its own in 10.0.0.0/8."""
    return NodeAddress(f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}", PORT)


class World:
    """Hosts and what connects them."""

    def __init__(self, network: Network, verifier: ScriptVerifier, latency: Latency, settings: WorldSettings) -> None:
        self.network = network
        self.settings = settings
        self.rng = Rng(settings.seed)
        self.book = BlockBook(network, verifier)
        self.started_at = Micros(network.genesis.header.time * SECOND_US + START_AFTER_GENESIS_US)
        self.queue = EventQueue(self.started_at)
        self.digest = TraceDigest()
        self.hosts: list[Host] = []
        self.by_address: dict[tuple[str, int], Host] = {}
        self.barriers: list[Barrier] = []
        self.link_hooks: list[LinkHook] = []
        """Called with each end of a connection as it opens."""
        self.observers: list[Observer] = []
        self.seeds: tuple[NodeAddress, ...] = ()
        """What the network's DNS seeds answer."""
        self.block_bytes = 0
        """Miners fill their blocks up to this size."""
        self._latency = latency
        self._encodes = settings.encodes
        self._draws_per_message = settings.draws_per_message
        # The message sent last: announcements go to many peers one after the other as one object.
        self._freighted: Message | None = None
        self._freight = Freight(b"", 0, -1, b"")

    @property
    def now(self) -> Micros:
        """The true time; a host's clock may be off."""
        return self.queue.now

    # --- hosts ---

    def add_host(
        self,
        lines: Lines | None = None,
        *,
        name: str = "",
        group: str = "",
        chain: tuple[BlockHash, ...] = (),
        address: NodeAddress | None = None,
    ) -> Host:
        """A computer that is switched off, with `chain` on its disk; it lives at its index's address or another."""
        index = len(self.hosts)
        disk = Disk(SharedLedger(self.book, chain))
        host = Host(index, name or f"node{index}", address or host_address(index), lines or Lines(), disk, group)
        self.hosts.append(host)
        self.by_address[(host.address.host, host.address.port)] = host
        return host

    def replace_ledger(self, host: Host, ledger: Ledger) -> None:
        """Another disk, while the host is down."""
        host.disk.ledger.close()
        host.disk.ledger = ledger

    def start(self, host: Host, policy: NodePolicy) -> None:
        """Switch a host on: assemble its node from its disk."""
        run = f"node {host.index} {host.restarts}"
        rng = self.rng.stream(run)
        state = host.disk.ledger.state(host.disk.documents)
        now = self._clock(host)
        policy = replace(policy, listen_port=host.address.port) if policy.listens else policy
        host.policy = policy
        node = assemble_node(self.network, policy, state, rng, rng.stream("keys").bytes, now)
        host.node = node
        self.start_runner(host, node)
        node.start(host.disk.documents.get(MEMPOOL_KEY), now)
        self._perform(host)

    def restart(self, host: Host) -> None:
        """Switch a host on again, with what its disk kept, as it was started before."""
        if host.policy is None:
            raise MisuseError(f"{host.name} never ran a node")
        self.start(host, host.policy)

    def start_runner(self, host: Host, runner: Runner) -> None:
        """Switch a host on that runs something else."""
        host.runner = runner
        host.is_up = True
        host.wake_at = 0
        host.up_free = host.down_free = host.worker_free = self.now

    def stop(self, host: Host, reason: str) -> None:
        """Power off: nothing more is written, and the others see their connections reset."""
        host.is_up = False
        host.runner = host.node = None
        host.job = None
        host.restarts += 1
        for end in list(host.links.values()):
            self.reset(end, reason)

    def command(self, host: Host, command: Command) -> RequestId:
        """Hand in a command; what it answers is in `host.replies`."""
        request = RequestId(host.next_request)
        host.next_request += 1
        self._handle(host, CommandReceived(request, command))
        return request

    def wake(self, host: Host) -> None:
        """Let a host look at the clock: after its runner was told something from outside."""
        self._perform(host)

    def tell(self, host: Host, event: Event) -> None:
        """Hand in an event from outside, behind all that is due by now."""
        self._post(host, event)

    def _clock(self, host: Host) -> Micros:
        return Micros(self.queue.now + host.clock_offset_us)

    # --- time ---

    def run(self, until_us: int, most: int | None = None) -> int:
        """Let time pass up to a moment; how many things happened."""
        return self.queue.run(until_us, most)

    def _handle(self, host: Host, event: Event) -> None:
        runner = host.runner
        if runner is None:
            return
        now = self._clock(host)
        self.digest.note(self.queue.now, host.index, 0, event_key(event))
        runner.handle(event, now)
        self._perform(host)

    def _answer(self, host: Host, answer: tuple[Runner, Event]) -> None:
        """The result of an effect, unless the node that asked is gone."""
        runner, event = answer
        if host.runner is not runner:
            return
        if isinstance(event, ChainMoved | BlockStored):
            for observer in self.observers:
                observer.on_stood(host, event, self.queue.now)
        elif isinstance(event, TransactionVerified):
            for observer in self.observers:
                observer.on_verified(host, event, self.queue.now)
        self._handle(host, event)

    def _post(self, host: Host, event: Event, delay_us: int = 0) -> None:
        self.queue.at(self.queue.now + delay_us, self._answer, host, (host.runner, event))

    def _wake(self, host: Host, runner: Runner) -> None:
        if host.runner is runner and host.wake_at <= self._clock(host):
            host.wake_at = 0
            self._handle(host, DeadlineReached())

    def _perform(self, host: Host) -> None:
        runner = host.runner
        if runner is None:
            return
        for effect in runner.drain_effects():
            if type(effect) is Send:
                self._send(host, effect.conn, effect.message)
            else:
                self._perform_one(host, effect)
        deadline = runner.next_deadline()
        if deadline is not None and (not host.wake_at or deadline < host.wake_at):
            host.wake_at = deadline
            self.queue.at(max(deadline - host.clock_offset_us, self.queue.now), self._wake, host, runner)

    # --- effects ---

    def _perform_one(self, host: Host, effect: Effect) -> None:
        match effect:
            case Trace():
                for observer in self.observers:
                    observer.on_trace(host, effect, self.queue.now)
            case StoreBlock() | Activate() | ReadBlock() | VerifyTransaction():
                self._work(host, effect)
            case Send(conn, message):
                self._send(host, conn, message)
            case Dial():
                self._dial(host, effect)
            case Close(conn, reason):
                end = host.links.get(conn)
                if end is not None:
                    self.close(end, reason)
            case Resolve(name):
                now_s = self._clock(host) // SECOND_US
                known = tuple(TimedAddress(address, 9, now_s) for address in self.seeds if address != host.address)
                self._post(host, AddressesFound(AddressSource.DNS, name, known), 50_000)
            case SaveState(key, value):
                host.disk.documents[key] = value
                self._post(host, Saved(key), self.settings.costs.save_us)
            case SaveHeaders(headers):
                host.disk.ledger.add_headers(headers)
            case Reply():
                host.replies[effect.request] = effect
            case SearchNonce():
                self._search(host, effect)
            case StopSearch():
                host.job = None
            case Shutdown(reason):
                self.stop(host, reason)
            case Watch(scripts) if not scripts:
                pass
            case Watch() | Rescan() | StretchKey():
                raise MisuseError(f"hosts of the simulated world have no wallet: {effect!r}")

    def _work(self, host: Host, effect: LedgerEffect) -> None:
        """The chain worker's share: done at once, answered when a computer of this speed would have done it."""
        event = host.disk.ledger.perform(effect)
        cost = self._cost(host, effect, event)
        now = self.queue.now
        if not cost:
            self._post(host, event)
            return
        host.worker_free = max(host.worker_free, now) + round(cost * host.cpu_factor)
        self._post(host, event, host.worker_free - now)

    def _cost(self, host: Host, effect: LedgerEffect, event: Event) -> int:
        costs = self.settings.costs
        match effect:
            case Activate() if isinstance(event, ChainMoved):
                mined = host.mined
                return sum(
                    costs.block(summary.size)
                    for summary in event.update.connected
                    # Whoever mined a block has nothing left to find out about it.
                    if mined is None or mined.hash != summary.hash
                )
            case VerifyTransaction():
                return costs.transaction_us
            case ReadBlock():
                return costs.read_us
            case _:
                return 0

    def _search(self, host: Host, job: SearchNonce) -> None:
        padded = pad_job(job, self.block_bytes) if self.block_bytes else job
        found = search(padded, host.index << 20 | (host.next_request & 0xFFFFF), _SEARCH_TRIES)
        if found is None:
            raise MisuseError("the simulated world mines networks of trivial work only")
        host.mined = found
        for observer in self.observers:
            observer.on_mined(host, found, self.queue.now)
        self._post(host, NonceFound(job.job, found))

    # --- connections ---

    def is_cut(self, sender: Host, receiver: Host) -> bool:
        """Whether something stands between two hosts."""
        return any(barrier(sender, receiver) for barrier in self.barriers)

    def _dial(self, host: Host, effect: Dial) -> None:
        target = self.by_address.get((effect.address.host, effect.address.port))
        if target is None or not target.is_up:
            self._post(host, DialFailed(effect.conn, effect.address, "connection refused"), 2 * 20_000)
            return
        if self.barriers and (self.is_cut(host, target) or self.is_cut(target, host)):
            self._post(host, DialFailed(effect.conn, effect.address, "timed out"), effect.timeout_us)
            return
        theirs = ConnId(target.next_inbound)
        target.next_inbound += 2
        near = LinkEnd(host, effect.conn, self._latency(host.index, target.index, 0), dialled=effect.address)
        far = LinkEnd(target, theirs, self._latency(target.index, host.index, 0), dialled=None)
        near.other, far.other = far, near
        # A SYN there, a SYN-ACK back: the accepting side knows of the connection first.
        self.queue.at(self.queue.now + near.latency_us, self._accept, far, near)

    def _accept(self, far: LinkEnd, near: LinkEnd) -> None:
        host, dialler = far.host, near.host
        arrival = self.queue.now + far.latency_us
        if not host.is_up:
            self.queue.at(arrival, self._refused, near)
            return
        host.links[far.conn] = far
        far.runner = host.runner
        for hook in self.link_hooks:
            hook(far)
            hook(near)
        self.queue.at(arrival, self._connected, near)
        far.last_arrival = arrival
        remote = NodeAddress(dialler.address.host, 40_000 + far.conn % 20_000)
        self._handle(host, ConnectionOpened(far.conn, remote, True, host.address))

    def _connected(self, near: LinkEnd, _: object) -> None:
        host = near.host
        if host.runner is not near.runner:
            near.is_open = False
            self.reset(near.other, "connection reset")
            return
        if not near.other.is_open:
            self._refused(near, None)
            return
        host.links[near.conn] = near
        assert near.dialled is not None
        self._handle(host, ConnectionOpened(near.conn, near.dialled, False, host.address))

    def _refused(self, near: LinkEnd, _: object) -> None:
        near.is_open = False
        assert near.dialled is not None
        if near.host.runner is near.runner:
            self._handle(near.host, DialFailed(near.conn, near.dialled, "connection refused"))

    def close(self, end: LinkEnd, reason: str) -> None:
        """Close from this side: what was sent still arrives, then the other side hears of it."""
        if not end.is_open:
            return
        end.is_open = False
        end.host.links.pop(end.conn, None)
        self._post(end.host, ConnectionClosed(end.conn, reason))
        if end.held is not None:
            # A FIN does not pass either: the other side finds out by itself.
            return
        arrival = max(self.queue.now, end.host.up_free) + end.latency_us
        self.queue.at(max(arrival, end.last_arrival), self._closed, end.other)

    def reset(self, end: LinkEnd, reason: str) -> None:
        """Break a connection at once; the other side hears of it one latency later."""
        if end.is_open:
            end.is_open = False
            end.host.links.pop(end.conn, None)
            self._post(end.host, ConnectionClosed(end.conn, reason))
        if end.other.is_open and end.held is None:
            self.queue.at(self.queue.now + end.latency_us, self._closed, end.other)

    def _closed(self, end: LinkEnd, _: object) -> None:
        if end.is_open:
            end.is_open = False
            # Whoever was switched on since may have a connection of the same number.
            if end.host.runner is end.runner:
                end.host.links.pop(end.conn, None)
                self._handle(end.host, ConnectionClosed(end.conn, "closed by peer"))

    def link_ends(self) -> Iterator[LinkEnd]:
        """Every open end, host by host."""
        for host in self.hosts:
            yield from list(host.links.values())

    # --- messages ---

    def _send(self, host: Host, conn: ConnId, message: Message) -> None:
        end = host.links.get(conn)
        if end is None:
            return
        freight = self._freight
        if message is not self._freighted:
            freight = encoded(self.network.magic, message) if self._encodes else freight_of(message)
            self._freighted, self._freight = message, freight
        size = freight.size
        traffic = host.traffic
        traffic.sent_messages[freight.kind] += 1
        traffic.sent_bytes[freight.kind] += size
        now = self.queue.now
        latency = end.latency_us
        if self._draws_per_message:
            end.number += 1
            latency = self._latency(host.index, end.other.host.index, end.number)
        host.up_free, _, last = departure(now, host.up_free, transfer_us(size, host.up_rate), latency)
        end.unacknowledged += size
        if end.unacknowledged >= SEND_QUEUE_LOW_BYTES:
            end.unacknowledged = 0
            self._post(host, SendQueueLow(conn), host.up_free - now)
        if last < end.last_arrival:
            last = end.last_arrival
        if end.held is not None:
            end.held.append((freight.content, size))
        elif end.disturbance is not None:
            end.disturbance.carry(end, freight.content, size, last)
        else:
            end.last_arrival = last
            self.queue.at(last, self._receive, end.other, freight)

    def arrive(self, end: LinkEnd, content: Message | bytes, arrival_us: int) -> None:
        """Have the last byte of a message, or of a piece of one, at the far end at a time."""
        end.last_arrival = arrival_us
        self.queue.at(arrival_us, self._receive, end.other, freight_of(content))

    def _receive(self, end: LinkEnd, freight: Freight) -> None:
        """The last byte is there: wait for the downlink, where that is the narrower one."""
        host = end.host
        if host.down_rate:
            now = self.queue.now
            first = now - transfer_us(freight.size, end.other.host.up_rate)
            done, host.down_free = reception(first, now, host.down_free, transfer_us(freight.size, host.down_rate))
            if done > now:
                self.queue.at(done, self._deliver, end, freight)
                return
        self._deliver(end, freight)

    def _deliver(self, end: LinkEnd, freight: Freight) -> None:
        host = end.host
        runner = host.runner
        if runner is None or not end.is_open:
            return
        now = self.queue.now
        self.digest.note(now, host.index, end.conn, freight.key)
        content = freight.content
        event: Event
        if isinstance(content, bytes):
            event = BytesReceived(end.conn, content)
        else:
            event = MessageReceived(end.conn, content, freight.size)
        if freight.kind >= 0:
            host.traffic.received_messages[freight.kind] += 1
            host.traffic.received_bytes[freight.kind] += freight.size
        runner.handle(event, Micros(now + host.clock_offset_us))
        self._perform(host)

    def hold(self, end: LinkEnd) -> None:
        """Nothing sent here arrives any more, until it is let go; what is under way still does."""
        if end.held is None:
            end.held = []

    def let_go(self, end: LinkEnd) -> None:
        """What waited arrives now, in order, as TCP's retransmissions would."""
        held, end.held = end.held, None
        arrival = self.queue.now + end.latency_us
        for sent, size in held or ():
            if end.disturbance is not None:
                end.disturbance.carry(end, sent, size, arrival)
            else:
                self.arrive(end, sent, max(arrival, end.last_arrival))
        if not end.is_open and end.other.is_open:
            self.queue.at(max(arrival, end.last_arrival), self._closed, end.other)
