"""Campaigns: outcomes of several processes, failures that come back from their files, bugs that are caught."""

from pathlib import Path

import pytest

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.netsync.chain_flow import ChainFlow
from minicoin.core.node.node import Node
from minicoin.core.units import Micros
from minicoin.sim.fuzz import trial
from minicoin.sim.fuzz.campaign import FuzzCampaign, failure_file, fuzz, shrink_seed, try_seed
from minicoin.sim.fuzz.drawing import draw_scenario
from minicoin.sim.fuzz.trial import CRASH, TrialOutcome, try_scenario
from minicoin.sim.measure.record import ViolationRecord
from minicoin.sim.scenario.schema import Scenario

REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.toml"))


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_was_found_once_stays_mended(path: Path) -> None:
    scenario = Scenario.load(path)
    for seed in scenario.seeds:
        assert try_scenario(scenario, seed, ScriptedVerifier()).violations == ()


def test_processes_find_what_one_finds() -> None:
    seen: list[int] = []
    campaign = fuzz(range(1, 4), ScriptedVerifier, jobs=1, on_outcome=lambda outcome, _: seen.append(outcome.seed))
    alone = [try_seed(seed, ScriptedVerifier()) for seed in range(1, 4)]
    assert sorted(seen) == [1, 2, 3]
    assert (campaign.seeds, campaign.failures) == (3, [])
    assert campaign.events == sum(outcome.events for outcome in alone)
    fired = {kind for outcome in alone for kind, count in outcome.fired.items() if count}
    assert {kind for kind, seeds in campaign.coverage.items() if seeds} == fired


def test_no_time_no_seeds() -> None:
    assert fuzz(range(100), ScriptedVerifier, jobs=1, minutes=0).seeds == 0


def test_the_table_names_what_never_fired() -> None:
    campaign = FuzzCampaign()
    campaign.add(TrialOutcome(1, fired={"crash": 3, "loss": 0}))
    campaign.add(TrialOutcome(2, fired={"crash": 1}))
    assert campaign.coverage["crash"] == 2
    assert "loss" in campaign.never_fired
    assert "crash" not in campaign.never_fired


def test_a_node_that_breaks_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(node: Node, event: object, now: Micros) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(Node, "handle", explode)
    outcome = try_seed(1, ScriptedVerifier())
    assert outcome.checkers == (CRASH,)
    assert outcome.violations[0].text.startswith("AssertionError: a bug (line ")


def test_a_run_that_never_ends_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "EVENTS_MAX", 1_000)
    outcome = try_seed(1, ScriptedVerifier())
    assert outcome.checkers == (CRASH,)
    assert outcome.violations[0].text.startswith("NeverEnds: ")


def test_a_node_that_never_changes_its_chain_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    advance = ChainFlow.advance

    def stubborn(self: ChainFlow) -> None:
        tree = self._tree
        fork, _ = tree.path(tree.tip, tree.best_candidate())
        if fork is tree.tip:
            advance(self)

    monkeypatch.setattr(ChainFlow, "advance", stubborn)
    seeds = (seed for seed in range(1, 60) if draw_scenario(seed).nodes.count < 8)
    seed = next(seed for seed in seeds if try_seed(seed, ScriptedVerifier()).checkers == ("converge",))
    small, outcome = shrink_seed(seed, ScriptedVerifier(), 20)
    assert outcome.checkers == ("converge",)
    before = draw_scenario(seed)
    assert len(small.fault) <= len(before.fault)
    assert len(small.mining.at) < len(before.mining.at)
    again = Scenario.from_toml(failure_file(small, outcome, "small.toml"))
    assert try_scenario(again, seed, ScriptedVerifier()).violations == outcome.violations


def test_the_file_of_a_failure_says_how_to_see_it_again() -> None:
    outcome = TrialOutcome(9, (ViolationRecord("supply", 5, [1], "too much money"),))
    text = failure_file(draw_scenario(9), outcome, "found/fuzz-9.toml")
    assert "#   minicoin sim run found/fuzz-9.toml --seed 9\n" in text
    assert "#   supply: too much money\n" in text
    assert Scenario.from_toml(text) == draw_scenario(9)
