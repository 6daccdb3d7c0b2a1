"""The members of a running network change who they are: five banks as processes, over libp2p."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import wait_until

from minicoin.app.build import STATE_FOLDER
from minicoin.core.configuration.form import CONFIGURATION_KEY, read_configuration
from minicoin.drivers.documents import DocumentStore

from .bank_processes import Bank, Consortium, running
from .forked import ForkedNode
from .processes import minicoin, run


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[Consortium]:
    """Bank A to Bank E. Whoever knows the network may connect."""
    made = Consortium(tmp_path / "banks", None, 5, 5, is_open=True)
    with running(made):
        yield made


def pay(payer: Bank, payee: Bank) -> None:
    """A payment, and the block that makes it final."""
    payer.wait_final(payer.pay(payee))


def audit(bank: Bank, words: str) -> dict:
    """What is read in a bank's log, whether its node runs or not."""
    found: dict = json.loads(bank.cli(f"audit {words} --json"))
    return found


def configuration_on_disk(bank: Bank, network_id: bytes) -> int:
    """The version that a kill would leave a bank."""
    raw = DocumentStore(bank.datadir / STATE_FOLDER).load(CONFIGURATION_KEY)
    return 0 if raw is None else read_configuration(raw, network_id).current.version


def missing(told: dict) -> list[int]:
    """Of each draft, how many signatures it lacks."""
    return [draft["missing"] for draft in told["drafts"]]


def newcomer(banks: Consortium, datadir: Path, *more: str) -> ForkedNode:
    """The node of somebody who is no bank; up."""
    words = ["--network", str(banks.file), "-l", "0", "--rpcport", "0", *banks.dials(), *more]
    node = ForkedNode(words, datadir, datadir.with_suffix(".log"))
    node.wait_up()
    return node


def test_a_member_leaves_and_the_rest_goes_on_without_it(banks: Consortium) -> None:
    first, second, third, fourth, fifth = banks.banks
    from_height = first.height + 4
    drafted = first.call("proposemembers", {}, ["Bank E"], from_height)
    assert (drafted["quorum"], drafted["missing"]) == (4, 3)
    for bank in (second, third, fourth):
        wait_until(lambda bank=bank: bank.call("listmembers")["drafts"], "the draft is known")
        bank.call("approvemembers", drafted["hash"][:12])
    pay(first, second)
    wait_until(lambda: first.call("listmembers")["pending"], "a block carries the change")
    while first.height < from_height:
        pay(first, second)
    assert banks.members(first) == ["Bank A", "Bank B", "Bank C", "Bank D"]
    # Of four members one may be down: with the one that left, two of the five are.
    fifth.kill()
    fourth.kill()
    pay(second, first)
    history = third.call("getmemberhistory")
    assert [(change["version"], [one["name"] for one in change["removed"]]) for change in history] == [
        (0, []),
        (1, ["Bank E"]),
    ]
    check_audit_logs(third, fourth, from_height)


def check_audit_logs(runs: Bank, was_killed: Bank, from_height: int) -> None:
    """Each tells the same of the members, from itself alone."""
    told = runs.call("getconsensusinfo")["audit"]
    assert told["trouble"] is None and told["entries"] > 10
    was_killed.start()
    was_killed.wait_up()
    # It may have been killed before it had the last block.
    wait_until(lambda: was_killed.height >= from_height, "the one that was killed has caught up")
    for bank in (runs, was_killed):
        verdict = audit(bank, "verify")
        assert verdict["broken"] is None and verdict["entries"] > 10
        for height, count in ((from_height - 1, 5), (from_height, 4)):
            assert len(audit(bank, f"replay --height {height}")["members"]) == count
    assert audit(runs, f"verify --holds {told['head']}")["holds"] is True
    # Whoever was killed and is back has no change twice.
    found = was_killed.cli("audit show --kind members --json")
    assert [json.loads(line)["fields"]["version"] for line in found.splitlines()] == [1]


