"""A small network of real nodes in the simulated world, to be attacked."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.commands import Generate
from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.limits import BOOK_SAVE_EVERY_US
from minicoin.core.node.node import Node
from minicoin.core.notices import Notice
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.network import Network
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.attackers.handles import AttackerHandle
from minicoin.sim.attackers.roster import EngineHooks, add_attackers
from minicoin.sim.attackers.wallet import Coin
from minicoin.sim.engine.funding import PAY_SCRIPT, FundedCoin, fund, spend
from minicoin.sim.scenario.attackers import Attacker
from minicoin.sim.scenario.targets import target_nodes
from minicoin.world.host import Host, Lines
from minicoin.world.settings import WorldSettings
from minicoin.world.world import PORT, World

# Public addresses, so that bans and network groups mean what they mean on a public network.
NETWORK = replace(REGTEST, allow_private_addresses=False, coinbase_maturity=10, dns_seeds=("seed.sim",))


@dataclass
class Notes:
    """What nodes told, and when each host's tip moved."""

    kinds: Counter[type] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    moved: dict[tuple[int, int], Micros] = field(default_factory=dict)
    """(host, height) -> the first time its tip was there."""

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """Nothing to note."""

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        if isinstance(event, ChainMoved):
            self.moved.setdefault((host.index, event.update.height), now)

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """Nothing to note."""

    def on_notice(self, host: Host, notice: Notice, now: Micros) -> None:
        self.kinds[type(notice)] += 1
        self.reasons[str(getattr(notice, "reason", ""))] += 1


class SmallNet:
    """Honest nodes and whoever attacks them."""

    def __init__(
        self,
        count: int,
        attackers: Sequence[Attacker] = (),
        *,
        coins: int = 0,
        encodes: bool = False,
        shape: str = "ring",
        policy: NodePolicy | None = None,
        lines: Lines | None = None,
        block_bytes: int = 0,
        network: Network = NETWORK,
        has_peer_ids: bool = False,
    ) -> None:
        """`shape`: ring (each dials the next two), line, or addrman (they find each other)."""
        settings = WorldSettings(b"attacked", encodes=encodes, has_peer_ids=has_peer_ids)
        self.world = World(network, ScriptedVerifier(), _latency, settings)
        self.world.block_bytes = block_bytes
        self.notes = Notes()
        self.world.observers.append(self.notes)
        self.world.readers.append(self.notes.on_notice)
        funding = fund(self.world.book, coins, self.world.now) if coins else None
        self.coins = [] if funding is None else list(funding.coins)
        chain = () if funding is None else funding.chain
        # One network group each.
        self.hosts = [
            self.world.add_host(lines, chain=chain, address=NodeAddress(f"110.{index}.1.1", PORT))
            for index in range(count)
        ]
        self.world.seeds = tuple(host.address for host in self.hosts[:2])
        # As in scenarios.
        base = policy or NodePolicy(book_save_after_us=BOOK_SAVE_EVERY_US)
        self.policies = [self._policy(index, shape, base) for index in range(count)]
        hooks = EngineHooks(
            targets=lambda target, rng: target_nodes(target, range(count), {}, rng),
            place=Lines,
            coins=self._take_coins,
            pay=lambda outpoint, value, values, filling: spend((FundedCoin(outpoint, value),), values, filling),
            pay_script=PAY_SCRIPT,
        )
        self.handles = add_attackers(self.world, attackers, hooks)

    @property
    def attacker(self) -> AttackerHandle:
        """The only one."""
        (handle,) = self.handles
        return handle

    def begin(self, *, warm_up_s: float = 5, join_s: float = 5) -> None:
        """Start all honest nodes, then all attackers."""
        for index in range(len(self.hosts)):
            self.start(index)
        self.run(warm_up_s)
        self.attack(join_s)

    def attack(self, join_s: float = 5) -> None:
        """Start all attackers."""
        for handle in self.handles:
            handle.start(self.world.now)
        self.run(join_s)

    def start(self, index: int) -> None:
        """Switch one node on."""
        self.world.start(self.hosts[index], self.policies[index])

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.world.run(self.world.now + round(seconds * SECOND_US))

    def mine(self, index: int, seconds: float = 10) -> None:
        """One block found by a node, and time for it to travel."""
        self.world.command(self.hosts[index], Generate(1, PAY_SCRIPT))
        self.run(seconds)

    def node(self, index: int) -> Node:
        """What the host runs."""
        node = self.hosts[index].node
        assert node is not None
        return node

    def heights(self) -> list[int]:
        """Where every tip is."""
        return [self.node(index).view.tree.tip.height for index in range(len(self.hosts))]

    def bans(self, index: int) -> list[str]:
        """Whom a node has banned."""
        return [ban.subject for ban in self.node(index).view.connections.bans.active(self.world.now)]

    def _policy(self, index: int, shape: str, base: NodePolicy) -> NodePolicy:
        if shape == "addrman":
            return base
        count = len(self.hosts)
        steps = {"ring": [(index + 1) % count, (index + 2) % count], "line": [index - 1] if index else []}[shape]
        # Who is dialled by the other already need not dial back.
        peers = [step for step in dict.fromkeys(steps) if step != index]
        return replace(
            base,
            connect=tuple(self.hosts[peer].address for peer in peers),
            outbound_slots=0,
            use_dns_seeds=False,
        )

    def _take_coins(self, count: int) -> list[Coin]:
        taken, self.coins = self.coins[:count], self.coins[count:]
        return [(coin.outpoint, coin.value_sat) for coin in taken]


def _latency(sender: int, receiver: int, _: int) -> int:
    return 30_000 + (sender * 31 + receiver * 17) % 20_000


@pytest.fixture
def small_net() -> Callable[..., SmallNet]:
    """Builds a network; see SmallNet."""
    return SmallNet
