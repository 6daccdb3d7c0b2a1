"""A full disk (as a limit on the size of files) during import, sync, mining and sending: one line that says so, nothing
that was acknowledged is lost, and with room again the next start goes on. And block files that lost their end.
"""

import os
import shutil
from pathlib import Path

import pytest
import trio
from tests.waiting import COMPUTE_HANG_S, wait_until

from minicoin.app.build import NodeSetup, build_node
from minicoin.core.params.builtin import lookup
from minicoin.core.script.standard import p2wpkh_script_of_key, script_address
from minicoin.drivers.store.errors import StoreCorrupt, StoreForeign

from .doomed import Doomed, check_chain
from .node_under_test import running_node
from .processes import running
from .saved_chains import BLOCKS, NETWORK, QUIET, reopened_height


def limited(*arguments: object, file_bytes_max: int) -> Doomed:
    return Doomed(*arguments, environment={"FILE_BYTES_MAX": str(file_bytes_max)})


def said_one_line(doomed: Doomed) -> str:
    """What it said when it could not go on."""
    code, errors = doomed.wait_end()
    assert code == 1
    lines = errors.splitlines()
    assert len(lines) == 1, errors
    return lines[0]


@pytest.mark.parametrize("file_bytes_max", [3_000, 30_000, 120_000, 400_000])
def test_import(bootstrap_file: Path, tmp_path: Path, file_bytes_max: int) -> None:
    directory = tmp_path / "node"
    doomed = limited("import", directory, bootstrap_file, file_bytes_max=file_bytes_max)
    line = said_one_line(doomed)
    assert "free some space" in line or "the disk is full" in line
    if file_bytes_max == 400_000:
        assert doomed.acknowledged.blocks, "there was room for a part of the chain"
    # With room again the rest follows.
    again = Doomed("import", directory, bootstrap_file)
    assert not again.kill_after(COMPUTE_HANG_S)
    assert check_chain(NETWORK, directory, doomed.acknowledged.blocks + again.acknowledged.blocks) == BLOCKS


def test_sync(chain_directory: Path, tmp_path: Path) -> None:
    served = shutil.copytree(chain_directory, tmp_path / "served")
    directory = tmp_path / "node"

    async def main() -> None:
        async with running_node(NETWORK, served) as server:
            doomed = limited("sync", directory, server.port, file_bytes_max=400_000)
            line = await trio.to_thread.run_sync(said_one_line, doomed)
            assert "no room" in line
            assert 0 < await reopened_height(directory, doomed.acknowledged) < BLOCKS

    trio.run(main)


@pytest.mark.parametrize(("activity", "room"), [("mine", 8_000), ("send", 8_000)])
def test_mining_and_sending(wallet_directory: Path, tmp_path: Path, activity: str, room: int) -> None:
    directory = shutil.copytree(wallet_directory, tmp_path / "node")
    # Mining grows the block file most, sending the wallet.
    grows = directory / ("state/wallet" if activity == "send" else "blocks/blk00000.dat")
    doomed = limited(activity, directory, file_bytes_max=grows.stat().st_size + room)
    line = said_one_line(doomed)
    assert "no room" in line or "too large" in line
    assert doomed.acknowledged.blocks
    assert doomed.acknowledged.payments or activity == "mine"
    trio.run(reopened_height, directory, doomed.acknowledged)


def opening_error(directory: Path, network_name: str = "bitcoin-regtest") -> str:
    """What a node says that cannot open its directory."""

    async def main() -> None:
        await build_node(NodeSetup(lookup(network_name), directory, QUIET), lambda now, notice: None)

    with pytest.raises((StoreCorrupt, StoreForeign)) as caught:
        trio.run(main)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("prefix", ["blk", "rev"])
def test_a_truncated_block_file(chain_directory: Path, tmp_path: Path, prefix: str) -> None:
    directory = shutil.copytree(chain_directory, tmp_path / "node")
    path = directory / "blocks" / f"{prefix}00000.dat"
    os.truncate(path, path.stat().st_size - 100)
    message = opening_error(directory)
    assert path.name in message
    assert "restore the file" in message


def test_a_block_file_that_is_gone(chain_directory: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(chain_directory, tmp_path / "node")
    (directory / "blocks" / "blk00000.dat").unlink()
    assert "blk00000.dat" in opening_error(directory)


def test_a_foreign_directory(chain_directory: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(chain_directory, tmp_path / "node")
    message = opening_error(directory, "regtest")
    assert "bitcoin-regtest" in message
    assert "--datadir" in message
    # And it was left as it was.
    assert check_chain(NETWORK, directory, []) == BLOCKS


def test_a_node_as_its_operator_sees_it(tmp_path: Path) -> None:
    directory = tmp_path / "node"
    address = script_address(p2wpkh_script_of_key(b"\x02" * 33), lookup("regtest").address_format)
    start = f"minicoin startnode --network regtest --datadir {directory} -l 0 --rpcport 0"
    acknowledged: list[str] = []
    # The shell counts in kilobytes; the log goes where no file grows.
    with running(f"bash -c 'ulimit -f 200; exec {start} 2>&1'", "regtest", tmp_path / "full.log") as node:
        with pytest.raises(AssertionError, match=r"'code': -1, 'message': '.*no room to write .*blk00000.dat"):
            while True:
                acknowledged.append(node.call("generatetoaddress", 50, address)[-1])
        height = node.call("getblockcount")
        assert "no room" in str(node.call("getblockchaininfo")["warnings"])
        with pytest.raises(AssertionError, match="no room"):
            node.call("generatetoaddress", 1, address)
    with running(start, "regtest", tmp_path / "again.log") as node:
        # Blocks beyond the last coins that found room are connected again while it serves already.
        wait_until(lambda: node.call("getblockcount") == height, f"height {height} again")
        for number, block in enumerate(acknowledged, 1):
            assert node.call("getblockhash", 50 * number) == block
        node.call("generatetoaddress", 1, address)
