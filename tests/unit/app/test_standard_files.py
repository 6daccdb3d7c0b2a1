"""Files that a process begins with: those that take nothing, and those that nobody opened."""

import os
import subprocess
import sys

import pytest

from minicoin.app.standard_files import say


def test_a_line_for_nobody_is_no_failure_and_nothing_is_left_of_it() -> None:
    with open("/dev/full", "w", encoding="utf-8") as file:
        say("hello", file)
        say("again", file)
        # What the disk refused would be tried once more.
        file.flush()


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&-", "2>&-"])
def test_what_is_closed_at_the_start_is_open_to_nowhere(closed: str) -> None:
    program = (
        "from minicoin.app.standard_files import hold_standard_files, say; hold_standard_files(); import os, sys; "
        "say('out', sys.stdout); say('err', sys.stderr); "
        "sys.exit(0 if os.open(os.devnull, os.O_RDONLY) > 2 else 1)"
    )
    line = f'exec "$0" -c "$1" {closed}'
    done = subprocess.run(["bash", "-c", line, sys.executable, program], env=os.environ, check=False)
    assert done.returncode == 0
