"""Five banks as processes over libp2p: payments are final, one may be killed, two may not, and nothing final is undone.

How fast they are is measured by `make bench`, and held in virtual time by tests/unit/node/test_virtual_banks.
"""

import json
from collections.abc import Iterator
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from tests.ports import free_ports
from tests.soak import times
from tests.waiting import HANG_S, wait_until

from .processes import NodeProcess, run

FINAL_MS = round(HANG_S * 1_000)


class Bank:
    """A member's node, up or down; its directory and its ports stay."""

    def __init__(self, name: str, datadir: Path, network: str, ports: list[int]) -> None:
        self.name = name
        self.datadir = datadir
        self.address = ""
        self._network = network
        self._ports = ports
        self.node: NodeProcess | None = None

    def start(self, others: list["Bank"]) -> None:
        dials = "".join(f" -d {other.address}" for other in others if other is not self and other.address)
        listen, rpc = self._ports
        line = f"minicoin startnode --datadir {self.datadir} --listen {listen} --rpcport {rpc}{dials}"
        self.node = NodeProcess(line, self._network, self.datadir / "node.log")
        self.address = self.node.address

    def kill(self) -> None:
        assert self.node is not None
        self.node.kill()
        self.node = None

    def call(self, method: str, *params: object):
        assert self.node is not None
        return self.node.call(method, *params)

    @property
    def warnings(self) -> str:
        return "\n".join(self.call("getblockchaininfo")["warnings"])

    @property
    def height(self) -> int:
        return self.call("getblockcount")

    def pay(self, payee: "Bank") -> str:
        return self.call("sendtoaddress", payee.call("getnewaddress"), 1)

    def is_final(self, txid: str) -> int:
        """At which height."""
        return self.call("waitforfinal", txid, FINAL_MS)["height"]


class Banks:
    """All five, and what was final by the last look."""

    def __init__(self, directory: Path) -> None:
        told = json.loads(run(f"minicoin consortium new banks --lab {directory} --json", "regtest"))
        self.banks = [Bank(name, Path(path), told["file"], free_ports(2)) for name, path in told["datadirs"].items()]
        self._final: dict[int, str] = {}

    def start(self) -> None:
        for bank in self.banks:
            bank.start(self.banks)
            bank.call("createwallet", "", False, False, "", (bank.datadir / "seed-words.txt").read_text().strip())

    @property
    def up(self) -> list[Bank]:
        return [bank for bank in self.banks if bank.node is not None]

    def check_final(self) -> None:
        """What was final at one is the same block at all, for good."""
        for bank in self.up:
            for height in range(1, bank.height + 1):
                block = bank.call("getblockhash", height)
                assert self._final.setdefault(height, block) == block

    def leader(self) -> Bank:
        name = self.banks[0].call("getconsensusinfo")["proposer"]["name"]
        return next(bank for bank in self.banks if bank.name == name)

    def stop(self) -> None:
        for bank in self.up:
            bank.node.stop()


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[Banks]:
    made = Banks(tmp_path / "banks")
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_payments_are_final_and_kills_undo_nothing(banks: Banks) -> None:
    five = banks.banks
    wait_until(lambda: all(bank.call("getbalance") > 0 for bank in five), "block 1 pays each bank")
    payments = [(payer, payer.pay(payee)) for payer, payee in permutations(five, 2)]
    top = max(payer.is_final(txid) for payer, txid in payments)
    wait_until(lambda: all(bank.height >= top for bank in five), "all banks have all payments")
    banks.check_final()

    # The leader is killed with a payment pending.
    leader = banks.leader()
    leader.kill()
    first, second, third, fourth = banks.up
    first.is_final(first.pay(second))
    banks.check_final()
    wait_until(lambda: "one more failure halts" in first.warnings, "it is said")

    # A second one: no block, and the status says why.
    fourth.kill()
    wait_until(lambda: "no quorum: 3 of 5" in first.warnings, "the halt is said")
    waiting = second.pay(third)
    shown = first.call("getconsensusinfo")
    assert not shown["has_quorum"]
    assert {row["name"] for row in shown["members"] if not row["here"]} == {leader.name, fourth.name}
    height = first.height
    wait_until(lambda: first.call("getconsensusinfo")["round"] >= 0, "they try")
    assert first.height == height

    # One is back, and it goes on by itself; then the other.
    fourth.start(banks.banks)
    assert second.is_final(waiting) > height
    leader.start(banks.banks)
    last = leader.pay(first)
    top = leader.is_final(last)
    wait_until(lambda: all(bank.height >= top for bank in five), "all banks are together again")
    wait_until(lambda: not first.warnings, "all is well")
    banks.check_final()


def test_all_banks_are_killed_at_once_and_go_on(banks: Banks) -> None:
    five = banks.banks
    wait_until(lambda: all(bank.call("getbalance") > 0 for bank in five), "block 1 pays each bank")
    for _ in range(times(1)):
        paid = [(payer, payer.pay(payee)) for payer, payee in pairwise(five)]
        for bank in five:
            bank.kill()
        for bank in five:
            bank.start(five)
        banks.check_final()
        # A payment that its bank still has is final in the end; so is a new one.
        last = five[0].pay(five[1])
        top = max(payer.is_final(txid) for payer, txid in [*paid, (five[0], last)])
        wait_until(lambda top=top: all(bank.height >= top for bank in five), "all banks are together again")
    banks.check_final()
