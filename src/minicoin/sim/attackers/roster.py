"""From the attackers of a scenario to hosts of the world that run their scripts: the one way in for the engine."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.sim.attackers.addresses import AddressPlan, AddressRange
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.dropping_super import DroppingSuper
from minicoin.sim.attackers.eclipse import POOL_PER_GROUP, EclipsePeer
from minicoin.sim.attackers.flood_addresses import AddressFlooder
from minicoin.sim.attackers.flood_connections import ConnectionFlooder
from minicoin.sim.attackers.flood_gossip import GossipFlooder
from minicoin.sim.attackers.flood_transactions import TransactionFlooder
from minicoin.sim.attackers.handles import AttackerHandle, MinerHandle
from minicoin.sim.attackers.invalid_blocks import PAYMENT_FLAWS, BlockForger, InvalidBlockPeer
from minicoin.sim.attackers.invalid_headers import InvalidHeaderPeer
from minicoin.sim.attackers.key_sybil import KeySybil, identities_near
from minicoin.sim.attackers.lying_index import LyingIndex
from minicoin.sim.attackers.miner import Gateway, Strategy
from minicoin.sim.attackers.peer import ScriptedPeer
from minicoin.sim.attackers.scout import Scout
from minicoin.sim.attackers.selfish_miner import SelfishStrategy
from minicoin.sim.attackers.slow_blocks import SlowPeer
from minicoin.sim.attackers.sybil import SybilPeer
from minicoin.sim.attackers.wallet import AttackerWallet, Coin, Pay
from minicoin.sim.attackers.withhold_blocks import WithholdStrategy
from minicoin.sim.scenario.attackers import (
    Attacker,
    DroppingSupers,
    Eclipse,
    FloodAddresses,
    FloodConnections,
    FloodGossip,
    FloodTransactions,
    InvalidBlocks,
    InvalidHeaders,
    LyingIndexes,
    PeerAttacker,
    SelfishMiner,
    SlowBlocks,
    Sybil,
    SybilNearKey,
    WithholdBlocks,
)
from minicoin.sim.scenario.fields import micros
from minicoin.sim.scenario.targets import ALL, Target
from minicoin.world.host import Host, Lines
from minicoin.world.world import PORT, World

# Real payments come back once a block confirms them: coins for this many blocks keep a flood going.
_BLOCKS_FUNDED = 3
_COINS_PER_PEER_MAX = 5_000
# Whom a scout listens to.
_SCOUTED = 4
# An attacker of more machines than this does not have a network for each.
_GROUPS_MAX = 64


_GROUPED = Eclipse | DroppingSupers | SybilNearKey
"""Attackers that say how many networks they have."""
_FOLLOWING = Eclipse | Sybil | FloodTransactions | SlowBlocks | InvalidBlocks | InvalidHeaders
"""Attackers of chosen nodes for whom it matters where the chain stands."""


@dataclass(frozen=True, slots=True)
class EngineHooks:
    """What attackers need of the engine that runs them."""

    targets: Callable[[Target, Rng], tuple[int, ...]]
    """The honest hosts that a target means; shares and random ones are drawn from the given stream."""
    place: Callable[[], Lines]
    """A place and lines for one more host; called in front of each that is added."""
    coins: Callable[[int], Sequence[Coin]]
    """So many mature coins that nobody else spends, or fewer where there are no more."""
    pay: Pay
    pay_script: bytes
    """Where mined coins go."""


def coins_wanted(attackers: Sequence[Attacker], spacing_s: float) -> int:
    """How many coins the run has to be funded with for these attackers."""
    return sum(attacker.count * _coins_per_peer(attacker, spacing_s) for attacker in attackers)


def _coins_per_peer(attacker: Attacker, spacing_s: float) -> int:
    match attacker:
        case InvalidBlocks() if attacker.flaw in PAYMENT_FLAWS:
            return 1
        case FloodTransactions() if attacker.validity == "invalid":
            return 1
        case FloodTransactions() if attacker.validity == "valid":
            return min(math.ceil(attacker.rate_per_s * spacing_s * _BLOCKS_FUNDED) + 1, _COINS_PER_PEER_MAX)
        case _:
            return 0


def add_attackers(world: World, attackers: Sequence[Attacker], hooks: EngineHooks) -> list[AttackerHandle]:
    """Their hosts, added to the world behind all that are there and switched off: start() the handles."""
    plan = AddressPlan(PORT)
    return [_Builder(world, hooks, plan, number, attacker).build() for number, attacker in enumerate(attackers)]


class _Builder:
    """Builds one attacker."""

    def __init__(self, world: World, hooks: EngineHooks, plan: AddressPlan, number: int, attacker: Attacker) -> None:
        self._world = world
        self._hooks = hooks
        self._number = number
        self._attacker = attacker
        self._rng = world.rng.stream(f"attacker {number}")
        self._band = Band(world.network, self._rng, self._wake)
        self._hosts: dict[ScriptedPeer, Host] = {}
        groups = attacker.network_groups if isinstance(attacker, _GROUPED) else min(attacker.count, _GROUPS_MAX)
        self._addresses: AddressRange = plan.take(groups)
        self._scout_address = plan.take(1).address(0)
        self._pool = self._make_pool() if isinstance(attacker, Eclipse) else ()

    def build(self) -> AttackerHandle:
        attacker, band, world = self._attacker, self._band, self._world
        targets = self._targets()
        strategy = self._strategy()
        identities = self._identities()
        for place in range(attacker.count):
            host = world.add_host(
                self._hooks.place(),
                name=f"{attacker.kind}{self._number}.{place}",
                group=attacker.kind,
                address=self._addresses.address(place),
                identity=identities[place] if identities else None,
            )
            peer = self._peer(host, self._rng.stream(f"peer {place}"), targets, place)
            if isinstance(peer, Gateway) and strategy is not None:
                peer.strategy = strategy
            band.peers.append(peer)
            self._hosts[peer] = host
        hosts = list(self._hosts.values())
        self._listen_widely(hosts)
        self._add_scout()
        hosts = list(self._hosts.values())
        if strategy is None or not isinstance(attacker, SelfishMiner | WithholdBlocks):
            return AttackerHandle(attacker.kind, world, band, hosts)
        tie_share = attacker.tie_share if isinstance(attacker, SelfishMiner) else None
        return MinerHandle(
            attacker.kind,
            world,
            band,
            hosts,
            strategy=strategy,
            hash_share=attacker.hash_share,
            tie_share=tie_share,
        )

    def _peer(self, host: Host, rng: Rng, targets: tuple[NodeAddress, ...], place: int) -> ScriptedPeer:
        attacker, band, address = self._attacker, self._band, host.address
        match attacker:
            case Eclipse():
                return EclipsePeer(
                    band,
                    address,
                    rng,
                    targets,
                    pool=self._pool,
                    addresses_per_s=attacker.addresses_per_s,
                    hides_blocks=attacker.hides_blocks,
                )
            case Sybil():
                chosen = tuple(rng.sample(targets, attacker.connections))
                return SybilPeer(
                    band,
                    address,
                    rng,
                    chosen,
                    hides_blocks=attacker.hides_blocks,
                    hides_transactions=attacker.hides_transactions,
                )
            case FloodTransactions():
                return TransactionFlooder(
                    band,
                    address,
                    rng,
                    targets,
                    wallet=self._wallet(),
                    validity=attacker.validity,
                    rate_per_s=attacker.rate_per_s,
                    tx_bytes=attacker.tx_bytes,
                    verifier=self._world.book.verifier,
                )
            case FloodAddresses(rate_per_s=rate, per_message=per_message):
                return AddressFlooder(band, address, rng, targets, rate_per_s=rate, per_message=per_message)
            case FloodGossip(rate_per_s=rate):
                return GossipFlooder(band, address, rng, targets, rate_per_s=rate)
            case LyingIndexes(lie=lie):
                return LyingIndex(band, address, rng, targets, lie=lie)
            case DroppingSupers():
                return DroppingSuper(band, address, rng, targets, identity=self._identity_of(host))
            case SybilNearKey():
                return KeySybil(band, address, rng, targets, victim=self._victim(attacker).peer_id)
            case FloodConnections(rate_per_s=rate, handshake=shakes_hands):
                return ConnectionFlooder(band, address, rng, targets, rate_per_s=rate, shakes_hands=shakes_hands)
            case SlowBlocks(delay_s=delay_s):
                return SlowPeer(band, address, rng, targets, None if delay_s is None else micros(delay_s))
            case InvalidBlocks():
                return InvalidBlockPeer(
                    band, address, rng, targets, forger=self._forger(attacker), per_hour=attacker.per_hour
                )
            case InvalidHeaders(flaw=flaw, rate_per_s=rate):
                return InvalidHeaderPeer(band, address, rng, targets, flaw=flaw, rate_per_s=rate)
            case SelfishMiner() | WithholdBlocks():
                return Gateway(band, address, rng, targets[place :: attacker.count])

    def _victim(self, attacker: SybilNearKey) -> NodeAddress:
        return self._world.hosts[attacker.victim].address

    def _identities(self) -> tuple[Identity, ...]:
        """Those that it chose; none where any will do."""
        attacker = self._attacker
        if not isinstance(attacker, SybilNearKey):
            return ()
        rng = self._rng.stream("identities")
        return identities_near(self._victim(attacker).peer_id, attacker.count, attacker.tries, rng)

    @staticmethod
    def _identity_of(host: Host) -> Identity:
        if host.identity is None:
            raise MisuseError("an attacker that signs needs a world whose hosts have identities")
        return host.identity

    def _strategy(self) -> Strategy | None:
        attacker, script, size = self._attacker, self._hooks.pay_script, self._world.block_bytes
        match attacker:
            case SelfishMiner():
                return SelfishStrategy(self._band, script, size)
            case WithholdBlocks(delay_s=delay_s):
                return WithholdStrategy(self._band, script, size, None if delay_s is None else micros(delay_s))
            case _:
                return None

    def _targets(self) -> tuple[NodeAddress, ...]:
        attacker = self._attacker
        rng = self._rng.stream("targets")
        found: Sequence[int]
        if isinstance(attacker, PeerAttacker):
            found = self._hooks.targets(attacker.target, rng)
        else:
            found = rng.sample(self._hooks.targets(ALL, rng), attacker.connections)
        return tuple(self._world.hosts[index].address for index in found)

    def _add_scout(self) -> None:
        """One more host, where the attack leaves out nodes that could tell of the chain."""
        attacker, rng = self._attacker, self._rng.stream("scout")
        if not isinstance(attacker, _FOLLOWING):
            return
        targets = self._hooks.targets(attacker.target, self._rng.stream("targets"))
        others = [index for index in self._hooks.targets(ALL, rng) if index not in targets]
        if not others:
            return
        heard = tuple(self._world.hosts[index].address for index in rng.sample(others, _SCOUTED))
        lines = self._hooks.place()
        name = f"{attacker.kind}{self._number}.scout"
        host = self._world.add_host(lines, name=name, group=attacker.kind, address=self._scout_address)
        scout = Scout(self._band, host.address, rng, heard, fetches=self._wants_bodies())
        self._band.peers.append(scout)
        self._hosts[scout] = host

    def _wants_bodies(self) -> bool:
        match self._attacker:
            case SlowBlocks(delay_s=delay_s):
                return delay_s is not None
            case Eclipse(hides_blocks=hides) | Sybil(hides_blocks=hides):
                return not hides
            case FloodTransactions(validity=validity):
                return validity == "valid"
            case _:
                return False

    def _forger(self, attacker: InvalidBlocks) -> BlockForger:
        world = self._world
        return BlockForger(self._band, attacker.flaw, self._wallet(), world.book.verifier, world.block_bytes)

    def _wallet(self) -> AttackerWallet:
        wanted = _coins_per_peer(self._attacker, self._world.network.spacing_s)
        return AttackerWallet(self._hooks.coins(wanted) if wanted else (), self._hooks.pay, self._hooks.pay_script)

    def _make_pool(self) -> tuple[NodeAddress, ...]:
        count = self._addresses.groups * POOL_PER_GROUP
        return tuple(self._addresses.address(number) for number in range(count))

    def _listen_widely(self, hosts: list[Host]) -> None:
        """An eclipse's hosts answer at every address of its pool."""
        for number, address in enumerate(self._pool):
            self._world.connections.by_address.setdefault((address.host, address.port), hosts[number % len(hosts)])

    def _wake(self, peer: ScriptedPeer) -> None:
        self._world.wake(self._hosts[peer])
