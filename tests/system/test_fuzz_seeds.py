"""Random networks under random faults: 200 seeds with every test run, 10,000 with the long ones, none may fail and each
kind of fault must have fired."""

from collections.abc import Callable
from pathlib import Path

from tests.soak import IS_SOAK

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.fuzz.campaign import failure_file, fuzz
from minicoin.sim.fuzz.drawing import draw_scenario

SEEDS = range(1, 10_001 if IS_SOAK else 201)


def test_no_seed_fails(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    campaign = fuzz(SEEDS, ScriptedVerifier, jobs=2)
    for outcome in campaign.failures[:5]:
        path = tmp_path / f"fuzz-{outcome.seed}.toml"
        path.write_text(failure_file(draw_scenario(outcome.seed), outcome, str(path)), encoding="utf-8")
        print(path.read_text(encoding="utf-8"))
    record_property("fuzz seeds", campaign.seeds)
    for kind, seeds in campaign.coverage.items():
        record_property(f"fuzz seeds in which {kind} fired", seeds)
    assert [outcome.seed for outcome in campaign.failures] == []
    assert campaign.seeds == len(SEEDS)
    assert campaign.never_fired == ()
