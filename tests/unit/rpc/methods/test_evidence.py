"""Evidence, as an operator reads it and says that it was seen."""

import pytest
from tests.unit.admission.worlds import KEYS, banks_world
from tests.unit.rpc.conftest import Caller

from minicoin.core.events import RecordsHeard
from minicoin.core.primitives.block import BlockHash
from minicoin.core.records.record import evidence_record
from minicoin.core.signers.evidence import TwoVotes, decode_evidence
from minicoin.core.signers.votes import Vote, VoteKind, sign_vote
from minicoin.testing.certified_chain import public
from minicoin.testing.host_port import HostPort
from minicoin.world.world import World


def lie(world: World, number: int = 0) -> TwoVotes:
    """Two votes of a bank for one slot of the height to come."""
    blocks = (BlockHash(b"b" * 32), BlockHash(b"c" * 32))
    votes = (Vote(VoteKind.PREVOTE, 1, 7, block, bytes(32)) for block in blocks)
    one, other = (sign_vote(vote, KEYS[number], world.network.network_id) for vote in votes)
    return TwoVotes(one, other)


def bring(port: HostPort, found: TwoVotes) -> None:
    """To one node, as somebody outside the network holds it."""
    port.world.loop.handle(port.host, RecordsHeard("test", (evidence_record(found).encode(),)))


@pytest.fixture
def two(tmp_path):
    world, hosts = banks_world(b"rpc evidence")
    return [Caller(HostPort(world, host, tmp_path)) for host in hosts]


def test_there_is_none_at_first(two) -> None:
    assert two[0]("getevidence") == []
    assert two[0]("getconsensusinfo")["evidence"] == 0


def test_it_reaches_both_is_warned_of_and_acknowledged(two) -> None:
    one, other = two
    found = lie(one.port.world)
    bring(one.port, found)
    one.port.pass_time(5_000_000)
    for caller in two:
        (shown,) = caller("getevidence")
        assert (shown["kind"], shown["height"], shown["seen"]) == ("votes", 1, False)
        assert shown["member"] == {"name": "Bank A", "key": public(KEYS[0]).hex()}
        assert decode_evidence(bytes.fromhex(shown["hex"])).encode() == found.encode()
        assert any("minicoin members evidence" in warning for warning in caller("getblockchaininfo")["warnings"])
        assert [row["evidence"] for row in caller("listmembers")["members"]] == [1, 0]
        assert caller("getconsensusinfo")["evidence"] == 1
    assert one("acknowledgeevidence", 1) is None
    assert one("getevidence")[0]["seen"] and not other("getevidence")[0]["seen"]
    assert not any("members evidence" in warning for warning in one("getblockchaininfo")["warnings"])
    assert "there are 1 pieces" in one.refusal("acknowledgeevidence", 2)[1]
