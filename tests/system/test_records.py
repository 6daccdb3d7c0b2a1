"""Records between node processes: what `putrecord` answered survives kill -9, its versions go on rising, a node that
lost everything learns its own back, and founders sign one after the other."""

import json
import re
from dataclasses import replace
from pathlib import Path

from tests.unit.records.world import ALICE, BOB, signer_of
from tests.waiting import wait_until

from minicoin.app.identity import adopt_identity
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.toml_text import network_to_toml

from .forked import ForkedNode, started
from .processes import minicoin

KILLS = 2


class Operator:
    """Nodes of one network file whose founders are ALICE and BOB."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "acme.toml"
        founders = (signer_of(ALICE), signer_of(BOB))
        network = replace(REGTEST, name="acme", own_messages=True, founders=founders, founder_quorum=2)
        self.file.write_text(network_to_toml(network))

    def start(self, name: str, peer: ForkedNode | None = None) -> ForkedNode:
        line = f"minicoin startnode --network {self.file} --datadir {self.directory / name} -l 0 --rpcport 0"
        return started(f"{line} -d {peer.address}" if peer else line, "regtest", self.directory / f"{name}.log")

    def run(self, node: ForkedNode, words: str) -> str:
        """`minicoin records WORDS` beside a node."""
        rpc = next(line for line in node.greeting if line.startswith("RPC on")).split()[2].rstrip(",")
        options = f"--network {self.file} --datadir {node.datadir} --rpcport {rpc.rpartition(':')[2]}"
        return minicoin(f"records {words} {options}", "regtest")


def texts(node: ForkedNode) -> list[str]:
    return [row["text"] for row in node.call("listrecords")]


def test_what_was_answered_survives_kill_9_and_versions_rise(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    versions: list[int] = []
    for number in range(KILLS):
        node = operator.start("one")
        assert texts(node) == [f"life {one}" for one in range(number)][-1:]
        versions.append(node.call("putrecord", "status", "", f"life {number}")["version"])
        node.kill()
    # Its disk is lost, its identity is not: what it signed comes back from others, and its next version is above.
    first = operator.start("one")
    second = operator.start("two", first)
    wait_until(lambda: texts(second) == [f"life {KILLS - 1}"], "the other to know it")
    first.kill()
    (tmp_path / "one" / "state" / "records").unlink()
    first = operator.start("one", second)
    wait_until(lambda: texts(first) == [f"life {KILLS - 1}"], "its own record to come back")
    versions.append(first.call("putrecord", "status", "", "again")["version"])
    assert versions == sorted(set(versions))
    wait_until(lambda: texts(second) == ["again"], "the newest to be told")
    assert first.stop() == second.stop() == 0


def test_founders_sign_one_after_the_other_and_everybody_reads_it(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    for name, identity in (("alice", ALICE), ("bob", BOB)):
        (tmp_path / name).mkdir()
        adopt_identity(tmp_path / name, identity)
    alice = operator.start("alice")
    bob = operator.start("bob", alice)
    told = operator.run(alice, "put config 'max_block = 1 MB' --key limits")
    record = re.fullmatch(r"signed; 1 more must sign it: minicoin records sign ([0-9a-f]+)", told.strip())[1]
    assert texts(alice) == []
    assert bob.call("signrecord", record)["missing"] == 0
    wait_until(lambda: texts(alice) == ["max_block = 1 MB"], "the first to hear of it")
    (row,) = json.loads(operator.run(alice, "list config --json"))
    assert (row["key"], row["expires"]) == ("limits", None)
    assert sorted(row["signers"]) == sorted((str(ALICE.peer_id), str(BOB.peer_id)))
    assert alice.stop() == bob.stop() == 0
