"""When checkers look, and that each finding is reported once."""

from collections.abc import Iterator

from tests.unit.sim.check.networks import connected, pass_seconds

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.check.checks import VIOLATIONS_MAX, Checks
from minicoin.sim.check.view import Finding, View
from minicoin.sim.scenario.looking import Check


class _Grumbler:
    name = "grumbler"

    def __init__(self) -> None:
        self.looks = 0

    def look(self, view: View) -> Iterator[Finding]:
        self.looks += 1
        yield Finding((0,), "always the same")
        yield Finding((1,), f"look {self.looks}")

    def finish(self, view: View) -> Iterator[Finding]:
        yield Finding((), "the end")


def _checks(**chosen: bool) -> Checks:
    simulation = connected()
    switched = {"converge": False, "supply": False, "double_spend": False, "valid_chain": False, "bounds": False}
    check = Check.model_validate({**switched, "no_honest_bans": False, **chosen})
    return Checks(simulation.world, check, simulation.honest, ScriptedVerifier(), lambda: 0)


def test_a_scenario_switches_checkers_on() -> None:
    assert [checker.name for checker in _checks().checkers] == []
    assert [checker.name for checker in _checks(bounds=True).checkers] == ["bounds"]
    assert [checker.name for checker in _checks(converge=True).checkers] == ["converge", "delivery", "reorg"]


def test_they_look_every_ten_seconds_until_the_end() -> None:
    simulation = connected()
    checks = Checks(simulation.world, Check(), simulation.honest, ScriptedVerifier(), lambda: 0)
    grumbler = _Grumbler()
    checks.checkers.append(grumbler)
    checks.begin()
    pass_seconds(simulation, 35)
    assert grumbler.looks == 3
    checks.finish()
    pass_seconds(simulation, 60)
    assert grumbler.looks == 3
    texts = [violation.text for violation in checks.violations]
    assert texts == ["always the same", "look 1", "look 2", "look 3", "the end"]
    assert [violation.at_us for violation in checks.violations][:3] == [10_000_000, 10_000_000, 20_000_000]


def test_nobody_reads_more_than_so_many() -> None:
    checks = _checks()
    checks.checkers.append(_Grumbler())
    for _ in range(2 * VIOLATIONS_MAX):
        checks.look()
    assert len(checks.violations) == VIOLATIONS_MAX
