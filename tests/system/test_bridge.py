"""One node that listens for libp2p and for plain TCP passes payments and blocks between peers of either kind."""

import re
from pathlib import Path

from tests.ports import free_ports
from tests.waiting import wait_until

from .forked import running
from .processes import minicoin

NETWORK = "regtest"


def test_payments_and_blocks_cross_from_libp2p_to_tcp_and_back(tmp_path: Path) -> None:
    (plain,) = free_ports(1)

    def line(name: str, options: str) -> tuple[str, str, Path]:
        command = f"minicoin startnode --network {NETWORK} --datadir {tmp_path / name} --rpcport 0 {options}"
        return command, NETWORK, tmp_path / f"{name}.log"

    def cli(name: str, words: str) -> str:
        return minicoin(f"{words} --datadir {tmp_path / name}", NETWORK)

    with running(*line("bridge", f"-l 0 --plain-port {plain}")) as bridge:
        secured = f"--no-listen --connect {bridge.address}"
        open_ = f"--no-listen --transport tcp --connect 127.0.0.1:{plain}"
        with running(*line("secured", secured)) as left, running(*line("open", open_)) as right:
            wait_until(lambda: bridge.log.count("peer-ready") == 2, "both peers")
            # One proved who it is, the other did not.
            assert len(re.findall(r"peer-ready.*remote=\S+/p2p/", bridge.log)) == 1
            cli("secured", "createwallet --no-passphrase")
            cli("open", "createwallet --no-passphrase")
            cli("secured", "mine 101")
            wait_until(lambda: right.call("getblockcount") == 101, "blocks of a libp2p node at the TCP node")

            there = cli("open", "wallet address").strip()
            payment = left.call("sendtoaddress", there, 2)
            wait_until(lambda: payment in right.call("getrawmempool"), "the payment at the TCP node")
            cli("open", "mine 1")
            wait_until(lambda: left.call("getblockcount") == 102, "a block of the TCP node at the libp2p node")
            assert right.call("getbalance") == 2

            back = left.call("getnewaddress")
            payment = right.call("sendtoaddress", back, 1)
            wait_until(lambda: payment in left.call("getrawmempool"), "the payment back")
            cli("secured", "mine 1")
            wait_until(lambda: right.call("getblockcount") == 103, "its block at the TCP node")
            assert 0.9 < right.call("getbalance") < 1
