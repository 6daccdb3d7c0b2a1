"""The world: performs the effects of every host's node inline, in virtual time, and hands it what comes of them.

Put together from a loop, connections and chain workers; owns hosts and what a computer does by itself: power, disk,
clock, mining. Measuring and checking listen through observers and readers of notices, and change nothing; faults act
through the methods here and those of `connections`. One seed gives one trace digest.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.commands import A, Asks, Command, closed, take_answer
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.effects import (
    Activate,
    AdmitPeers,
    AnswerQuestion,
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
    SignGreeting,
    SignStatement,
    SignVote,
    StopSearch,
    StoreBlock,
    StretchKey,
    VerifyProposal,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import (
    AddressesFound,
    CommandReceived,
    DeadlineReached,
    Event,
    KeyStretched,
    NonceFound,
    Saved,
)
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import SEED_BYTES, Identity
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.mining.search import search
from minicoin.core.node.assemble import assemble_node
from minicoin.core.params.network import Network
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.signers.votes import Vote, VoteKind
from minicoin.core.units import SECOND_US, Micros, RequestId
from minicoin.core.wallet.crypt import stretch_key
from minicoin.world.connections import Connections
from minicoin.world.host import Disk, Host, Lines, Runner
from minicoin.world.ledger import BlockBook, Ledger, SharedLedger
from minicoin.world.loop import Loop
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.padding import pad_job
from minicoin.world.settings import Latency, NoticeReader, StartHook, WorldSettings
from minicoin.world.worker import Workers

PORT: Final = 8333
# After the genesis block, so that the first mined block is later than its parent.
START_AFTER_GENESIS_US: Final = 600 * SECOND_US
# What two or three seeds of Bitcoin's network name, and enough to begin with.
SEEDS_ANSWER_MAX: Final = 64
_RESOLVED_AFTER_US: Final = 50_000
_SEARCH_TRIES: Final = 1 << 20
_PATIENCE_US: Final = 60 * SECOND_US


def host_address(index: int) -> NodeAddress:
    """Where a host listens: an address of its own in 10.0.0.0/8."""
    return NodeAddress(f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}", PORT)


class World:
    """Hosts and what connects them."""

    def __init__(self, network: Network, verifier: ScriptVerifier, latency: Latency, settings: WorldSettings) -> None:
        self.network = network
        self.settings = settings
        self.started_at = Micros(network.genesis.header.time * SECOND_US + START_AFTER_GENESIS_US)
        self.rng = Rng(settings.seed)
        self.hosts: list[Host] = []
        self.book = BlockBook(network, verifier)
        self.seeds: tuple[NodeAddress, ...] = ()
        """What the network's DNS seeds know; each who asks is answered SEEDS_ANSWER_MAX of them at most."""
        self.block_bytes = 0
        """Miners fill their blocks up to this size."""
        self.loop = Loop(self.started_at)
        self.queue = self.loop.queue
        self.digest = self.loop.digest
        self.observers = self.loop.observers
        self.readers: list[NoticeReader] = []
        self.start_hooks: list[StartHook] = []
        """Called with each host that is about to run a node."""
        self.connections = Connections(self.loop, network, latency, settings, self.rng, self.hosts)
        self._workers = Workers(self.loop, settings.costs)
        self.loop.serve(self.connections.transport.send, self._perform)

    # --- time ---

    @property
    def now(self) -> Micros:
        """The true time; a host's clock may be off."""
        return self.queue.now

    def run(self, until_us: int, most: int | None = None) -> int:
        """Let time pass up to a moment; how many things happened."""
        return self.queue.run(until_us, most)

    def wait(self, duration_us: int, until: Callable[[], bool]) -> bool:
        """Let time pass until something holds, for so long at most; whether it does."""
        ends_at = self.now + duration_us
        while not until():
            if not self.queue.run(ends_at, 1):
                return until()
        return True

    def wake(self, host: Host) -> None:
        """Let a host look at the clock: after its runner was told something from outside."""
        self.loop.perform(host)

    def tell(self, host: Host, event: Event) -> None:
        """Hand in an event from outside, behind all that is due by now."""
        self.loop.post(host, event)

    # --- hosts ---

    def add_host(
        self,
        lines: Lines | None = None,
        *,
        name: str = "",
        group: str = "",
        chain: tuple[BlockHash, ...] = (),
        address: NodeAddress | None = None,
        identity: Identity | None = None,
    ) -> Host:
        """A computer that is switched off, with `chain` on its disk; it lives at its index's address or another, and
        has the identity of its index or another, where hosts have any."""
        index = len(self.hosts)
        at = address or host_address(index)
        if self.settings.has_peer_ids:
            identity = identity or Identity.from_seed(self.rng.stream(f"identity {index}").bytes(SEED_BYTES))
            at = replace(at, peer_id=identity.peer_id.multihash)
        disk = Disk(SharedLedger(self.book, chain))
        # Its own copy: a line carries when it is free, and callers give many hosts the same rates.
        own_lines = Lines() if lines is None else replace(lines)
        host = Host(index, name or f"node{index}", at, own_lines, disk, group=group, identity=identity)
        self.hosts.append(host)
        self.connections.by_address[(at.host, at.port)] = host
        return host

    def add_node(self, name: str = "", policy: NodePolicy | None = None) -> Host:
        """A host with a chain engine of its own, switched on: for worlds of a few nodes."""
        host = self.add_host(name=name)
        host.disk.ledger = OwnLedger(self.network, self.book.verifier)
        self.start(host, policy or NodePolicy())
        return host

    def replace_ledger(self, host: Host, ledger: Ledger) -> None:
        """Another disk, while the host is down."""
        host.disk.ledger.close()
        host.disk.ledger = ledger

    def start(self, host: Host, policy: NodePolicy) -> None:
        """Switch a host on: assemble its node from its disk."""
        for hook in self.start_hooks:
            hook(host)
        run = f"node {host.index} {host.restarts}"
        rng = self.rng.stream(run)
        state = host.disk.ledger.state(host.disk.documents)
        # A clock that was let stand by a node runs again with the next.
        host.clock.stands_at = None
        now = host.clock.read(self.now)
        policy = replace(policy, listen_port=host.address.port) if policy.listens else policy
        policy = replace(policy, peer_id=host.address.peer_id)
        if host.identity is not None and policy.listens:
            policy = replace(policy, listen_addresses=(host.address,))
        if host.signing_keys:
            host.signer = VoteSigner(host.signing_keys, self.network.network_id, host.address.peer_id)
            policy = replace(policy, signing_keys=host.signer.members)
        host.policy = policy
        node = assemble_node(self.network, policy, state, rng, rng.stream("keys").bytes, now, identity=host.identity)
        host.node = node
        self.start_runner(host, node)
        node.start(host.disk.documents.get(MEMPOOL_KEY), now)
        self.loop.perform(host)

    def restart(self, host: Host) -> None:
        """Switch a host on, and off before that if it is on, with what its disk kept, as it was started before."""
        if host.policy is None:
            raise MisuseError(f"{host.name} never ran a node")
        if host.is_up:
            self.stop(host, "stopped")
        self.start(host, host.policy)

    def start_runner(self, host: Host, runner: Runner) -> None:
        """Switch a host on that runs something else."""
        host.runner = runner
        host.is_up = True
        host.wake_at = None
        host.lines.up_free = host.lines.down_free = host.worker_free = self.now

    def stop(self, host: Host, reason: str) -> None:
        """Power off: nothing more is written, and the others see their connections reset."""
        host.is_up = False
        host.runner = host.node = None
        host.job = None
        host.takers.clear()
        host.restarts += 1
        for end in list(host.links.values()):
            self.connections.reset(end, reason)

    def command(self, host: Host, command: Command, taker: Callable[[Reply], None] | None = None) -> RequestId:
        """Hand in a command; what it answers is in `host.replies`, and told to `taker` as it comes."""
        request = RequestId(host.next_request)
        host.next_request += 1
        if taker is not None:
            host.takers[request] = taker
        self.loop.handle(host, CommandReceived(request, command))
        return request

    def ask(self, host: Host, command: Asks[A], patience_us: int = _PATIENCE_US) -> A:
        """Hand in a command and let time pass until it is answered. Raises CommandRefused; MisuseError where no answer
        comes."""
        request = self.command(host, closed(command))
        self.wait(patience_us, lambda: request in host.replies)
        reply = host.replies.get(request)
        if reply is None:
            raise MisuseError(f"no reply to {command!r}")
        return take_answer(command, reply.answer)

    # --- effects ---

    def _perform(self, host: Host, effect: Effect) -> None:
        match effect:
            case (
                StoreBlock()
                | Activate()
                | ReadBlock()
                | VerifyTransaction()
                | VerifyProposal()
                | SaveHeaders()
                | Watch()
                | Rescan()
            ):
                if isinstance(effect, VerifyProposal):
                    host.judging = effect.block
                self._workers.work(host, effect)
            case Send(conn, message):
                self.connections.transport.send(host, conn, message)
            case Dial():
                self.connections.dial(host, effect)
            case Close(conn, reason, is_gated):
                end = host.links.get(conn)
                if end is not None:
                    self.connections.close(end, reason, is_gated=is_gated)
            case AdmitPeers(peer_ids):
                host.admitted = frozenset(peer_ids)
            case AnswerQuestion():
                # Nobody asks beside the wire here: whoever is not a node of the network is not in the world.
                pass
            case Resolve(name):
                self.loop.post(host, AddressesFound(AddressSource.DNS, name, self._resolve(host)), _RESOLVED_AFTER_US)
            case SaveState(key, value):
                host.disk.documents[key] = value
                self.loop.post(host, Saved(key), self.settings.costs.save_us)
            case Reply():
                host.replies[effect.request] = effect
                taker = host.takers.pop(effect.request, None)
                if taker is not None:
                    taker(effect)
            case SearchNonce():
                self._search(host, effect)
            case StopSearch():
                host.job = None
            case Shutdown(reason):
                self.stop(host, reason)
            case SetClock(at):
                host.clock.stands_at = at
                host.wake_at = None
                self.loop.post(host, DeadlineReached())
            case SignVote() | SignGreeting() | SignStatement():
                assert host.signer is not None
                if isinstance(effect, SignVote):
                    self._note_proposal(host, effect.vote)
                self.loop.post(host, host.signer.answer(effect), self.settings.costs.sign_us)
            case StretchKey():
                self.loop.post(host, KeyStretched(effect.request, stretch_key(effect)), self.settings.costs.stretch_us)
            case _:
                # What is left is the closed union of notices, as the type checker sees.
                for read in self.readers:
                    read(host, effect, self.now)

    def _note_proposal(self, host: Host, vote: Vote) -> None:
        """Where members sign, a block is found when it is first proposed."""
        block = host.judging
        if vote.kind is VoteKind.PROPOSAL and block is not None and block.hash == vote.block:
            for observer in self.observers:
                observer.on_mined(host, block, self.queue.now)

    def _resolve(self, host: Host) -> tuple[TimedAddress, ...]:
        own = host.address
        # Where all nodes are named by the seeds, each looks at all: their hosts first, which is quick.
        known = [address for address in self.seeds if address.host != own.host or address != own]
        if len(known) > SEEDS_ANSWER_MAX:
            drawn = self.rng.stream(f"seeds {host.index} {host.restarts}")
            known = [known[drawn.below(len(known))] for _ in range(SEEDS_ANSWER_MAX)]
        now_s = host.clock.read(self.now) // SECOND_US
        return tuple(TimedAddress(address, 9, now_s) for address in dict.fromkeys(known))

    def _search(self, host: Host, job: SearchNonce) -> None:
        """Found at once: a search that takes its time is the scenario's, or that of a job that may not end before."""
        host.job = job
        wait_us = job.not_before_us - host.clock.read(self.now)
        if wait_us > 0:
            self.queue.at(self.now + wait_us, self._find, host, job)
        else:
            self._find(host, job)

    def _find(self, host: Host, job: SearchNonce) -> None:
        if host.job is not job:
            return
        host.job = None
        padded = pad_job(job, self.block_bytes) if self.block_bytes else job
        found = search(padded, host.index << 20 | (host.next_request & 0xFFFFF), _SEARCH_TRIES)
        if found is None:
            raise MisuseError("the simulated world mines networks of trivial work only")
        host.mined = found
        for observer in self.observers:
            observer.on_mined(host, found, self.queue.now)
        self.loop.post(host, NonceFound(job.job, found))
