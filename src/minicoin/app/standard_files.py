"""The three files that a process begins with: held open, and no reason to end where they take nothing any more.

What is closed when the program begins would be the number of the next file that it opens; what anybody then wrote to
standard error would stand in a block file.
"""

import os
import sys
from typing import Final, TextIO

_OUTPUT: Final = 1
_ERRORS: Final = 2


def hold_standard_files() -> None:
    """Open to nowhere what whoever started the program has closed. Before anything else is opened."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _ERRORS:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    # Python has none where there was none at its start.
    sys.stdout = sys.stdout or os.fdopen(_OUTPUT, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(_ERRORS, "w", closefd=False)


def say(line: str, file: TextIO) -> None:
    """One line for whoever listens: a full disk or a reader that has gone is no failure of ours."""
    try:
        print(line, file=file, flush=True)
    except OSError:
        turn_off(file)


def turn_off(file: TextIO) -> None:
    """What it still holds, and what else is written to it, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, file.fileno())
    os.close(nowhere)
