from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.rpc.conftest import Caller

from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World


def callers(tmp_path: Path, founders: int, quorum: int) -> tuple[World, list[Caller]]:
    """Two connected nodes, the first so many of which are founders."""
    settings = WorldSettings(b"records", encodes=True, has_peer_ids=True)
    ids = World(REGTEST, KernelVerifier(1), uniform(20_000), settings)
    peer_ids = [ids.add_host().identity.peer_id.multihash for _ in range(2)]
    network = replace(
        REGTEST,
        own_messages=True,
        founders=tuple(peer_ids[:founders]),
        founder_quorum=quorum,
        alert_keys=tuple(peer_ids[:1]),
    )
    world = World(network, KernelVerifier(1), uniform(20_000), settings)
    one = world.add_node("one")
    other = world.add_node("other", NodePolicy(add_nodes=(one.address,)))
    assert world.wait(30 * SECOND_US, lambda: bool(other.node.view.sessions))
    world.wait(5 * SECOND_US, lambda: False)
    return world, [Caller(HostPort(world, host, tmp_path)) for host in (one, other)]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Caller, Caller]]:
    yield tuple(callers(tmp_path, 2, 2)[1])


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Caller, Caller]:
    """For calls that are refused."""
    return tuple(callers(tmp_path_factory.mktemp("refusing"), 2, 2)[1])


def peer_id(caller: Caller) -> str:
    return str(caller.port.host.identity.peer_id)


def test_a_record_is_put_shown_and_known_to_the_other(two) -> None:
    one, other = two
    put = one("putrecord", "status", "load", "3")
    assert (put["kind"], put["key"], put["text"], put["hex"], put["missing"]) == ("status", "load", "3", "33", 0)
    assert put["signers"] == [peer_id(one)]
    assert put["expires"] == put["time"] + 3_600 + (put["version"] % 1_000_000 > 0)
    other.port.pass_time(1_000_000)
    known = {name: value for name, value in put.items() if name not in ("missing", "record")}
    assert other("getrecord", "status", peer_id(one), "load") == known
    assert other("listrecords") == other("listrecords", "status") == [known]
    assert other("listrecords", "alert") == []


def test_a_newer_one_takes_its_place(two) -> None:
    one, _ = two
    first, second = one("putrecord", "status", "", "a"), one("putrecord", "status", "", "b", 60)
    assert second["version"] > first["version"]
    assert second["expires"] - second["time"] in (60, 61)
    assert [row["text"] for row in one("listrecords")] == ["b"]


def test_bytes_that_are_no_text_are_hex_only(two) -> None:
    one, _ = two
    for value in ("00ff", "1b5b324a"):
        assert one("putrecord", "status", "", value, None, True)["hex"] == value
        assert "text" not in one("getrecord", "status", peer_id(one))


def test_pages(two) -> None:
    one, _ = two
    for number in range(5):
        one("putrecord", "status", str(number), "x")
    assert [row["key"] for row in one("listrecords", "", 2, 1)] == ["1", "2"]
    assert one("listrecords", "", 100, 5) == []


def test_founders_sign_one_after_the_other(two) -> None:
    one, other = two
    half = one("putrecord", "config", "limits", "x = 1")
    assert half["missing"] == 1
    assert one("listrecords", "config") == []
    whole = other("signrecord", half["record"])
    assert whole["missing"] == 0
    assert whole["signers"] == sorted(map(peer_id, two), key=lambda text: whole["signers"].index(text))
    one.port.pass_time(1_000_000)
    assert one("getrecord", "config", "", "limits")["text"] == "x = 1"
    assert one("getrecord", "config", "", "limits")["expires"] is None


@pytest.mark.parametrize(
    ("method", "params", "code", "text"),
    [
        (
            "putrecord",
            ("news", "", "x"),
            -8,
            "no records of kind 'news'; there are status, super, alert, change, settings-change, config",
        ),
        ("putrecord", ("status", "", "x" * 1_025), -8, "1025 bytes are too long"),
        ("putrecord", ("status", "a b", "x"), -8, "no spaces"),
        ("putrecord", ("status", "", "x", 3_601), -8, "lives 1 to 3600 seconds"),
        ("putrecord", ("status", "", "xyz", None, True), -8, "hex"),
        ("signrecord", ("00",), -8, "record"),
        ("getrecord", ("news",), -8, "there are status, super, alert, change, settings-change, config"),
        ("getrecord", ("status", "nobody"), -8, "not a peer id"),
        ("getrecord", ("config", "", "nothing"), -5, "this node has no config record with key 'nothing'"),
        ("listrecords", ("news",), -8, "there are status, super, alert, change, settings-change, config"),
        ("listrecords", ("", 0), -8, "count"),
    ],
)
def test_what_is_wrong_is_said(unchanged, method, params, code, text) -> None:
    refused = unchanged[0].refusal(method, *params)
    assert refused[0] == code
    assert text in refused[1]


def test_an_alert_is_a_warning_of_every_node_until_it_expires(two) -> None:
    one, other = two
    assert other("getnetworkinfo")["warnings"] == []
    one("putrecord", "alert", "fork", "upgrade now", 60)
    one("putrecord", "alert", "bell", "1b5b324a", 60, True)
    other.port.pass_time(1_000_000)
    told = [f"alert by {peer_id(one)}: {text}" for text in ("upgrade now", "0x1b5b324a")]
    for method in ("getnetworkinfo", "getblockchaininfo", "getmininginfo"):
        assert other(method)["warnings"] == told
    other.port.pass_time(62_000_000)
    assert other("getnetworkinfo")["warnings"] == []


def test_who_may_not_sign_is_told(unchanged) -> None:
    code, text = unchanged[1].refusal("putrecord", "alert", "", "upgrade now")
    assert code == -8
    assert f"{peer_id(unchanged[1])} is not among the network file's alert_keys" in text


def test_where_no_records_are_exchanged_every_method_says_so(rpc) -> None:
    for call in (
        ("listrecords",),
        ("getrecord", "status", "x"),
        ("putrecord", "status", "", "x"),
        ("signrecord", "00"),
    ):
        code, text = rpc.refusal(*call)
        assert code == -1
        assert "own_messages = true" in text
