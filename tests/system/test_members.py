"""The members of a running network change who they are: five banks as processes, over libp2p."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import wait_until

from minicoin.app.build import STATE_FOLDER
from minicoin.app.consortium.founding import Terms, make_network
from minicoin.app.consortium.lab import make_lab
from minicoin.app.networks import write_network
from minicoin.core.configuration.form import CONFIGURATION_KEY, read_configuration
from minicoin.core.units import COIN_SAT
from minicoin.drivers.documents import DocumentStore

from .processes import NodeProcess, run


class Banks:
    """Bank A to Bank E, each a node that signs and has a wallet."""

    def __init__(self, directory: Path) -> None:
        self.banks = make_lab("banks", directory, 5)
        requests = [bank.request for bank in self.banks]
        terms = Terms("banks", "banks", 1_700_000_000, 1, 3_600, is_open=True, is_private=True)
        network = make_network(terms, requests, tuple((one.pay_to, 100 * COIN_SAT) for one in requests))
        self.file = directory / "banks.toml"
        write_network(network, self.file)
        self.network_id = network.network_id
        self.nodes: list[NodeProcess] = []
        for bank in self.banks:
            self.nodes.append(self.start(bank.datadir))
        for bank, node in zip(self.banks, self.nodes, strict=True):
            node.call("createwallet", "default", False, False, "", bank.words)

    def where(self, datadir: Path) -> str:
        return f"--network {self.file} --datadir {datadir}"

    def start(self, datadir: Path, options: str = "") -> NodeProcess:
        datadir.mkdir(exist_ok=True)
        dials = " ".join(f"-d {node.address}" for node in self.nodes)
        line = f"minicoin startnode {self.where(datadir)} --listen 0 --rpcport 0 {dials} {options}"
        return NodeProcess(line, "regtest", datadir / "log")

    def call(self, number: int, method: str, *params):
        return self.nodes[number].call(method, *params)

    def cli(self, number: int, words: str, more: str = "") -> str:
        return run(f"minicoin {words} {self.where(self.banks[number].datadir)} {more}", "regtest")

    def height(self, number: int = 0) -> int:
        return int(self.call(number, "getblockcount"))

    def pay(self, payer: int, payee: int) -> None:
        """A payment, and the block that makes it final."""
        address = self.call(payee, "getnewaddress")
        txid = self.call(payer, "sendtoaddress", address, "0.5")
        assert self.call(payer, "waitforfinal", txid)["blockhash"]

    def grow_to(self, height: int) -> None:
        while self.height() < height:
            self.pay(0, 1)

    def members(self, number: int = 0) -> list[str]:
        return sorted(row["name"] for row in self.call(number, "listmembers")["members"])

    def audit(self, number: int, words: str) -> dict:
        """What is read in a bank's log, whether its node runs or not."""
        where = self.where(self.banks[number].datadir)
        found: dict = json.loads(run(f"minicoin audit {words} --json {where}", "regtest"))
        return found

    def configuration_on_disk(self, number: int) -> int:
        """The version that a kill would leave a bank."""
        raw = DocumentStore(self.banks[number].datadir / STATE_FOLDER).load(CONFIGURATION_KEY)
        return 0 if raw is None else read_configuration(raw, self.network_id).current.version

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[Banks]:
    made = Banks(tmp_path)
    try:
        wait_until(lambda: made.height() >= 1, "block 1 is final")
        wait_until(lambda: float(made.call(0, "getbalance")) > 0, "the allocation is in the wallet")
        yield made
    finally:
        made.stop()


def missing(told: dict) -> list[int]:
    """Of each draft, how many signatures it lacks."""
    return [draft["missing"] for draft in told["drafts"]]


def test_a_member_leaves_and_the_rest_goes_on_without_it(banks: Banks) -> None:
    from_height = banks.height() + 4
    drafted = banks.call(0, "proposemembers", {}, ["Bank E"], from_height)
    assert (drafted["quorum"], drafted["missing"]) == (4, 3)
    for number in (1, 2, 3):
        wait_until(lambda number=number: banks.call(number, "listmembers")["drafts"], "the draft is known")
        banks.call(number, "approvemembers", drafted["hash"][:12])
    banks.pay(0, 1)
    wait_until(lambda: banks.call(0, "listmembers")["pending"], "a block carries the change")
    banks.grow_to(from_height)
    assert banks.members() == ["Bank A", "Bank B", "Bank C", "Bank D"]
    # Of four members one may be down: with the one that left, two of the five are.
    banks.nodes[4].kill()
    banks.nodes[3].kill()
    banks.pay(1, 0)
    history = banks.call(2, "getmemberhistory")
    assert [(change["version"], [one["name"] for one in change["removed"]]) for change in history] == [
        (0, []),
        (1, ["Bank E"]),
    ]
    check_audit_logs(banks, from_height)


def check_audit_logs(banks: Banks, from_height: int) -> None:
    """Of nodes that run and of one that was killed: each tells the same of the members, from itself alone."""
    told = banks.call(2, "getconsensusinfo")["audit"]
    assert told["trouble"] is None and told["entries"] > 10
    banks.nodes[3] = banks.start(banks.banks[3].datadir)
    # It may have been killed before it had the last block.
    wait_until(lambda: banks.height(3) >= from_height, "the one that was killed has caught up")
    for number in (2, 3):
        verdict = banks.audit(number, "verify")
        assert verdict["broken"] is None and verdict["entries"] > 10
        for height, count in ((from_height - 1, 5), (from_height, 4)):
            assert len(banks.audit(number, f"replay --height {height}")["members"]) == count
    assert banks.audit(2, f"verify --holds {told['head']}")["holds"] is True
    # Whoever was killed and is back has no change twice.
    found = run(f"minicoin audit show --kind members --json {banks.where(banks.banks[3].datadir)}", "regtest")
    assert [json.loads(line)["fields"]["version"] for line in found.splitlines()] == [1]


