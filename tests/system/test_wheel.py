"""The wheel as a stranger has it: installed beside nothing but its dependencies, and no checkout in sight."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the wheel was unpacked to, which is what installing one of pure Python does."""
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = built.glob("*.whl")
    directory = built / "site"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(directory)
    return directory


def minicoin(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "minicoin.app", *words],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installed_wheel_runs_its_scenarios(installed: Path) -> None:
    listed = json.loads(minicoin(installed, "sim", "list", "--json").stdout)
    assert {Path(row["file"]).name for row in listed} == {file.name for file in (ROOT / "scenarios").glob("*.toml")}
    assert all(Path(row["file"]).is_relative_to(installed) for row in listed)
    done = minicoin(installed, "sim", "run", "hello", "--json", "--no-progress")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digest"]


def test_it_says_its_version(installed: Path) -> None:
    (metadata,) = installed.glob("minicoin-*.dist-info/METADATA")
    version = next(line.split()[1] for line in metadata.read_text().splitlines() if line.startswith("Version: "))
    assert minicoin(installed, "--version").stdout == f"minicoin {version}\n"
