"""The checkers that a scenario switches on, run at quiet points and at the end. Each finding is reported once."""

from collections.abc import Callable
from typing import Final

from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.params.rules import SignersKind
from minicoin.core.units import SECOND_US
from minicoin.sim.check.agreement import Convergence, HonestBans
from minicoin.sim.check.bounds import Bounds
from minicoin.sim.check.delivery import Delivery, Returning
from minicoin.sim.check.finality import FinalBlocks
from minicoin.sim.check.ledger import DoubleSpend, Recount, Supply, ValidChain
from minicoin.sim.check.view import Checker, Finding, View
from minicoin.sim.measure.record import ViolationRecord
from minicoin.sim.scenario.looking import Check
from minicoin.world.host import Host
from minicoin.world.world import World

# At least, and at least the network's spacing: what blocks change is looked at once a block.
QUIET_EVERY_US: Final = 10 * SECOND_US
# A broken rule shows at every look in other words: nobody reads more of them.
VIOLATIONS_MAX: Final = 200


class Checks:
    """Looks at one run; changes nothing in it."""

    def __init__(
        self, world: World, chosen: Check, honest: list[Host], verifier: ScriptVerifier, healed_at: Callable[[], int]
    ) -> None:
        """`healed_at`: when all must have recovered from the last fault, in the world's time."""
        self.violations: list[ViolationRecord] = []
        self.view = View(world, honest)
        self.is_every_event = chosen.when == "every-event"
        self._world = world
        self._began_at = world.now
        self._known: dict[tuple[str, tuple[int, ...], str], None] = {}
        self.checkers = self._choose(chosen, verifier, healed_at)
        self._is_over = False
        self._every_us = max(QUIET_EVERY_US, world.network.spacing_s * SECOND_US)

    def _choose(self, chosen: Check, verifier: ScriptVerifier, healed_at: Callable[[], int]) -> list[Checker]:
        checkers: list[Checker] = []
        recount = Recount()
        if chosen.supply:
            checkers.append(Supply(recount))
        if chosen.double_spend:
            checkers.append(DoubleSpend(recount))
        if chosen.valid_chain:
            checkers.append(ValidChain(self.view, verifier))
        if chosen.bounds:
            checkers.append(Bounds())
        if chosen.finality and isinstance(self._world.network.proof, SignersKind):
            checkers.append(FinalBlocks(healed_at))
        if chosen.no_honest_bans:
            bans = HonestBans(self.view)
            self._world.readers.append(bans.on_notice)
            checkers.append(bans)
        if chosen.converge:
            delivery, returning = Delivery(self.view, healed_at), Returning(self.view)
            self._world.observers += [delivery, returning]
            checkers += [Convergence(), delivery, returning]
        return checkers

    def begin(self) -> None:
        """Time zero is now."""
        self._began_at = self._world.now
        if not self.is_every_event:
            self._world.queue.at(self._world.now + self._every_us, self._look_again)

    def look(self) -> None:
        """A quiet point."""
        for checker in self.checkers:
            for finding in checker.look(self.view):
                self._report(checker.name, finding)

    def finish(self) -> None:
        """The end of the run."""
        self._is_over = True
        for checker in self.checkers:
            for finding in checker.finish(self.view):
                self._report(checker.name, finding)

    def _look_again(self, _: object, __: object) -> None:
        if not self._is_over:
            self.look()
            self._world.queue.at(self._world.now + self._every_us, self._look_again)

    def _report(self, checker: str, finding: Finding) -> None:
        key = (checker, finding.nodes, finding.text)
        if key not in self._known and len(self.violations) < VIOLATIONS_MAX:
            self._known[key] = None
            at_us = self._world.now - self._began_at
            self.violations.append(ViolationRecord(checker, at_us, list(finding.nodes), finding.text))