def test_what_is_drafted_survives_kill_9_of_everybody_and_three_go_on_without_two(banks: Banks, tmp_path: Path) -> None:
    drafted = banks.call(0, "proposemembers", {}, ["Bank E"], banks.height() + 50)
    wait_until(lambda: banks.call(1, "listmembers")["drafts"], "the draft is known")
    assert banks.call(0, "listmembers")["drafts"][0]["hash"] == drafted["hash"]
    with pytest.raises(AssertionError, match="is no member at height"):
        banks.call(0, "proposemembers", {}, ["Bank Z"])
    set_for_all = banks.call(1, "proposeconfiguration", {"alert": "Maintenance at 18:00", "mempool_mb": 50})
    assert (set_for_all["quorum"], set_for_all["missing"]) == (4, 3)
    for number in (0, 2, 3):
        wait_until(lambda number=number: banks.call(number, "getconfiguration")["drafts"], "the settings are known")
        banks.call(number, "approveconfiguration", set_for_all["hash"][:12])
    for number in (0, 4):
        wait_until(lambda number=number: "18:00" in str(banks.call(number, "getnetworkinfo")), "the alert is shown")
    # What several signed is on disk at once, but not before it is shown (docs/upkeep.md, What a kill leaves).
    wait_until(lambda: banks.configuration_on_disk(0) == 1, "the settings are on disk")
    for node in banks.nodes:
        node.kill()
    banks.nodes = [banks.start(banks.banks[0].datadir)]
    # Nobody else is there: what it was answered, it has.
    assert banks.call(0, "listmembers")["drafts"][0]["hash"] == drafted["hash"]
    (size,) = [row for row in banks.call(0, "getconfiguration")["settings"] if row["name"] == "mempool_mb"]
    assert (size["value"], size["source"], size["version"], len(size["signers"])) == ("50", "record", 1, 4)
    assert banks.call(0, "getmempoolinfo")["maxmempool"] == 50_000_000

    # Two are lost for good. The three others do what docs/consortium.md says, each with its own node and files.
    banks.nodes += [banks.start(bank.datadir) for bank in banks.banks[1:3]]
    height = max(banks.height(number) for number in range(3))
    wait_until(lambda: all(banks.height(number) == height for number in range(3)), "the three are level")
    wait_until(lambda: "minicoin recovery" in banks.cli(0, "getinfo"), "the way out is said")
    file, final = tmp_path / "recovery.toml", tmp_path / "final.toml"
    lost = '--remove "Bank D" --remove "Bank E"'
    assert "0 of 3 needed" in banks.cli(0, f"recovery propose {lost} --out {file} --dry-run")
    assert not file.exists()
    assert "nothing was signed" in banks.cli(0, f"recovery propose {lost} --out {file}", "2>&1 < /dev/null || true")
    assert "1 of 3 needed" in banks.cli(0, f"recovery propose {lost} --out {file} --yes")
    assert "1 of 3 needed" in banks.cli(1, f"recovery show {file}")
    assert "2 of 3 needed" in banks.cli(1, f"recovery sign {file} --yes")
    wait_until(lambda: missing(banks.call(2, "listrecoveries")) == [1], "two signatures came as records")
    assert "1 more must sign" in banks.cli(2, "recovery list")
    assert "combine" in banks.cli(2, f"recovery sign {file} --yes")
    shown = banks.cli(0, f"recovery combine {file} --out {final}")
    named = banks.call(0, "combinerecovery", [file.read_text()])["hash"]
    assert named in shown
    for number in range(3):
        banks.nodes[number].stop()
    banks.nodes = []
    for bank in banks.banks[:3]:
        banks.nodes.append(banks.start(bank.datadir, f"--recovery {final}"))
    banks.pay(0, 1)
    banks.pay(2, 0)
    assert banks.members() == ["Bank A", "Bank B", "Bank C"]
    assert [change["version"] for change in banks.call(0, "getmemberhistory")] == [0, 1]

    # What is named once stays named; a newcomer has to name it, and is told so where it does not.
    banks.nodes[1].kill()
    banks.nodes[1] = banks.start(banks.banks[1].datadir)
    banks.pay(1, 0)
    fresh = banks.start(tmp_path / "fresh", f"--recovery {final}")
    stranger = banks.start(tmp_path / "stranger")
    banks.nodes += [fresh, stranger]
    wait_until(lambda: fresh.call("getblockcount") == banks.height() > height, "the newcomer has all blocks")
    wait_until(
        lambda: any(named in text for text in stranger.call("getblockchaininfo")["warnings"]),
        "the other one says which recovery it lacks",
    )
    wait_until(lambda: stranger.call("getblockcount") == height, "it has all blocks in front of the recovery")
    assert stranger.call("getconnectioncount") > 0
    for node in banks.nodes:
        assert node.stop() == 0
    tip = json.loads(run(f"minicoin chain verify --json {banks.where(tmp_path / 'fresh')}", "regtest"))["height"]
    exported = tmp_path / "chain.dat"
    run(f"minicoin chain export {exported} {banks.where(tmp_path / 'fresh')}", "regtest")
    importing = f"minicoin chain import {exported} {banks.where(tmp_path / 'imported')}"
    assert "import with --recovery" in run(f"{importing} 2>&1 || true", "regtest")
    assert f"height {tip}" in run(f"{importing} --recovery {final}", "regtest")
