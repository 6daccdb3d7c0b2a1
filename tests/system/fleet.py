"""A network of node processes on loopback, of one network model: they pay each other, some are killed, others join."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.ports import free_ports
from tests.waiting import wait_until

from minicoin.app.lab.plan import LabPlan, plan_lab
from minicoin.core.params.network import Network

from .forked import ForkedNode

AMOUNT = "1.5"


@dataclass(frozen=True)
class Start:
    """How one node is started."""

    name: str
    role: str
    network_file: str
    told_of: tuple[str, ...] = ()
    port: int = field(default_factory=lambda: free_ports(1)[0])
    """Its own, also while it is killed."""


@dataclass
class Member:
    """One node, from its first start on."""

    start: Start
    process: ForkedNode
    """The latest."""
    address: str = ""
    """To be paid at."""

    @property
    def name(self) -> str:
        return self.start.name

    @property
    def role(self) -> str:
        return self.start.role

    def call(self, method: str, *params: object) -> object:
        """An RPC call."""
        return self.process.call(method, *params)

    @property
    def peer_id(self) -> str:
        """As its address has it."""
        return self.process.address.rsplit("/", 1)[1]

    def overlay(self) -> dict:
        """Its network model as it lives it."""
        return self.call("getoverlay")

    def figure(self, name: str) -> int:
        """One of what its model counts."""
        return self.overlay()["figures"][name]

    def neighbours(self, role: str | None = None) -> dict[str, int]:
        """Peer id -> connection of those it is connected to; of this role, where one is given."""
        found = self.overlay()["neighbours"]
        return {one["peerid"]: one["id"] for one in found if role is None or one["role"] == role}


@dataclass
class Fleet:
    """The nodes that run, in order of their first start."""

    network: Network
    directory: Path
    members: list[Member] = field(default_factory=list)
    killed: list[Member] = field(default_factory=list)

    def __getitem__(self, name: str) -> Member:
        return next(member for member in (*self.members, *self.killed) if member.name == name)

    def of_role(self, role: str) -> list[Member]:
        """Those of this role that run."""
        return [member for member in self.members if member.role == role]

    def start(self, *starts: Start) -> list[Member]:
        """All of them at once."""
        started = [Member(start, self._process(start)) for start in starts]
        self.members += started
        for member in started:
            member.process.wait_up()
            member.call("createwallet", "default")
            member.address = str(member.call("getnewaddress"))
        return started

    def _process(self, start: Start) -> ForkedNode:
        words = ["--network", start.network_file, "-l", str(start.port), "--rpcport", "0", "--role", start.role]
        words += [word for address in start.told_of for word in ("-d", address)]
        return ForkedNode(words, self.directory / start.name, self.directory / f"{start.name}.log")

    def kill(self, victims: Sequence[Member]) -> None:
        """As kill -9 does, all of them before the rest can answer to it."""
        for victim in victims:
            victim.process.kill_nowait()
        for victim in victims:
            victim.process.wait()
            self.members.remove(victim)
            self.killed.append(victim)

    def bring_back(self, member: Member) -> None:
        """Start a killed one again, where it was."""
        member.process = self._process(member.start)
        self.killed.remove(member)
        self.members.append(member)
        member.process.wait_up()

    def fund(self) -> None:
        """The miner mines coins for the payer, which it can spend."""
        payer, _, miner = self.cast
        mined = miner.call("generatetoaddress", self.network.coinbase_maturity + 1, payer.address)
        self.wait_for_tip(mined[-1])

    def pay(self) -> None:
        """One pays another, everybody hears of it, a third mines, everybody follows, and the payee has it."""
        payer, payee, miner = self.cast
        payment = payer.call("sendtoaddress", payee.address, AMOUNT)
        self.wait_for_all(lambda one: payment in one.call("getrawmempool"), f"the payment of {payer.name}")
        (block,) = miner.call("generatetoaddress", 1, miner.address)
        self.wait_for_tip(block)
        assert payment in miner.call("getblock", block)["tx"]
        self.wait_for_all(lambda one: one.call("gettransaction", payment)["confirmations"] == 1, "the money", [payee])

    @property
    def cast(self) -> tuple[Member, Member, Member]:
        """Who pays, who is paid, and who mines: of those started first the last, whom no test kills."""
        numbered = [member for member in self.members if member.name.startswith("node")]
        payer, payee, miner = sorted(numbered, key=lambda member: int(member.name[4:]))[-3:]
        return payer, payee, miner

    def wait_for_tip(self, block: str) -> None:
        """Until it is everybody's."""
        self.wait_for_all(lambda one: one.call("getbestblockhash") == block, f"block {block}")

    def wait_for_all(self, condition, what: str, members: Sequence[Member] | None = None) -> None:
        """Until each of these says so, of all that run where none are named; who has said so is not asked again."""
        for member in list(self.members if members is None else members):
            wait_until(lambda member=member: condition(member), f"{what} at {member.name}")


def network_of(model: str, settings: Sequence[str], count: int) -> LabPlan:
    """A plan for so many nodes, on a network whose mined coins can be spent at once."""
    plan = plan_lab(count, "regtest", model, settings)
    network: Network = replace(plan.network, name="fleet", coinbase_maturity=1)
    return replace(plan, network=network)


def told_of(plan: LabPlan, index: int, addresses: Sequence[str]) -> tuple[str, ...]:
    """As the lab does where some are leaned on; otherwise of two that run, so that no loss of one parts the others."""
    if len(set(plan.roles)) > 1:
        return plan.dials(index, addresses)
    return tuple(dict.fromkeys(addresses[(index + more) % len(addresses)] for more in (0, 1))) if addresses else ()


@contextmanager
def running(found: Fleet) -> Iterator[None]:
    """Whoever runs when the block is left must end in order."""
    try:
        yield
    finally:
        for member in found.members:
            member.process.end()
        codes = {member.name: member.process.wait() for member in found.members}
    assert set(codes.values()) == {0}, codes


@contextmanager
def fleet(model: str, settings: Sequence[str], count: int, directory: Path) -> Iterator[Fleet]:
    """So many nodes: one, then some that others are told of, then the rest."""
    plan = network_of(model, settings, count)
    file = plan.name_for_nodes(directory)
    found = Fleet(plan.network, directory)
    guides = max(plan.guides, count // 3)
    with running(found):
        for indexes in (range(1), range(1, guides), range(guides, count)):
            addresses = [member.process.address for member in found.members]
            found.start(*(Start(f"node{i}", plan.roles[i], file, told_of(plan, i, addresses)) for i in indexes))
        yield found
