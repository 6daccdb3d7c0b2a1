"""A node that writes its log to a file: one line a mined block, and a new file after the old one was moved away."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.waiting import HANG_S, wait_until

from .processes import environment, run, running

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


def test_a_node_that_nobody_reads_runs_and_ends_in_order(tmp_path: Path) -> None:
    program = f"{sys.executable} -m minicoin.app"
    line = f"exec {program} startnode --datadir {tmp_path}/node -l 0 --rpcport 0 <&- >/dev/full 2>&-"
    node = subprocess.Popen(["bash", "-c", line], env=environment(NETWORK))
    try:
        wait_until(lambda: (tmp_path / "node" / "rpc.address").exists(), "the node answers")
        # A line of the log, which has it before the call is answered.
        run(f"{program} rpc --datadir {tmp_path}/node generatetoaddress 1 {NOBODY}", NETWORK)
        run(f"{program} stop --datadir {tmp_path}/node", NETWORK)
        assert node.wait(HANG_S) == 0
    finally:
        node.kill()
        node.wait()
