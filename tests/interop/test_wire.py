"""Programs of other libp2p implementations speak our wire frames with a real node: version, verack, one block."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.interop.peers import GO, JS, Peer, require
from tests.waiting import HANG_S

from minicoin.core.params.builtin import NETWORKS

NETWORK = NETWORKS["regtest"]


@contextmanager
def node(directory: Path) -> Iterator[str]:
    """A fresh regtest node on libp2p; its multiaddr is the one it tells others to join by."""
    command = [
        sys.executable,
        "-m",
        "minicoin.app",
        "startnode",
        "--network",
        NETWORK.name,
        "--datadir",
        str(directory),
    ]
    process = subprocess.Popen(
        [
            *command,
            "--network",
            NETWORK.name,
            "--datadir",
            str(directory),
            "--listen",
            "0",
            "--rpcport",
            "0",
            "--no-dnsseed",
            "--transport",
            "libp2p",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            words = [word for word in line.split() if word.startswith("/ip4/") and "/p2p/" in word]
            if words:
                break
        else:
            raise AssertionError("the node printed no address: " + "".join(printed))
        yield words[0]
    finally:
        process.terminate()
        process.communicate(timeout=HANG_S)


@pytest.mark.parametrize("peer", [GO, JS], ids=lambda peer: peer.name)
def test_fetches_a_block_from_a_node(peer: Peer, tmp_path: Path) -> None:
    require(peer)
    genesis = NETWORK.genesis
    block = genesis.header.hash[::-1].hex()
    with node(tmp_path) as address:
        done = subprocess.run(
            [*peer.command, "wire", address, NETWORK.protocol_id, NETWORK.magic.hex(), block],
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
    assert done.stdout.split() == ["BLOCK", str(len(genesis.raw)), block], done.stderr
