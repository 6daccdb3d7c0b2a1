"""The shipped scenarios load, say what they are for, and every command in their comments works."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from minicoin.sim.scenario.attackers import Attacker
from minicoin.sim.scenario.faults import Fault, LinkLoss, RegistryLies
from minicoin.sim.scenario.problems import models_of, tag_of
from minicoin.sim.scenario.schema import Scenario

ROOT = Path(__file__).parents[4]
FILES = sorted((ROOT / "scenarios").glob("*.toml"))
WANTED = (
    *("hello", "bitcoin_2015", "bitcoin_2019", "fork_rate_vs_interval", "partition_heals", "lose_30_percent"),
    *("slow_and_stalling_peers", "transaction_flood", "selfish_mining", "eclipse_one_node", "asymmetric_partition"),
    *("churn_steady", "crash_and_restart", "million_nodes", "agreement", "ten_thousand"),
)


def comment(path: Path) -> str:
    lines = path.read_text().split("\n\nname = ")[0].splitlines()
    assert all(line.startswith("#") for line in lines)
    return "\n".join(line.lstrip("# ") for line in lines)


def test_the_questions_that_were_promised_have_a_file() -> None:
    assert {path.stem for path in FILES} >= set(WANTED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_loads_and_says_what_it_is_for(path: Path) -> None:
    scenario = Scenario.load(path)
    assert scenario.name.replace("-", "_") == path.stem
    assert scenario.question.endswith("?")
    text = comment(path)
    assert text.split("\n")[0].endswith((".", "?"))
    assert any(f"minicoin sim {command} scenarios/{path.name}" in text for command in ("run", "sweep", "compare"))
    assert "Look at: " in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_settings_in_the_comment_fit_the_scenario(path: Path) -> None:
    scenario = Scenario.load(path)
    for line in comment(path).splitlines():
        if not line.startswith("minicoin sim "):
            continue
        words = shlex.split(line, comments=True)
        assert words[3] == f"scenarios/{path.name}"
        settings = [word for before, word in pairwise(words) if before == "--set"]
        if words[2] == "run":
            scenario.override(*settings)
        for setting in settings:
            key, _, values = setting.partition("=")
            for value in values.split(",") if words[2] == "sweep" else [values]:
                scenario.override(f"{key}={value}")
        assert all(
            re.fullmatch(r"\d+(\.\.\d+)?", word) for before, word in pairwise(words) if before in ("--seed", "--seeds")
        )


def test_no_two_files_describe_the_same_run() -> None:
    hashes = [Scenario.load(path).hash() for path in FILES]
    assert len(hashes) == len(set(hashes))


def test_agreement_is_for_both_engines() -> None:
    scenario = Scenario.load(ROOT / "scenarios/agreement.toml")
    assert scenario.engine == "full"
    assert scenario.override("engine=model").engine == "model"


def test_the_storm_holds_every_kind_of_fault() -> None:
    storm = Scenario.load(ROOT / "scenarios/fault_storm.toml")
    assert storm.faults.random is not None
    # What takes links for good, and what a registry says, are the questions of other files.
    kinds = [tag_of(model) for model in models_of(Fault) if model not in (LinkLoss, RegistryLies)]
    assert list(storm.faults.random.per_hour) == kinds
    assert {fault.kind for fault in Scenario.load(ROOT / "scenarios/how_few_connections.toml").fault} == {"link-loss"}


def test_attackers_in_the_files_are_of_known_kinds() -> None:
    kinds = {attacker.kind for path in FILES for attacker in Scenario.load(path).attacker}
    assert kinds <= {tag_of(model) for model in models_of(Attacker)}
    assert {"eclipse", "selfish-miner", "flood-transactions", "slow-blocks"} <= kinds
