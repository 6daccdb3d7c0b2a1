"""A short run of every fuzz target: with mutations of its seeds that are the same each time, and under atheris."""

import importlib
import importlib.util
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fuzz.fuzzing import run_atheris, run_mutated
from tests.fuzz.targets import TARGETS
from tests.soak import times

import minicoin.core
from minicoin.core.wire.messages_extension import ExtensionMessage

MUTATIONS_PER_SEED = times(150)
ATHERIS_RUNS = times(20_000)
SCRIPT = Path(__file__).with_name("fuzz_wire.py")
needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has wheels for Linux x86-64 only"
)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_seeds(name: str) -> None:
    run_mutated(name, TARGETS[name], MUTATIONS_PER_SEED)


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
    run_atheris(SCRIPT, ATHERIS_RUNS, tmp_path)


@needs_atheris
def test_script_lists_its_targets() -> None:
    listed = subprocess.run([sys.executable, str(SCRIPT), "--list"], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == list(TARGETS)
