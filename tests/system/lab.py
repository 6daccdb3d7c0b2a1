"""`minicoin sim` as a user starts it: a process of its own, with an environment of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.waiting import COMPUTE_HANG_S

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"


def start(*words: str, python: str = sys.executable, **environment: str) -> subprocess.Popen[str]:
    """`minicoin sim WORDS`, with these variables on top of ours."""
    return subprocess.Popen(
        [python, "-m", "minicoin.app", "sim", *words],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """What it said, and its exit code."""
    try:
        out, err = process.communicate(timeout=COMPUTE_HANG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def sim(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Started and ended."""
    return end(start(*words, **environment))


def result(done: subprocess.CompletedProcess[str], *, code: int = 0) -> dict[str, Any]:
    """The JSON object it printed."""
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def settings(values: Sequence[str]) -> list[str]:
    """`--set` before each."""
    return [word for value in values for word in ("--set", value)]
