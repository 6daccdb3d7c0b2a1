"""Runs targets for a short while in the suite: over mutations of their seeds, and under atheris."""

import random
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import Target
from tests.soak import times
from tests.waiting import COMPUTE_HANG_S

_NASTY = (b"\xff" * 9, b"\xfe\xff\xff\xff\xff", b"\xfd\xff\xff", b"\0", b"\x80", b"\xff" + bytes(7) + b"\x80", b"1")


def mutate(seed: bytes, chance: random.Random) -> bytes:
    """One to four small damages: a flipped bit, a cut, a repeated or dropped run, a nasty number put in."""
    raw = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0 if at < len(raw):
                raw[at] ^= 1 << chance.randrange(8)
            case 1:
                del raw[at:]
            case 2:
                raw[at:at] = raw[at : at + chance.randrange(40)]
            case 3:
                del raw[at : at + chance.randrange(1, 9)]
            case _:
                nasty = chance.choice(_NASTY)
                raw[at : at + len(nasty) * chance.randrange(2)] = nasty
    return bytes(raw)


def run_mutated(name: str, target: Target, per_seed: int) -> None:
    """Each seed, and mutations of it that are the same each time."""
    for seed in target.seeds:
        target.run(seed)
        chance = random.Random(f"{name} {seed.hex()}")
        for _ in range(per_seed):
            target.run(mutate(seed, chance))


def run_atheris(script: Path, runs: int, directory: Path) -> None:
    """All targets of a script."""
    fuzzed = subprocess.run(
        [sys.executable, str(script), "all", f"-runs={runs}", "-seed=1", "-max_len=4096"],
        cwd=directory,
        env={"TMPDIR": str(directory), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=times(int(COMPUTE_HANG_S)),
        check=False,
    )
    assert fuzzed.returncode == 0, fuzzed.stderr[-3000:]
    assert f"Done {runs} runs" in fuzzed.stderr
