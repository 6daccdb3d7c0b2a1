"""The attackers of a run: their hosts, when they come and go, and what the record says of them."""

from collections.abc import Sequence

from minicoin.core.primitives.transaction import Outpoint, Transaction
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.attackers.handles import AttackerHandle, MinerHandle
from minicoin.sim.attackers.roster import EngineHooks, add_attackers
from minicoin.sim.attackers.wallet import Coin
from minicoin.sim.engine.funding import PAY_SCRIPT, FundedCoin, spend
from minicoin.sim.engine.placing import Places
from minicoin.sim.measure.record import FaultRecord
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.targets import Target, target_nodes
from minicoin.world.host import Lines
from minicoin.world.world import World


class Attacks:
    """All [[attacker]] tables of one scenario. Hosts are added behind the honest ones."""

    def __init__(self, world: World, scenario: Scenario, places: Places, coins: Sequence[FundedCoin]) -> None:
        self._world = world
        self._scenario = scenario
        self._places = places
        self._coins = list(coins)
        self._rng = world.rng.stream("attackers' places")
        self._began_at = 0
        self.handles: list[AttackerHandle] = add_attackers(world, scenario.attacker, self._hooks())

    @property
    def miners(self) -> list[MinerHandle]:
        """Those with hash power."""
        return [handle for handle in self.handles if isinstance(handle, MinerHandle)]

    @property
    def last_us(self) -> int:
        """When the last of them is planned to leave, after time zero; 0 where none is or all stay to the end."""
        return max((round((one.until_s or 0.0) * SECOND_US) for one in self._scenario.attacker), default=0)

    def begin(self) -> None:
        """Time zero is now."""
        self._began_at = self._world.now
        for handle, attacker in zip(self.handles, self._scenario.attacker, strict=True):
            handle.start(Micros(self._world.now + round(attacker.at_s * SECOND_US)))
            if attacker.until_s is not None:
                handle.stop(Micros(self._world.now + round(attacker.until_s * SECOND_US)))

    def end(self) -> None:
        """Whoever is left leaves now."""
        for handle in self.handles:
            handle.stop(self._world.now)

    def records(self, ended_us: int) -> list[FaultRecord]:
        """As the record lists them, among the faults. `ended_us`: when those without a time of their own left."""
        return [
            FaultRecord(
                kind=f"attacker {handle.kind}",
                started_us=round(attacker.at_s * SECOND_US),
                ended_us=ended_us if attacker.until_s is None else round(attacker.until_s * SECOND_US),
                targets=[host.name for host in handle.hosts],
                fired=handle.fired,
            )
            for handle, attacker in zip(self.handles, self._scenario.attacker, strict=True)
        ]

    def _hooks(self) -> EngineHooks:
        return EngineHooks(
            targets=self._targets, place=self._place, coins=self._take_coins, pay=_pay, pay_script=PAY_SCRIPT
        )

    def _targets(self, target: Target, rng: Rng) -> tuple[int, ...]:
        return target_nodes(target, range(self._scenario.nodes.count), self._scenario.groups, rng)

    def _place(self) -> Lines:
        """Anywhere, on lines that do not limit it: an attacker chooses its computers."""
        region = self._rng.below(len(self._places.geography.regions))
        self._places.append(region)
        return Lines(0, 0, region)

    def _take_coins(self, count: int) -> list[Coin]:
        taken, self._coins = self._coins[:count], self._coins[count:]
        return [(coin.outpoint, coin.value_sat) for coin in taken]


def _pay(outpoint: Outpoint, value: int, values: tuple[int, ...], script: bytes) -> Transaction:
    return spend((FundedCoin(outpoint, value),), values, script)
