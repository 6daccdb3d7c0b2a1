"""What an operator does to a node process: signals, too few files, a clock that is wrong, who may read its files."""

import signal
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from minicoin.app.open_files import OPEN_FILES_MIN
from minicoin.core.limits import BLOCK_TIME_AHEAD_S

from .forked import refusal, running, started
from .processes import NodeProcess, run

NETWORK = "regtest"


def _line(directory: Path) -> str:
    return f"minicoin startnode --network {NETWORK} --datadir {directory} -l 0 --rpcport 0"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_stop(tmp_path: Path, number: signal.Signals) -> None:
    node = NodeProcess(_line(tmp_path / "node"), NETWORK, tmp_path / "log")
    node.call("createwallet", "w")
    node.call("generatetoaddress", 3, node.call("getnewaddress"))
    tip = node.call("getbestblockhash")
    node.send_signal(number)
    assert node.wait() == 0
    # An orderly stop removes the cookie and leaves nothing to roll forward.
    assert not (tmp_path / "node" / ".cookie").exists()
    with running(_line(tmp_path / "node"), NETWORK, tmp_path / "log2") as again:
        assert again.call("getbestblockhash") == tip
        assert "rolled forward" not in again.log


def test_a_closed_terminal_is_nothing_to_a_node_under_nohup(tmp_path: Path) -> None:
    node = NodeProcess(f"nohup {_line(tmp_path / 'node')}", NETWORK, tmp_path / "log")
    node.send_signal(signal.SIGHUP)
    assert node.call("getblockcount") == 0
    assert node.stop() == 0


def test_too_few_files_are_said_at_the_start(tmp_path: Path) -> None:
    said = run(f"ulimit -n 16; ! {_line(tmp_path / 'node')} 2>&1", NETWORK)
    assert said.startswith("error: this process may have only 16 files")
    assert f"ulimit -n {OPEN_FILES_MIN}" in said
    assert "RPC on" not in said
    assert said.count("\n") == 1


def test_a_tip_from_the_future_is_said_and_not_started_on(tmp_path: Path) -> None:
    node = started(_line(tmp_path / "node"), NETWORK, tmp_path / "log")
    node.call("createwallet", "w")
    address = node.call("getnewaddress")
    for ahead_s in (BLOCK_TIME_AHEAD_S - 600, 5 * 86_400):
        node.call("setmocktime", int(time.time()) + ahead_s)
        node.call("generatetoaddress", 1, address)
        assert node.stop() == 0
        if ahead_s < BLOCK_TIME_AHEAD_S:
            node = started(_line(tmp_path / "node"), NETWORK, tmp_path / "log")
    said = refusal(_line(tmp_path / "node"), NETWORK, tmp_path / "log2")
    assert "appears to be from the future" in said
    assert "set date and time right" in said


def test_what_a_node_writes_is_its_user_s_alone(tmp_path: Path) -> None:
    directory = tmp_path / "node"
    process = started(_line(directory), NETWORK, tmp_path / "log")
    process.call("createwallet", "w")
    process.call("generatetoaddress", 1, process.call("getnewaddress"))
    found = [directory, *directory.rglob("*")]
    assert len(found) > 8
    assert _open_to_others(found) == {}
    assert process.stop() == 0
    assert _open_to_others(directory.rglob("*")) == {}


def _open_to_others(paths: Iterable[Path]) -> dict[Path, str]:
    """Those of them that are still there: a running node replaces files by others."""
    found: dict[Path, str] = {}
    for path in paths:
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                found[path] = oct(mode)
    return found
