"""Random networks under random faults with each network model, its settings and roles drawn: 20 seeds of each with
every test run, 2,000 with the long ones. Every checker holds for every model once the faults are over.

With every test run the networks are small, for most of what breaks needs few nodes, and all is in one process, since
starting others costs more than several seeds. Of the two models without messages of their own, which `test_fuzz_seeds`
runs as well, there are fewer. The long ones take every seed, whatever its size."""

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest
from tests.soak import IS_SOAK

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.overlay.forms import find_form
from minicoin.core.overlay.table import OVERLAYS
from minicoin.sim.fuzz.campaign import FuzzCampaign, failure_file, fuzz, try_seed
from minicoin.sim.fuzz.drawing import draw_scenario

SEEDS, SEEDS_PLAIN = (2_000, 2_000) if IS_SOAK else (20, 5)
NODES_MOST = 8


def small_seeds(overlay: str) -> Iterator[int]:
    return (seed for seed in count(1) if draw_scenario(seed, overlay=overlay).nodes.count <= NODES_MOST)


def run(overlay: str, seeds: int) -> FuzzCampaign:
    if IS_SOAK:
        return fuzz(range(1, seeds + 1), ScriptedVerifier, jobs=2, overlay=overlay)
    campaign, verifier = FuzzCampaign(), ScriptedVerifier()
    for seed in islice(small_seeds(overlay), seeds):
        campaign.add(try_seed(seed, verifier, overlay))
    return campaign


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_seed_fails(overlay: str, tmp_path: Path) -> None:
    seeds = SEEDS if find_form(overlay).needs_messages else SEEDS_PLAIN
    campaign = run(overlay, seeds)
    for outcome in campaign.failures[:3]:
        path = tmp_path / f"fuzz-{overlay}-{outcome.seed}.toml"
        scenario = draw_scenario(outcome.seed, overlay=overlay)
        path.write_text(failure_file(scenario, outcome, str(path)), encoding="utf-8")
        print(path.read_text(encoding="utf-8"))
    assert [outcome.seed for outcome in campaign.failures] == []
    assert campaign.seeds == seeds
