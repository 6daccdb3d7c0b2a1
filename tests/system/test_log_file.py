"""A node that writes its log to a file: one line a mined block, and a new file after the old one was moved away."""

import signal
from pathlib import Path

from tests.waiting import wait_until

from .processes import running

NETWORK = "regtest"
NOBODY = "mcrt1q3m8gcv5agvjjc93ev6g769j7v9dlr8lyzgjen3"


def blocks(path: Path) -> list[str]:
    """The lines that name a block."""
    return [line for line in path.read_text().splitlines() if "height=" in line] if path.exists() else []


def test_the_log_goes_to_a_file_that_can_be_moved_away(tmp_path: Path) -> None:
    path, old = tmp_path / "debug.log", tmp_path / "old.log"
    line = f"minicoin startnode --datadir {tmp_path}/node -l 0 --rpcport 0 --logfile {path}"
    with running(line, NETWORK, tmp_path / "stderr.log") as node:
        assert node.call("getrpcinfo")["logpath"] == str(path)
        node.call("generatetoaddress", 3, NOBODY)
        assert [line.split()[1] for line in blocks(path)] == ["mined"] * 3
        path.rename(old)
        node.send_signal(signal.SIGHUP)
        wait_until(path.exists, "the log file is opened anew")
        node.call("generatetoaddress", 1, NOBODY)
        assert [line.split()[2] for line in blocks(path)] == ["height=4"]
        assert len(blocks(old)) == 3
        assert node.log == ""
