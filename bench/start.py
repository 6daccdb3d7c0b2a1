"""Processor seconds from the call of a command to its end: importing, asking a node that is not there, saying so."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

_TRIES = 5


def rows() -> list[tuple[str, str]]:
    """The best of some tries each, since what else the machine does is none of ours."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, ".cookie").write_text("__cookie__:00")
        # Nobody listens on port 1, so that the call ends at once.
        Path(directory, "rpc.address").write_text("127.0.0.1 1")
        datadir = ["--datadir", directory]
        return [
            ("start: --version", _row(["--version"])),
            ("start: an RPC command", _row(["getinfo", *datadir])),
            ("start: a wallet command", _row(["wallet", "history", *datadir])),
            ("start: sim list", _row(["sim", "list", "scenarios"])),
            ("start: sim run, refused", _row(["sim", "run", "scenarios/hello.toml", "--set", "nodes=many"])),
        ]


def _row(words: list[str]) -> str:
    return f"seconds {min(_seconds(words) for _ in range(_TRIES)):.3f}"


def _seconds(words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "minicoin.app", *words],
        cwd=Path(__file__).parents[1],
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    for what, found in rows():
        print(f"{what:24} {found}")
