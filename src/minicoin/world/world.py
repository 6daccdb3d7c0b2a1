"""The world: performs the effects of every host's node inline, in virtual time, and hands it what comes of them.

Owns hosts and what a computer does by itself: power, disk, chain worker, mining. What lies between hosts is the
business of the classes below: `Connections`, `Transport`, and the `Loop` that drives them. Measuring and checking
listen through observers and change nothing; faults act through the methods here. One seed gives one trace digest.
"""

from dataclasses import replace

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
    SetClock,
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
    ChainMoved,
    CommandReceived,
    Event,
    KeyStretched,
    NonceFound,
    Saved,
    TransactionVerified,
)
from minicoin.core.faults import MisuseError
from minicoin.core.mining.search import search
from minicoin.core.node.assemble import assemble_node
from minicoin.core.node.commands import Command
from minicoin.core.node.policy import NodePolicy
from minicoin.core.node.pool_flow import MEMPOOL_KEY
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros, RequestId
from minicoin.core.wallet.crypt import stretch_key
from minicoin.core.work import ChainJob, rest_of
from minicoin.world.connections import Connections
from minicoin.world.host import Disk, Host, Lines, Runner
from minicoin.world.ledger import BlockBook, Ledger, SharedLedger
from minicoin.world.padding import pad_job
from minicoin.world.settings import Latency, WorldSettings

PORT = 8333
# After the genesis block, so that the first mined block is later than its parent.
START_AFTER_GENESIS_US = 600 * SECOND_US
_SEARCH_TRIES = 1 << 20


def host_address(index: int) -> NodeAddress:
    """Where a host listens: an address of its own in 10.0.0.0/8."""
    return NodeAddress(f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}", PORT)


class World(Connections):
    """Hosts and what connects them."""

    def __init__(self, network: Network, verifier: ScriptVerifier, latency: Latency, settings: WorldSettings) -> None:
        started_at = Micros(network.genesis.header.time * SECOND_US + START_AFTER_GENESIS_US)
        super().__init__(network, latency, settings, started_at)
        self.rng = Rng(settings.seed)
        self.book = BlockBook(network, verifier)
        self.seeds: tuple[NodeAddress, ...] = ()
        """What the network's DNS seeds answer."""
        self.block_bytes = 0
        """Miners fill their blocks up to this size."""

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

    # --- effects ---

    def _perform_one(self, host: Host, effect: Effect) -> None:
        match effect:
            case Trace():
                for observer in self.observers:
                    observer.on_trace(host, effect, self.queue.now)
            case StoreBlock() | Activate() | ReadBlock() | VerifyTransaction() | SaveHeaders() | Watch() | Rescan():
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
            case Reply():
                host.replies[effect.request] = effect
            case SearchNonce():
                self._search(host, effect)
            case StopSearch():
                host.job = None
            case Shutdown(reason):
                self.stop(host, reason)
            case SetClock():
                raise MisuseError("the simulated world's clock is nobody's to set")
            case StretchKey():
                self._post(host, KeyStretched(effect.request, stretch_key(effect)), self.settings.costs.stretch_us)

    def _work(self, host: Host, job: ChainJob) -> None:
        """The chain worker's share: done at once, answered when a computer of this speed would have done it."""
        answer = host.disk.ledger.perform(job)
        if answer is None:
            return
        cost = self._cost(host, job, answer)
        now = self.queue.now
        if not cost:
            self._post(host, answer)
        else:
            cost = round(cost * host.cpu_factor)
            if isinstance(answer, TransactionVerified):
                answer = TransactionVerified(answer.verdict, cost)
            host.worker_free = max(host.worker_free, now) + cost
            self._post(host, answer, host.worker_free - now)
        rest = rest_of(job, answer)
        if rest is not None:
            self.queue.at(max(host.worker_free, now), self._work_on, host, (host.runner, rest))

    def _work_on(self, host: Host, left: tuple[Runner, ChainJob]) -> None:
        """What was left of a job, unless the node that asked is gone."""
        runner, job = left
        if host.runner is runner:
            self._work(host, job)

    def _cost(self, host: Host, job: ChainJob, answer: Event) -> int:
        costs = self.settings.costs
        match job:
            case Activate() if isinstance(answer, ChainMoved):
                mined = host.mined
                return sum(
                    costs.block(summary.size)
                    for summary in answer.update.connected
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
