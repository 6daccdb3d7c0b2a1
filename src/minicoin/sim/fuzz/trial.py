"""One run of one scenario, judged: what checkers found, what broke, and which faults really did something."""

import gc
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.units import SECOND_US
from minicoin.sim.engine.phases import Progress
from minicoin.sim.engine.run import record_of
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.measure.record import ViolationRecord
from minicoin.sim.scenario.schema import Scenario

CRASH = "crash"
"""The checker's name where the run itself broke."""


# A hundred times what a drawn network needs: more means that somebody is busy with nothing.
EVENTS_MAX: Final = 2_000_000


class NeverEnds(Exception):
    """The run takes more events than it can be worth."""


def _watch(progress: Progress) -> None:
    if progress.events > EVENTS_MAX:
        raise NeverEnds(f"{progress.events:,} events by {progress.virtual_us // SECOND_US} s of virtual time")


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What came of it."""

    seed: int
    violations: tuple[ViolationRecord, ...] = ()
    fired: dict[str, int] = field(default_factory=dict)
    """Kind of fault -> how often it did something; a kind that never did is there with 0."""
    events: int = 0
    wall_s: float = 0.0
    digest: str = ""

    @property
    def failed(self) -> bool:
        """Whether anything was found."""
        return bool(self.violations)

    @property
    def checkers(self) -> tuple[str, ...]:
        """Who found something, once each."""
        return tuple(dict.fromkeys(violation.checker for violation in self.violations))


def try_scenario(scenario: Scenario, seed: int, verifier: ScriptVerifier) -> TrialOutcome:
    """Run it to the end. Whatever breaks is an outcome too."""
    began = time.perf_counter()
    simulation: Simulation | None = None
    try:
        simulation = Simulation(scenario, seed, verifier)
        simulation.set_up(_watch)
        simulation.measure(_watch)
        record = record_of(simulation)
    except Exception as error:  # noqa: BLE001 - the fuzzer is the supervisor: a bug anywhere is what it looks for
        at_us = 0 if simulation is None or not simulation.began_at else simulation.world.now - simulation.began_at
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} (line {where.lineno} of {where.filename.rpartition('/')[2]})"
        return TrialOutcome(seed, (ViolationRecord(CRASH, at_us, [], text),), wall_s=time.perf_counter() - began)
    finally:
        # A run keeps its world out of the collector's sight; the next one must not inherit it.
        gc.unfreeze()
    fired: Counter[str] = Counter()
    for fault in record.faults:
        fired[fault.kind] += fault.fired
    events = record.event_count + record.setup_events
    wall_s = time.perf_counter() - began
    return TrialOutcome(seed, tuple(record.violations), dict(fired), events, wall_s, record.digest)
