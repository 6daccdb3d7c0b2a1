"""Carries out all faults of a scenario: those of its timeline, random ones, churn, the small failures of links, and
groups of an older version.

`begin` at time zero; `end` when mining is over: what still lasts stops then. Whoever is down comes back, unless its
loss has no end.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.sim.faults.chance import plan_random
from minicoin.sim.faults.fault import InjectedFault
from minicoin.sim.faults.host_faults import ChurnFault
from minicoin.sim.faults.layers import OldVersion, SmallFailures
from minicoin.sim.faults.making import FaultMaker
from minicoin.sim.faults.scene import FreshLedger, Scene
from minicoin.sim.measure.record import FaultRecord
from minicoin.sim.scenario.faults import Fault, LastingFault
from minicoin.sim.scenario.fields import micros
from minicoin.sim.scenario.schema import Scenario
from minicoin.world.host import Host
from minicoin.world.world import World

_US_PER_MS: Final = 1_000


@dataclass(slots=True)
class _Entry:
    fault: InjectedFault
    start_us: int
    stop_us: int | None
    lasts: bool
    is_random: bool = False
    started_us: int | None = None
    stopped_us: int | None = None


class FaultTimeline:
    """The faults of one run. Its chance is the world's streams `fault <n>`, so that one fault less changes no other."""

    def __init__(self, world: World, scenario: Scenario, honest: list[Host], fresh_ledger: FreshLedger) -> None:
        self.scene = Scene(world, honest, fresh_ledger)
        self._world = world
        self._scenario = scenario
        self._began_at = world.now
        self._maker = FaultMaker(len(honest), scenario.groups, lambda index: honest[index].name)
        self._entries: list[_Entry] = []
        self._is_over = False
        for group in scenario.nodes.group:
            if group.version != "current":
                self.scene.weather.add(OldVersion(dict.fromkeys(scenario.groups[group.name]), group.version))
        links = scenario.links
        if links.loss or links.reorder or links.duplicate:
            delays_us = (round(links.retransmit_ms * _US_PER_MS), round(links.reorder_ms * _US_PER_MS))
            rng = world.rng.stream("small failures")
            self.scene.weather.add(SmallFailures(rng, links.loss, links.reorder, links.duplicate, delays_us))

    def begin(self) -> None:
        """Time zero is now."""
        scenario = self._scenario
        self._began_at = self._world.now
        for fault in scenario.fault:
            self._plan(fault, is_random=False)
        self._plan_churn()
        chosen = scenario.faults.random
        if chosen is not None:
            ends_s = self._mining_ends_s()
            for fault in plan_random(chosen, scenario.nodes.count, ends_s, self._world.rng.stream("random faults")):
                self._plan(fault, is_random=True)
        for entry in self._entries:
            self._world.queue.at(self._began_at + entry.start_us, self._start, entry)

    def end(self) -> None:
        """Mining is over: what has no end of its own ends now, and nothing begins any more."""
        self._is_over = True
        for entry in self._entries:
            if entry.started_us is not None and entry.stopped_us is None and entry.stop_us is None:
                self._stop(entry, None)

    @property
    def has_begun(self) -> bool:
        """Whether any fault has."""
        return any(entry.started_us is not None for entry in self._entries)

    @property
    def last_us(self) -> int:
        """When the last fault that has begun is over, from time zero; 0 without any."""
        last_us = 0
        for entry in self._entries:
            if entry.started_us is not None:
                own_us = entry.fault.last_at - self._began_at if entry.fault.last_at else 0
                last_us = max(last_us, entry.started_us, entry.stop_us or 0, entry.stopped_us or 0, own_us)
        return last_us

    def records(self) -> list[FaultRecord]:
        """What was done, fault by fault; random ones of a kind together."""
        found: list[FaultRecord] = []
        random_ones: dict[str, FaultRecord] = {}
        for entry in self._entries:
            if entry.started_us is None:
                continue
            ended_us = entry.stopped_us if entry.lasts else entry.started_us
            known = random_ones.get(entry.fault.kind) if entry.is_random else None
            if known is not None:
                known.fired += entry.fault.effects()
                known.ended_us = None if None in (known.ended_us, ended_us) else max(known.ended_us or 0, ended_us or 0)
                known.targets = list(dict.fromkeys(known.targets + entry.fault.targets))
                continue
            fault = entry.fault
            record = FaultRecord(fault.kind, entry.started_us, ended_us, list(fault.targets), fault.effects())
            found.append(record)
            if entry.is_random:
                random_ones[fault.kind] = record
        return found

    # --- inside ---

    def _plan(self, fault: Fault, *, is_random: bool) -> None:
        rng = self.scene.rng(len(self._entries))
        lasts = isinstance(fault, LastingFault)
        until_s = fault.until_s if isinstance(fault, LastingFault) else None
        stop_us = None if until_s is None else micros(until_s)
        self._entries.append(_Entry(self._maker.make(fault, rng), micros(fault.at_s), stop_us, lasts, is_random))

    def _plan_churn(self) -> None:
        churn = self._scenario.churn
        if churn is None:
            return
        rng = self._world.rng.stream("churn")
        fixed = {block.node: None for block in self._scenario.mining.at}
        free = [host.index for host in self.scene.honest if host.index not in fixed]
        wanted = max(1, round(churn.share * len(self.scene.honest)))
        nodes = dict.fromkeys(sorted(rng.sample(free, wanted)))
        names = [self.scene.honest[node].name for node in nodes]
        means_us = (micros(churn.session_s), micros(churn.rejoin_s))
        fault = ChurnFault(names, nodes, means_us, rng, with_disk=churn.with_disk)
        stop_us = None if churn.stop_s is None else micros(churn.stop_s)
        self._entries.append(_Entry(fault, micros(churn.start_s), stop_us, True))

    def _mining_ends_s(self) -> float:
        mining = self._scenario.mining
        if mining.at:
            return max(block.time_s for block in mining.at)
        if mining.duration_s is not None:
            return mining.start_s + mining.duration_s
        return mining.start_s + (mining.blocks or 0) * self._scenario.network.spacing_s

    def _start(self, entry: _Entry, _: object) -> None:
        if self._is_over:
            return
        entry.started_us = self._world.now - self._began_at
        entry.fault.start(self.scene)
        if entry.stop_us is not None:
            self._world.queue.at(self._began_at + entry.stop_us, self._stop, entry)

    def _stop(self, entry: _Entry, _: object) -> None:
        entry.stopped_us = self._world.now - self._began_at
        entry.fault.stop(self.scene)
