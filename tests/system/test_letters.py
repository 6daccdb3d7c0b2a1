"""Letters between processes over libp2p, three in a line: delivered, failed, and the honest maybe of random."""

import signal
from dataclasses import replace
from pathlib import Path

from tests.waiting import wait_until

from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.toml_text import network_to_toml

from .forked import ForkedNode, running, started
from .processes import minicoin


def test_a_letter_arrives_and_stays_and_who_is_gone_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "letters.toml"
    path.write_text(network_to_toml(replace(REGTEST, name="letters", own_messages=True)))
    network = str(path)

    def line(name: str, options: str) -> str:
        return f"minicoin startnode --transport libp2p --datadir {tmp_path / name} --rpcport 0 {options}"

    with running(line("middle", "-l 0 --connect 0"), network, tmp_path / "middle.log") as middle:
        outside = f"--no-listen --connect {middle.address}"
        far = started(line("far", outside), network, tmp_path / "far.log")
        with running(line("near", outside), network, tmp_path / "near.log") as near:
            for node in (near, far):
                wait_until(lambda node=node: _speaks(node), "the offers of the line")
            wait_until(lambda: len(middle.call("getoverlay")["neighbours"]) == 2, "both ends at the middle")
            there, between = far.call("getnetworkinfo")["peerid"], middle.call("getnetworkinfo")["peerid"]

            # Two hops, though the near one knows nobody but the middle. Killed right after its receipt, the addressee
            # has the letter when it starts again.
            told = minicoin(f"net tell {there} 'good morning' --datadir {near.datadir}", network)
            assert told.startswith("delivered in 2 hops: "), told
            far.kill()
            # Random knows no way to somebody who is not connected, alive or not.
            wait_until(lambda: len(middle.call("getoverlay")["neighbours"]) == 1, "the middle to miss it")
            gone = near.call("tellpeer", there, "are you there?")
            assert (gone["outcome"], gone["neighbours"]) == ("maybe", 1)
            with running(line("far", outside), network, tmp_path / "far.log") as again:
                shown = minicoin(f"net letters --datadir {again.datadir}", network)
                assert shown.rstrip().endswith(f"{near.call('getnetworkinfo')['peerid']}  good morning"), shown
                wait_until(lambda: _speaks(again), "its return")
                wait_until(lambda: len(middle.call("getoverlay")["neighbours"]) == 2, "its return at the middle")
                repeated = near.call("tellpeer", there, "good morning", told.split()[-1])
                assert repeated["outcome"] == "delivered" and len(again.call("listletters")) == 1

            # A neighbour that is connected and silent: the hop fails when its time is over, and nothing is lost by
            # trying again.
            middle.send_signal(signal.SIGSTOP)
            try:
                silent = near.call("tellpeer", between, "hello")
            finally:
                middle.send_signal(signal.SIGCONT)
            assert (silent["outcome"], silent["failed_hop"], silent["reason"]) == ("failed", 1, "no-answer")
            told_again = near.call("tellpeer", between, "hello", silent["id"])
            assert told_again["outcome"] == "delivered"
            assert [letter["text"] for letter in middle.call("listletters")] == ["hello"]
            assert " letter " in middle.log


def _speaks(node: ForkedNode) -> bool:
    """Whether its peer has offered letters: the offer is counted like any message."""
    return any("extensions" in peer["bytesrecv_per_msg"] for peer in node.call("getpeerinfo"))
