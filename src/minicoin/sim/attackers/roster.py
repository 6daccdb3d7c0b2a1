"""From the attackers of a scenario to hosts of the world that run their scripts: the one way in for the engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.sim.attackers.addresses import attacker_address
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.handles import AttackerHandle
from minicoin.sim.attackers.invalid_blocks import PAYMENT_FLAWS, BlockForger, InvalidBlockPeer
from minicoin.sim.attackers.invalid_headers import InvalidHeaderPeer
from minicoin.sim.attackers.peer import ScriptedPeer
from minicoin.sim.attackers.slow_blocks import SlowPeer
from minicoin.sim.attackers.wallet import Coin, Pay, Wallet
from minicoin.sim.scenario.attackers import Attacker, InvalidBlocks, InvalidHeaders, PeerAttacker, SlowBlocks
from minicoin.sim.scenario.fields import micros
from minicoin.sim.scenario.targets import ALL, Target
from minicoin.sim.world.host import Host, Lines
from minicoin.sim.world.world import PORT, World


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
    return sum(_coins_of(attacker, spacing_s) for attacker in attackers)


def _coins_of(attacker: Attacker, spacing_s: float) -> int:
    match attacker:
        case InvalidBlocks() if attacker.flaw in PAYMENT_FLAWS:
            return 1
        case _:
            return 0


def add_attackers(world: World, attackers: Sequence[Attacker], hooks: EngineHooks) -> list[AttackerHandle]:
    """Their hosts, added to the world behind all that are there and switched off: start() the handles."""
    return [_Builder(world, hooks, number, attacker).build() for number, attacker in enumerate(attackers)]


class _Builder:
    """Builds one attacker."""

    def __init__(self, world: World, hooks: EngineHooks, number: int, attacker: Attacker) -> None:
        self._world = world
        self._hooks = hooks
        self._number = number
        self._attacker = attacker
        self._rng = world.rng.stream(f"attacker {number}")
        self._by_peer: dict[int, Host] = {}
        self._band = Band(world.network, self._rng, self._wake)

    def build(self) -> AttackerHandle:
        attacker = self._attacker
        targets = self._targets(attacker.target if isinstance(attacker, PeerAttacker) else ALL)
        hosts = []
        for place in range(attacker.count):
            address = attacker_address(self._number, place, attacker.count, PORT)
            host = self._world.add_host(
                self._hooks.place(), name=f"{attacker.kind}{self._number}.{place}", group=attacker.kind, address=address
            )
            peer = self._peer(address, self._rng.stream(f"peer {place}"), targets)
            self._by_peer[id(peer)] = host
            self._band.peers.append(peer)
            hosts.append(host)
        return AttackerHandle(attacker.kind, self._world, self._band, hosts)

    def _peer(self, address: NodeAddress, rng: Rng, targets: tuple[NodeAddress, ...]) -> ScriptedPeer:
        attacker, band, world = self._attacker, self._band, self._world
        match attacker:
            case SlowBlocks():
                delay_us = None if attacker.delay_s is None else micros(attacker.delay_s)
                return SlowPeer(band, address, rng, targets, delay_us)
            case InvalidBlocks():
                wallet = self._wallet()
                forger = BlockForger(band, attacker.flaw, wallet, world.book.verifier, world.block_bytes)
                return InvalidBlockPeer(band, address, rng, targets, forger=forger, per_hour=attacker.per_hour)
            case InvalidHeaders():
                return InvalidHeaderPeer(
                    band, address, rng, targets, flaw=attacker.flaw, rate_per_s=attacker.rate_per_s
                )
            case _:
                raise NotImplementedError(attacker.kind)

    def _wallet(self) -> Wallet:
        wanted = _coins_of(self._attacker, self._world.network.spacing_s)
        return Wallet(self._hooks.coins(wanted) if wanted else (), self._hooks.pay, self._hooks.pay_script)

    def _targets(self, target: Target) -> tuple[NodeAddress, ...]:
        found = self._hooks.targets(target, self._rng.stream("targets"))
        return tuple(self._world.hosts[index].address for index in found)

    def _wake(self, peer: ScriptedPeer) -> None:
        self._world.wake(self._by_peer[id(peer)])
