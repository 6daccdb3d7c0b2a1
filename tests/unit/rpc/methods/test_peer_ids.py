"""Where a peer is, telling it something, and the model, as clients see it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from tests.unit.rpc.conftest import Caller

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

SECOND_US = 1_000_000


def callers(tmp_path, network, count, **settings):
    verifier = KernelVerifier(1)
    world = World(network, verifier, uniform(20_000), WorldSettings(b"peer ids", encodes=True, **settings))
    alone = NodePolicy(connect=())
    made = [Caller(HostPort(world, world.add_node(policy=alone), tmp_path)) for _ in range(count)]
    for near, far in pairwise(made):
        near("addnode", str(far.port.host.address).split("/")[0], "add")
    world.run(world.now + 5 * SECOND_US)
    yield made
    verifier.close()


@pytest.fixture
def line(tmp_path):
    """Three nodes in a line whose network has messages of its own."""
    yield from callers(tmp_path, replace(REGTEST, own_messages=True), 3, has_peer_ids=True)


def peer_id(caller):
    return encode_base58(caller.port.host.address.peer_id)


def test_a_letter_is_delivered_and_listed(line) -> None:
    near, middle, far = line
    told = near("tellpeer", peer_id(far), "good morning")
    assert (told["outcome"], told["hops"], told["reason"]) == ("delivered", 2, None)
    assert told["says"] == "delivered in 2 hops: the addressee signed that it has it"
    (letter,) = far("listletters")
    assert (letter["from"], letter["text"], letter["id"]) == (peer_id(near), "good morning", told["id"])
    assert letter["written"] <= letter["received"] <= letter["written"] + 2
    assert near("listletters") == middle("listletters") == []
    again = near("tellpeer", peer_id(far), "good morning", told["id"])
    assert again == told and len(far("listletters")) == 1
    assert near("tellpeer", peer_id(middle), "hello")["says"].startswith("delivered in 1 hop: ")


def test_nobody_there_is_a_maybe_and_nobody_at_all_a_failure(line) -> None:
    near, _, far = line
    stranger = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"
    told = near("tellpeer", stranger, "hello")
    assert (told["outcome"], told["neighbours"]) == ("maybe", 1)
    assert told["says"] == (
        "maybe: no way to the addressee is known; passed on to 1 neighbour, and no receipt came back"
    )
    near("setnetworkactive", False)
    near.port.pass_time(SECOND_US)
    told = near("tellpeer", peer_id(far), "hello")
    assert (told["outcome"], told["failed_hop"], told["reason"]) == ("failed", 1, "no-way")
    assert told["says"].startswith("failed at hop 1 of at most 3: nobody there knows a way to the addressee; it may")


def test_where_a_peer_is(line) -> None:
    near, middle, far = line
    found = near("findpeer", peer_id(middle))
    assert (found["known_by"], found["certain"]) == ("connected", True)
    assert found["addresses"] == [f"/ip4/{middle.port.host.address.host}/tcp/8333/p2p/{peer_id(middle)}"]
    unknown = near("findpeer", "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5")
    assert (unknown["addresses"], unknown["known_by"], unknown["certain"]) == ([], None, False)
    # Of one that has dialled us we know where it listens once it has said so.
    found = far("findpeer", "/p2p/" + peer_id(middle))
    assert (found["known_by"], found["addresses"]) == (
        "connected",
        [f"/ip4/{middle.port.host.address.host}/tcp/8333/p2p/{peer_id(middle)}"],
    )


def test_the_model_and_the_roles_in_it(line) -> None:
    _, middle, far = line
    shown = middle("getoverlay")
    assert (shown["model"], shown["role"], shown["letters"], shown["says"]) == ("random", "member", True, "")
    assert [near["peerid"] for near in shown["neighbours"]] == [peer["peerid"] for peer in middle("getpeerinfo")]
    info = far("getnetworkinfo")
    assert (info["overlay"], info["overlay_role"], info["letters"]) == ("random", "member", True)
    assert [peer["overlay_role"] for peer in far("getpeerinfo")] == [""]


def test_what_is_no_peer_id_no_text_and_no_id(line) -> None:
    near, middle, _ = line
    assert near.refusal("findpeer", "nobody") == (-5, "not a peer id: 'nobody' (not a peer id: 'nobody')")
    assert near.refusal("tellpeer", peer_id(middle), "two\nlines")[0] == -8
    assert near.refusal("tellpeer", peer_id(middle), "x" * 1_025)[1].startswith("a letter's text of 1025 bytes")
    assert near.refusal("tellpeer", peer_id(middle), "x", "ab")[0] == -8
    assert near.refusal("tellpeer", peer_id(middle), "x", "g" * 32)[0] == -8
    assert near.refusal("tellpeer", peer_id(near), "x") == (-8, "that is the peer id of this node itself")


def test_without_own_messages_or_peer_ids_it_says_what_to_do(tmp_path, rpc) -> None:
    somebody = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"
    assert rpc.refusal("tellpeer", somebody, "x") == (
        -1,
        "this node has no peer id, as on plain TCP: start it on libp2p, where peers prove who they are",
    )
    assert rpc("getoverlay")["letters"] is False and rpc("listletters") == []
    for one, _ in callers(tmp_path, REGTEST, 2, has_peer_ids=True):
        assert "own_messages = true" in one.refusal("tellpeer", somebody, "x")[1]
        assert one("findpeer", somebody)["known_by"] is None
