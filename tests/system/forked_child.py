"""What a forked node process does. It imports nothing that a node does without."""

import os
import sys

from minicoin.app.cli import run


def run_node(words: list[str], out: str, log: str, exports: dict[str, str]) -> None:
    """`minicoin WORDS` with these files as its standard output and standard error, in a terminal with these exports."""
    for path, stream in ((out, sys.stdout), (log, sys.stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream.fileno())
    for name in [name for name in os.environ if name.startswith("MINICOIN_")]:
        del os.environ[name]
    os.environ.update(exports)
    sys.exit(run(words))
