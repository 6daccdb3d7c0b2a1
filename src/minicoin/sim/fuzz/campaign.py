"""Many seeds over several processes: outcomes as they come, what failed, and which faults fired in how many seeds."""

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.sim.fuzz.drawing import FAULT_KINDS, draw_scenario
from minicoin.sim.fuzz.shrinking import shrink
from minicoin.sim.fuzz.trial import TrialOutcome, try_scenario
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.toml_text import toml_text

MakeVerifier = Callable[[], ScriptVerifier]
"""How each process gets its verifier; must be importable by its name."""

# Seeds that a process takes at once: long enough that asking for more costs nothing.
_BATCH: Final = 10
_NAMED_MAX: Final = 5


@dataclass(slots=True)
class FuzzCampaign:
    """What many seeds came to."""

    seeds: int = 0
    events: int = 0
    wall_s: float = 0.0
    failures: list[TrialOutcome] = field(default_factory=list)
    coverage: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAULT_KINDS, 0))
    """Kind of fault -> seeds in which it really did something."""

    def add(self, outcome: TrialOutcome) -> None:
        """One seed more."""
        self.seeds += 1
        self.events += outcome.events
        for kind, fired in outcome.fired.items():
            self.coverage[kind] = self.coverage.get(kind, 0) + (fired > 0)
        if outcome.failed:
            self.failures.append(outcome)

    @property
    def never_fired(self) -> tuple[str, ...]:
        """Kinds of faults that no seed showed."""
        return tuple(kind for kind in FAULT_KINDS if not self.coverage[kind])


def try_seed(seed: int, verifier: ScriptVerifier, overlay: str = "") -> TrialOutcome:
    """One seed."""
    return try_scenario(draw_scenario(seed, overlay=overlay), seed, verifier)


def _try_batch(seeds: tuple[int, ...], make_verifier: MakeVerifier, overlay: str) -> list[TrialOutcome]:
    verifier = make_verifier()
    return [try_seed(seed, verifier, overlay) for seed in seeds]


def fuzz(
    seeds: Iterable[int],
    make_verifier: MakeVerifier,
    *,
    jobs: int = 2,
    minutes: float | None = None,
    overlay: str = "",
    on_outcome: Callable[[TrialOutcome, FuzzCampaign], None] = lambda outcome, campaign: None,
) -> FuzzCampaign:
    """Run the seeds, or as many of them as `minutes` allow, under a network model where one is named. Outcomes come in
    no particular order."""
    campaign = FuzzCampaign()
    began = time.monotonic()
    ends_at = None if minutes is None else began + 60 * minutes
    batches = _batches(seeds)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as pool:
        waiting: dict[Future[list[TrialOutcome]], None] = {}
        while True:
            while len(waiting) < 2 * jobs and (ends_at is None or time.monotonic() < ends_at):
                batch = next(batches, ())
                if not batch:
                    break
                waiting[pool.submit(_try_batch, batch, make_verifier, overlay)] = None
            if not waiting:
                break
            wait(list(waiting), return_when=FIRST_COMPLETED)
            for done in [future for future in waiting if future.done()]:
                del waiting[done]
                for outcome in done.result():
                    campaign.add(outcome)
                    on_outcome(outcome, campaign)
            campaign.wall_s = time.monotonic() - began
    campaign.failures.sort(key=lambda outcome: outcome.seed)
    return campaign


def _batches(seeds: Iterable[int]) -> Iterator[tuple[int, ...]]:
    source = iter(seeds)
    while batch := tuple(itertools.islice(source, _BATCH)):
        yield batch


def shrink_seed(
    seed: int, verifier: ScriptVerifier, tries_max: int = 300, overlay: str = ""
) -> tuple[Scenario, TrialOutcome]:
    """The smallest scenario found that fails as the seed does, and how it fails. The seed must fail."""
    first = try_seed(seed, verifier, overlay)
    wanted = first.checkers[:1]

    def fails(scenario: Scenario) -> bool:
        return try_scenario(scenario, seed, verifier).checkers[:1] == wanted

    small = shrink(draw_scenario(seed, overlay=overlay), fails, tries_max)
    return small, try_scenario(small, seed, verifier)


def failure_file(scenario: Scenario, outcome: TrialOutcome, path: str) -> str:
    """The scenario of a failure as a file at `path`, which says what is wrong and how to see it again."""
    found = [f"  {violation.checker}: {violation.text}" for violation in outcome.violations[:_NAMED_MAX]]
    head = [scenario.question, "", f"  {replay_line(path, outcome.seed)}", "", "Found:", *found]
    return "".join(f"# {line}".rstrip() + "\n" for line in head) + "\n" + toml_text(scenario.given())


def replay_line(path: str, seed: int) -> str:
    """What to type to see it again."""
    return f"minicoin sim run {path} --seed {seed}"
