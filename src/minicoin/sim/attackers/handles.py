"""What the engine holds of an attacker: when it comes and goes, how often it did something, its hash power."""

from minicoin.core.commands import SubmitBlock
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.units import Micros
from minicoin.sim.attackers import forge
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.miner import Strategy
from minicoin.sim.attackers.peer import ScriptedPeer
from minicoin.sim.attackers.selfish_miner import SelfishStrategy
from minicoin.world.host import Host
from minicoin.world.world import World


class AttackerHandle:
    """One [[attacker]] table of the scenario."""

    def __init__(self, kind: str, world: World, band: Band, hosts: list[Host]) -> None:
        self.kind = kind
        self.world = world
        self.band = band
        self.hosts = hosts
        self.is_here = False
        """It joined and has not left."""

    @property
    def host_indexes(self) -> tuple[int, ...]:
        """Its hosts in the world."""
        return tuple(host.index for host in self.hosts)

    @property
    def fired(self) -> int:
        """How often it really did something; what counts stands in the docstring of each kind's class."""
        return self.band.fired

    @property
    def peers(self) -> list[ScriptedPeer]:
        """What its hosts run, in their order."""
        return self.band.peers

    def slots_taken(self, victim: Host) -> tuple[int, int]:
        """How many of a node's (outbound, inbound) connections lead to this attacker."""
        own = dict.fromkeys(self.host_indexes)
        ends = [end for end in victim.links.values() if end.other.host.index in own]
        outbound = sum(end.dialled is not None for end in ends)
        return outbound, len(ends) - outbound

    def start(self, at: Micros) -> None:
        """Join at a time, which may be now."""
        self.world.queue.at(at, self._join)

    def stop(self, until: Micros) -> None:
        """Leave at a time; leaving twice is no harm."""
        self.world.queue.at(until, self._leave)

    def _join(self, _: object, __: object) -> None:
        self.is_here = True
        for host, peer in zip(self.hosts, self.band.peers, strict=True):
            self.world.start_runner(host, peer)
            peer.start(self.world.now)
            self.world.wake(host)

    def _leave(self, _: object, __: object) -> None:
        if not self.is_here:
            return
        self.is_here = False
        for host in self.hosts:
            self.world.stop(host, "the attacker leaves")


class MinerHandle(AttackerHandle):
    """An attacker with hash power."""

    def __init__(
        self,
        kind: str,
        world: World,
        band: Band,
        hosts: list[Host],
        *,
        strategy: Strategy,
        hash_share: float,
        tie_share: float | None,
    ) -> None:
        super().__init__(kind, world, band, hosts)
        self.hash_share = hash_share
        """Of all hash power, while it is there."""
        self.found: dict[BlockHash, None] = {}
        """Every block it made, published or not."""
        self._strategy = strategy
        self._tie_share = tie_share

    def find_block(self, now: Micros) -> None:
        """Its clock rang; without effect while it is not there."""
        if not self.is_here:
            return
        block = self._strategy.find(now)
        self.found[block.hash] = None
        _tell_mined(self.world, self.hosts[0], block)

    def steer(self, host: Host, script: bytes, now: Micros) -> bool:
        """An honest node is about to find a block while this attacker has a tie: with a given `tie_share` the dice say
        on which branch. Whether the block was made here; otherwise the node mines on its own tip as ever."""
        strategy, node = self._strategy, host.node
        if self._tie_share is None or node is None or not self.is_here or not isinstance(strategy, SelfishStrategy):
            return False
        if not strategy.is_tied:
            return False
        tree = node.view.tree
        is_ours = self.band.rng.uniform() < self._tie_share
        parent = tree.get((strategy.private if is_ours else strategy.public).hash)
        # A node that has not heard of that branch, or has left both behind, takes no part in the tie.
        if parent is None or parent is tree.tip or tree.tip.height > parent.height or parent.is_failed:
            return False
        extra_nonce = self.band.rng.below(1 << 48)
        block = forge.mine(tree, parent, script, now, extra_nonce=extra_nonce, block_bytes=self.world.block_bytes)
        host.mined = block
        _tell_mined(self.world, host, block)
        self.world.command(host, SubmitBlock(block))
        return True


def _tell_mined(world: World, host: Host, block: RawBlock) -> None:
    for observer in world.observers:
        observer.on_mined(host, block, world.now)
