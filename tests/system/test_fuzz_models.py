"""Random networks under random faults with each network model, its settings and roles drawn: 20 seeds of each with
every test run, 2,000 with the long ones. Every checker holds for every model once the faults are over."""

from pathlib import Path

import pytest
from tests.soak import IS_SOAK

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.overlay.table import OVERLAYS
from minicoin.sim.fuzz.campaign import failure_file, fuzz
from minicoin.sim.fuzz.drawing import draw_scenario

SEEDS = range(1, 2_001 if IS_SOAK else 21)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_seed_fails(overlay: str, tmp_path: Path) -> None:
    campaign = fuzz(SEEDS, ScriptedVerifier, jobs=2, overlay=overlay)
    for outcome in campaign.failures[:3]:
        path = tmp_path / f"fuzz-{overlay}-{outcome.seed}.toml"
        scenario = draw_scenario(outcome.seed, overlay=overlay)
        path.write_text(failure_file(scenario, outcome, str(path)), encoding="utf-8")
        print(path.read_text(encoding="utf-8"))
    assert [outcome.seed for outcome in campaign.failures] == []
    assert campaign.seeds == len(SEEDS)
