"""What the engine holds of an attacker: when it comes and goes, and how often it did something."""

from dataclasses import dataclass, field

from minicoin.core.units import Micros
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.peer import ScriptedPeer
from minicoin.sim.world.host import Host
from minicoin.sim.world.world import World


@dataclass(slots=True)
class AttackerHandle:
    """One [[attacker]] table of the scenario."""

    kind: str
    world: World
    band: Band
    hosts: list[Host]
    _is_here: bool = field(default=False, init=False)

    @property
    def host_indexes(self) -> tuple[int, ...]:
        """Its hosts in the world."""
        return tuple(host.index for host in self.hosts)

    @property
    def fired(self) -> int:
        """How often it really did something; what counts is each kind's docstring."""
        return self.band.fired

    @property
    def peers(self) -> list[ScriptedPeer]:
        """What its hosts run, in their order."""
        return self.band.peers

    def start(self, at: Micros) -> None:
        """Join at a time, which may be now."""
        self.world.queue.at(at, self._join)

    def stop(self, until: Micros) -> None:
        """Leave at a time; leaving twice is no harm."""
        self.world.queue.at(until, self._leave)

    def _join(self, _: object, __: object) -> None:
        self._is_here = True
        for host, peer in zip(self.hosts, self.band.peers, strict=True):
            self.world.start_runner(host, peer)
            peer.start(self.world.now)
            self.world.wake(host)

    def _leave(self, _: object, __: object) -> None:
        if not self._is_here:
            return
        self._is_here = False
        for host in self.hosts:
            self.world.stop(host, "the attacker leaves")

    @property
    def is_here(self) -> bool:
        """Whether it joined and has not left."""
        return self._is_here
