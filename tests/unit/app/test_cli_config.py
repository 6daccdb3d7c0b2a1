"""`minicoin config` beside the nodes of two banks, both of which must sign."""

import json
from itertools import pairwise

import pytest
from tests.unit.admission.worlds import banks_world
from tests.unit.app.conftest import SimulatedClient

from minicoin.app import invocation
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import SECOND_US
from minicoin.rpc.dispatch import Dispatcher
from minicoin.rpc.table import METHODS
from minicoin.testing.host_port import HostPort


class Banks:
    """The command line, and which bank's node it speaks to."""

    def __init__(self, cli, monkeypatch):
        self.cli, self.monkeypatch = cli, monkeypatch
        self.world, self.hosts = banks_world(b"app config", makes_blocks=True)

    def at(self, number):
        self.cli.port = HostPort(self.world, self.hosts[number], self.cli.datadir)
        client = SimulatedClient(Dispatcher(METHODS, self.cli.port))
        self.monkeypatch.setattr(invocation, "RpcClient", lambda place: client)
        return self.cli

    def pass_time(self, seconds):
        self.cli.port.pass_time(seconds * 1_000_000)

    def agree(self, *words):
        """One bank proposes, the other approves."""
        proposed = self.at(0)("config", "propose", *words)
        assert proposed.code == 0, proposed.out
        self.pass_time(3)
        (draft,) = json.loads(self.at(1)("config", "list", "--json").out)["drafts"]
        approved = self.at(1)("config", "approve", draft["hash"][:12])
        assert approved.code == 0, approved.out
        self.pass_time(3)
        return proposed.out, approved.out

    def shown(self, number, name):
        rows = json.loads(self.at(number)("config", "show", "--json").out)["settings"]
        (row,) = [row for row in rows if row["name"] == name]
        return row

    def times(self, number=0):
        tree = self.hosts[number].node.view.tree
        return [tree.at_height(height).header.time for height in range(1, tree.tip.height + 1)]


@pytest.fixture
def banks(cli, monkeypatch):
    return Banks(cli, monkeypatch)


def test_what_a_quorum_signs_holds_on_every_node_at_once(banks) -> None:
    assert "network file" in banks.at(0)("config", "show").out
    proposed, approved = banks.agree("mempool_mb=50", "alert=Maintenance at 18:00", "empty_after_s=2")
    assert "signed version 1 (" in proposed and "1 more must sign: minicoin config approve" in proposed
    assert "it holds now" in approved
    for number in (0, 1):
        row = banks.shown(number, "mempool_mb")
        assert (row["value"], row["source"], row["version"]) == ("50", "record", 1)
        assert row["signers"] == ["Bank A", "Bank B"]
        pool = banks.hosts[number].node.view.mempool
        assert pool.policy.bytes_max == 50_000_000
        assert "alert by the members: Maintenance at 18:00" in str(banks.at(number)("rpc", "getnetworkinfo").out)
    table = banks.at(0)("config", "show").out
    assert "record v1" in table and "Maintenance at 18:00" in table
    assert "alert by the members" in banks.at(0)("getinfo").out
    # Back to what each node has by itself.
    banks.agree("mempool_mb=default", "alert=default")
    assert banks.shown(1, "mempool_mb")["source"] == "default"
    assert banks.hosts[1].node.view.mempool.policy.bytes_max == 300_000_000


def test_how_far_apart_blocks_are_changes_from_a_height_on_and_nobody_restarts(banks) -> None:
    banks.agree("empty_after_s=2")
    banks.pass_time(30)
    height = banks.hosts[0].node.view.tree.tip.height
    assert height > 5
    from_height = height + 6
    proposed, approved = banks.agree("min_interval_s=20", "--from-height", str(from_height))
    assert f"from block {from_height}: min_interval_s=20" in proposed
    assert "the next blocks carry it" in approved
    assert "pending: version 1" in banks.at(0)("config", "list").out
    banks.pass_time(120)
    for number in (0, 1):
        times = banks.times(number)
        assert len(times) >= from_height + 3
        gaps = [late - early for early, late in pairwise(times)]
        # The gap in front of block h stands at h - 2.
        before, after = gaps[height - 2 : from_height - 2], gaps[from_height - 2 :]
        assert max(before) < 10 and min(after) >= 20
        row = banks.shown(number, "min_interval_s")
        assert (row["value"], row["source"], row["from_height"]) == ("20", "chain", from_height)
        assert row["signers"] == ["Bank A", "Bank B"]
    assert f"chain v1, from block {from_height}" in banks.at(1)("config", "show").out
    # Whoever comes later reads headers first, and comes to the same.
    late = banks.world.add_node("late", NodePolicy(add_nodes=(banks.hosts[0].address,)))
    banks.hosts.append(late)
    tip = banks.hosts[0].node.view.tree.tip.height
    assert banks.world.wait(60 * SECOND_US, lambda: late.node.view.tree.tip.height >= tip)
    assert banks.shown(2, "min_interval_s") == banks.shown(0, "min_interval_s")
    assert banks.shown(2, "empty_after_s")["source"] == "record"


def test_what_cannot_be_signed_is_said(banks) -> None:
    for words, said in (
        (("nonsense=1",), "nonsense is no setting; there are min_interval_s, empty_after_s"),
        (("mempool_mb=4",), "mempool_mb is a number from 5 to 1000000, in MB, not '4'"),
        (("min_interval_s=5", "mempool_mb=50"), "all of one kind"),
        (("min_interval_s=0",), "from 1 to 86400"),
        (("mempool_mb",), "is no NAME=VALUE"),
        (("min_interval_s=5", "--from-height", "1"), "at the earliest"),
    ):
        refused = banks.at(0)("config", "propose", *words)
        assert refused.code != 0 and said in " ".join(f"{refused.out} {refused.err}".split()), refused
    assert json.loads(banks.at(0)("config", "list", "--json").out) == {"drafts": [], "pending": None}
    refused = banks.at(0)("config", "approve", "0" * 64)
    assert refused.code != 0 and "no drafts have a hash" in refused.out + refused.err


def test_networks_without_members_have_none(running) -> None:
    refused = running("config", "show")
    assert refused.code != 0 and "nobody signs the blocks of this network" in refused.out + refused.err
