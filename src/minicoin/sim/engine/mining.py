"""Who finds the next block and when: Poisson by hash share, or the scenario's fixed schedule.

The exponential clock has no memory, so it may be asked at the moment of finding: the node whose turn it is builds a
template on its own tip then, as if it had searched all the time. Where members sign the blocks, nobody finds any, and
only the end is kept here.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from minicoin.core.commands import Generate
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.engine.funding import PAY_SCRIPT
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.schedule import MiningDraws
from minicoin.world.host import Host
from minicoin.world.world import World


class Digger(Protocol):
    """An attacker with hash power."""

    hash_share: float

    def find_block(self, now: Micros) -> None:
        """Its clock rang."""

    def steer(self, host: Host, script: bytes, now: Micros) -> bool:
        """An honest host is about to find a block; whether the attacker's influence has already made it."""


class MiningProcess:
    """The clock of all miners together."""

    def __init__(self, world: World, scenario: Scenario, seed: int, diggers: Sequence[Digger]) -> None:
        self.found = 0
        self.is_over = False
        self.on_over: Callable[[], None] = lambda: None
        self._world = world
        self._mining = scenario.mining
        self._is_signed = scenario.network.proof == "signers"
        self._spacing_us = round(scenario.network.spacing_s * SECOND_US)
        self._diggers = diggers
        honest = scenario.hash_weights
        self._honest_count = len(honest)
        left = 1.0 - sum(digger.hash_share for digger in diggers)
        weights = [weight * left for weight in honest] + [digger.hash_share for digger in diggers]
        self._draws = MiningDraws(seed, weights)
        self._ends_at: int | None = None

    def begin(self) -> None:
        """Time zero is now."""
        mining, queue = self._mining, self._world.queue
        if mining.duration_s is not None:
            self._ends_at = queue.now + round(mining.duration_s * SECOND_US)
            queue.at(self._ends_at, self._end)
        if mining.at:
            for planned in mining.at:
                queue.at(queue.now + round(planned.time_s * SECOND_US), self._find, planned.node)
            return
        if self._is_signed:
            return
        if mining.blocks == 0:
            self._end(None, None)
            return
        start = round(mining.start_s * SECOND_US)
        queue.at(queue.now + start + self._draws.interval_us(0, self._spacing_us), self._ring)

    def _ring(self, _: object, __: object) -> None:
        if self.is_over:
            return
        number = self.found
        self._find(self._draws.miner(number), None)
        if not self.is_over:
            queue = self._world.queue
            queue.at(queue.now + self._draws.interval_us(self.found, self._spacing_us), self._ring)

    def _find(self, miner: int, _: object) -> None:
        self.found += 1
        if miner >= self._honest_count:
            self._diggers[miner - self._honest_count].find_block(self._world.now)
        else:
            host = self._world.hosts[miner]
            # A miner that is down finds nothing; its hash power is missing, as it would be.
            if host.is_up and not any(digger.steer(host, PAY_SCRIPT, self._world.now) for digger in self._diggers):
                self._world.command(host, Generate(1, PAY_SCRIPT))
        planned = len(self._mining.at) if self._mining.at else self._mining.blocks
        if planned is not None and self.found >= planned:
            self._end(None, None)

    def _end(self, _: object, __: object) -> None:
        if not self.is_over:
            self.is_over = True
            self.on_over()
