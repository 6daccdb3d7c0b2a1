"""The command line in this process: what it printed, and its exit code."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from minicoin.app.cli import run


@dataclass
class Called:
    """What a call did."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def call(*words: object, text: str = "") -> Called:
    """`minicoin WORDS`, with `text` on its standard input."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", io.StringIO(text))
        code = run(list(map(str, words)))
    return Called(code, out.getvalue(), err.getvalue())
