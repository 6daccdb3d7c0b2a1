"""A short run of every libp2p fuzz target: with mutations of its seeds, the same each time, and under atheris."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fuzz.libp2p_targets import TARGETS
from tests.fuzz.test_fuzz_smoke import mutate, needs_atheris
from tests.soak import times
from tests.waiting import COMPUTE_HANG_S

MUTATIONS_PER_SEED = times(100)
ATHERIS_RUNS = times(5_000)
SCRIPT = Path(__file__).with_name("fuzz_libp2p.py")


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_seeds(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        target.run(seed)
        chance = random.Random(f"{name} {seed.hex()}")
        for _ in range(MUTATIONS_PER_SEED):
            target.run(mutate(seed, chance))


@needs_atheris
def test_atheris_over_all_targets(tmp_path: Path) -> None:
    fuzzed = subprocess.run(
        [sys.executable, str(SCRIPT), "all", f"-runs={ATHERIS_RUNS}", "-seed=1", "-max_len=4096"],
        cwd=tmp_path,
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=times(int(COMPUTE_HANG_S)),
        check=False,
    )
    assert fuzzed.returncode == 0, fuzzed.stderr[-3000:]
    assert f"Done {ATHERIS_RUNS} runs" in fuzzed.stderr