def test_what_is_drafted_survives_kill_9_of_everybody_and_three_go_on_without_two(
    banks: Consortium, tmp_path: Path
) -> None:
    first, second, third, fourth, fifth = banks.banks
    drafted = first.call("proposemembers", {}, ["Bank E"], first.height + 50)
    wait_until(lambda: second.call("listmembers")["drafts"], "the draft is known")
    assert first.call("listmembers")["drafts"][0]["hash"] == drafted["hash"]
    with pytest.raises(AssertionError, match="is no member at height"):
        first.call("proposemembers", {}, ["Bank Z"])
    set_for_all = second.call("proposeconfiguration", {"alert": "Maintenance at 18:00", "mempool_mb": 50})
    assert (set_for_all["quorum"], set_for_all["missing"]) == (4, 3)
    for bank in (first, third, fourth):
        wait_until(lambda bank=bank: bank.call("getconfiguration")["drafts"], "the settings are known")
        bank.call("approveconfiguration", set_for_all["hash"][:12])
    for bank in (first, fifth):
        wait_until(lambda bank=bank: "18:00" in str(bank.call("getnetworkinfo")), "the alert is shown")
    # What several signed is on disk at once, but not before it is shown (docs/upkeep.md, What a kill leaves).
    network_id = banks.network.network_id
    wait_until(lambda: configuration_on_disk(first, network_id) == 1, "the settings are on disk")
    for bank in banks.banks:
        bank.kill()
    first.start()
    first.wait_up()
    # Nobody else is there: what it was answered, it has.
    assert first.call("listmembers")["drafts"][0]["hash"] == drafted["hash"]
    (size,) = [row for row in first.call("getconfiguration")["settings"] if row["name"] == "mempool_mb"]
    assert (size["value"], size["source"], size["version"], len(size["signers"])) == ("50", "record", 1, 4)
    assert first.call("getmempoolinfo")["maxmempool"] == 50_000_000

    # Two are lost for good. The three others do what docs/consortium.md says, each with its own node and files.
    three = [first, second, third]
    for bank in (second, third):
        bank.start()
    for bank in (second, third):
        bank.wait_up()
    height = max(bank.height for bank in three)
    wait_until(lambda: all(bank.height == height for bank in three), "the three are level")
    wait_until(lambda: "minicoin recovery" in first.cli("getinfo"), "the way out is said")
    file, final = tmp_path / "recovery.toml", tmp_path / "final.toml"
    propose = f'recovery propose --remove "Bank D" --remove "Bank E" --out {file}'
    assert "0 of 3 needed" in first.cli(f"{propose} --dry-run")
    assert not file.exists()
    unanswered = f"minicoin {propose} --datadir {first.datadir} 2>&1 < /dev/null || true"
    assert "nothing was signed" in run(unanswered, first.network)
    assert "1 of 3 needed" in first.cli(f"{propose} --yes")
    assert "1 of 3 needed" in second.cli(f"recovery show {file}")
    assert "2 of 3 needed" in second.cli(f"recovery sign {file} --yes")
    wait_until(lambda: missing(third.call("listrecoveries")) == [1], "two signatures came as records")
    assert "1 more must sign" in third.cli("recovery list")
    assert "combine" in third.cli(f"recovery sign {file} --yes")
    shown = first.cli(f"recovery combine {file} --out {final}")
    named = first.call("combinerecovery", [file.read_text()])["hash"]
    assert named in shown
    for bank in three:
        bank.stop()
    for bank in three:
        bank.start("--recovery", str(final))
    for bank in three:
        bank.wait_up()
    pay(first, second)
    pay(third, first)
    assert banks.members(first) == ["Bank A", "Bank B", "Bank C"]
    assert [change["version"] for change in first.call("getmemberhistory")] == [0, 1]

    # What is named once stays named; a newcomer has to name it, and is told so where it does not.
    second.kill()
    second.start()
    second.wait_up()
    pay(second, first)
    fresh = newcomer(banks, tmp_path / "fresh", "--recovery", str(final))
    stranger = newcomer(banks, tmp_path / "stranger")
    wait_until(lambda: fresh.call("getblockcount") == first.height > height, "the newcomer has all blocks")
    wait_until(
        lambda: any(named in text for text in stranger.call("getblockchaininfo")["warnings"]),
        "the other one says which recovery it lacks",
    )
    wait_until(lambda: stranger.call("getblockcount") == height, "it has all blocks in front of the recovery")
    assert stranger.call("getconnectioncount") > 0
    for node in (fresh, stranger):
        assert node.stop() == 0
    for bank in three:
        bank.stop()
    tip = json.loads(minicoin(f"chain verify --json --datadir {fresh.datadir}", first.network))["height"]
    exported = tmp_path / "chain.dat"
    minicoin(f"chain export {exported} --datadir {fresh.datadir}", first.network)
    importing = f"chain import {exported} --datadir {tmp_path / 'imported'}"
    assert "import with --recovery" in run(f"minicoin {importing} 2>&1 || true", first.network)
    assert f"height {tip}" in minicoin(f"{importing} --recovery {final}", first.network)
