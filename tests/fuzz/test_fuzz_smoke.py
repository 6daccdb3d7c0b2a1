"""A short run of every fuzz target: with mutations of its seeds that are the same each time, and under atheris."""

import importlib
import importlib.util
import pkgutil
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fuzz.targets import TARGETS
from tests.soak import times
from tests.waiting import COMPUTE_HANG_S

import minicoin.core
from minicoin.core.wire.messages_extension import ExtensionMessage

MUTATIONS_PER_SEED = times(150)
ATHERIS_RUNS = times(20_000)
SCRIPT = Path(__file__).with_name("fuzz_wire.py")
_NASTY = (b"\xff" * 9, b"\xfe\xff\xff\xff\xff", b"\xfd\xff\xff", b"\0", b"\x80", b"\xff" + bytes(7) + b"\x80", b"1")
needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has wheels for Linux x86-64 only"
)


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


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_seeds(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        target.run(seed)
        chance = random.Random(f"{name} {seed.hex()}")
        for _ in range(MUTATIONS_PER_SEED):
            target.run(mutate(seed, chance))


def _kinds(of: type[ExtensionMessage]) -> Iterator[type[ExtensionMessage]]:
    for kind in of.__subclasses__():
        yield from (kind, *_kinds(kind))


def test_every_message_beyond_bitcoins_has_a_target() -> None:
    for module in pkgutil.walk_packages(minicoin.core.__path__, "minicoin.core."):
        importlib.import_module(module.name)
    ours = [kind for kind in _kinds(ExtensionMessage) if kind.__module__.startswith("minicoin.")]
    assert ours
    assert [kind.command for kind in ours if f"message-{kind.command}" not in TARGETS] == []


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


@needs_atheris
def test_script_lists_its_targets() -> None:
    listed = subprocess.run([sys.executable, str(SCRIPT), "--list"], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == list(TARGETS)
