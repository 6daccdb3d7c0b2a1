"""Who may connect, as members of a network draft, approve and read it."""

import pytest
from tests.unit.admission.worlds import KEYS, banks_world
from tests.unit.rpc.conftest import Caller

from minicoin.core.libp2p.identity import Identity
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.testing.certified_chain import public
from minicoin.testing.host_port import HostPort

NEW = str(Identity.from_number(77).peer_id)


@pytest.fixture
def two(tmp_path):
    world, hosts = banks_world(b"rpc admission")
    return [Caller(HostPort(world, host, tmp_path)) for host in hosts]


def test_the_network_files_version_is_shown(two) -> None:
    found = two[0]("getadmission")
    assert (found["version"], found["signers"], found["drafts"], found["signed"]) == (0, [], [], None)
    assert [(bank["name"], bank["role"], bank["member"]) for bank in found["banks"]] == [
        ("Auditor", "observer", None),
        ("Bank 0", "signer", public(KEYS[0]).hex()),
        ("Bank 1", "signer", public(KEYS[1]).hex()),
    ]
    assert AdmissionRecord.decode(bytes.fromhex(found["hex"])).hash.hex() == found["hash"]
    assert found["warnings"] == []
    history = two[0]("getadmissionhistory")
    assert [one["version"] for one in history["versions"]] == [0] and history["split"] is None


def test_one_proposes_the_other_approves_and_it_holds(two) -> None:
    one, other = two
    proposed = one("proposeadmission", [{"name": "Sixth", "peerids": [NEW]}], ["Auditor"])
    assert (proposed["version"], proposed["signatures"], proposed["quorum"], proposed["missing"]) == (1, 1, 2, 1)
    other.port.pass_time(2_000_000)
    (draft,) = other("getadmission")["drafts"]
    assert (draft["version"], draft["hash"], draft["missing"]) == (1, proposed["hash"], 1)
    approved = other("approveadmission", 1, proposed["hash"][:8])
    assert (approved["signatures"], approved["missing"]) == (2, 0)
    one.port.pass_time(2_000_000)
    for caller in two:
        found = caller("getadmission")
        assert found["version"] == 1 and found["drafts"] == []
        assert [bank["name"] for bank in found["banks"]] == ["Bank 0", "Bank 1", "Sixth"]
        assert found["banks"][2]["peerids"] == [NEW] and len(found["signers"]) == 2
    assert one("getadmission")["signed"] == {"version": 1, "hash": proposed["hash"]}
    assert [record["signers"] for record in one("listrecords", "admission")] == [found["signers"]]


def test_expelling_a_member_says_what_it_means(two) -> None:
    proposed = two[0]("proposeadmission", [], ["Bank 1"])
    assert "it counts in the 2 until" in proposed["consequences"][0]
    assert "none would come" in proposed["consequences"][1]


def test_two_contents_are_shown_with_who_signed_both(two) -> None:
    one = two[0]
    first, network_id = one.port.network.admission, one.port.network.network_id
    state = one.port.host.node.view.admission.state

    def signed(record):
        for key in KEYS:
            record = record.signed_by(key, network_id)
        return record

    state.take(signed(AdmissionRecord(1, 1, first.hash, first.rows[1:])))
    state.note_split(signed(AdmissionRecord(1, 1, first.hash, first.rows)))
    split = one("getadmissionhistory")["split"]
    assert split["version"] == 1 and len(split["contents"]) == 2
    assert split["members"] == sorted(public(key).hex() for key in KEYS)
    assert "two contents of version 1" in one("getadmission")["warnings"][0]


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ([[]], "say whom"),
        ([["Bank"]], "a bank is an object"),
        ([[{"name": "A", "peerids": [NEW], "who": 1}]], "a bank is an object"),
        ([[{"peerids": [NEW]}]], "name is a string"),
        ([[{"name": "A"}]], "peerids of A is an array"),
        ([[{"name": "A", "peerids": ["nobody"]}]], "peer id"),
        ([[{"name": "A", "role": "boss", "peerids": [NEW]}]], "a role is signer or observer"),
        ([[{"name": "A", "member": "12", "peerids": [NEW]}]], "64 hexadecimal digits"),
        ([[{"name": "A", "member": "ff" * 32, "peerids": [NEW]}]], "is no public key"),
        ([[], [1]], "expelled is a string"),
    ],
)
def test_what_makes_no_sense_says_why(two, params, why) -> None:
    assert why in two[0].refusal("proposeadmission", *params)[1]


def test_where_anybody_may_connect_there_is_nothing_to_show(rpc) -> None:
    for call in (("getadmission",), ("getadmissionhistory",), ("approveadmission", 1), ("proposeadmission", [], ["A"])):
        assert "anybody may connect" in rpc.refusal(*call)[1]
