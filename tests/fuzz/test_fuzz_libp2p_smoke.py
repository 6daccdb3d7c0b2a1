"""A short run of every libp2p fuzz target: with mutations of its seeds, the same each time, and under atheris."""

from pathlib import Path

import pytest
from tests.fuzz.fuzzing import run_atheris, run_mutated
from tests.fuzz.libp2p_targets import TARGETS
from tests.fuzz.test_fuzz_smoke import needs_atheris
from tests.soak import times

MUTATIONS_PER_SEED = times(100)
ATHERIS_RUNS = times(5_000)
SCRIPT = Path(__file__).with_name("fuzz_libp2p.py")


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_seeds(name: str) -> None:
    run_mutated(name, TARGETS[name], MUTATIONS_PER_SEED)


@needs_atheris
def test_atheris_over_all_targets(tmp_path: Path) -> None:
    run_atheris(SCRIPT, ATHERIS_RUNS, tmp_path)
