"""`minicoin records` beside a node of a network with records, and beside one of a network without."""

import json
import re
from dataclasses import replace

import pytest
from tests.unit.app.conftest import SimulatedClient

from minicoin.app import invocation
from minicoin.core.params.builtin import REGTEST
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.dispatch import Dispatcher
from minicoin.rpc.table import METHODS
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World


@pytest.fixture
def keeping(cli, monkeypatch):
    """The command line beside a running node that keeps records and is one of two founders."""
    settings = WorldSettings(b"app records", encodes=True, has_peer_ids=True)
    own = World(REGTEST, KernelVerifier(1), uniform(20_000), settings).add_host().identity.peer_id.multihash
    founders = (own, b"\0\x24\x08\x01\x12\x20" + bytes(32))
    network = replace(REGTEST, own_messages=True, founders=founders, founder_quorum=2)
    world = World(network, KernelVerifier(1), uniform(20_000), settings)
    cli.port = HostPort(world, world.add_node("one"), cli.datadir)
    client = SimulatedClient(Dispatcher(METHODS, cli.port))
    monkeypatch.setattr(invocation, "RpcClient", lambda place: client)
    return cli


def test_put_list_and_show(keeping) -> None:
    assert keeping("records", "list").out == "no records\n"
    put = keeping("records", "put", "status", "load 3", "--key", "load", "--seconds", "60")
    assert put.code == 0
    assert re.search(r"says +load 3\n", put.out)
    peer_id = str(keeping.port.host.identity.peer_id)
    listed = keeping("records", "list").out
    assert re.search(rf"status +load +load 3 +\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC +{peer_id}", listed)
    assert keeping("records", "list", "alert").out == "no records\n"
    shown = keeping("records", "show", "status", peer_id, "load")
    assert f"signed by  {peer_id}" in shown.out
    assert keeping("records", "show", "status", peer_id, "load", "--json").json["text"] == "load 3"


def test_bytes_that_are_no_text_never_reach_the_terminal_as_such(keeping) -> None:
    assert keeping("records", "put", "status", "1b5b324a", "--hex").code == 0
    assert "0x1b5b324a" in keeping("records", "list").out


def test_what_others_must_sign_is_handed_on(keeping) -> None:
    told = keeping("records", "put", "config", "x = 1").out
    record = re.fullmatch(r"signed; 1 more must sign it: minicoin records sign ([0-9a-f]+)\n", told)[1]
    again = keeping("records", "sign", record)
    assert "1 more must sign it" in again.out
    assert json.loads(keeping("records", "sign", record, "--json").out)["missing"] == 1
    assert keeping("records", "list").out == "no records\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("put", "news", "x"), "no records of kind 'news'; there are status, super, alert, change, settings-change"),
        (("put", "status", "x" * 1_025), "too long"),
        (("put", "alert", "x"), "alert_keys"),
        (("show", "status", "12D3KooWQzh94LCsDcPSSxYBDVZjquTKwKqpH4Lb9fxvMFDgckur"), "this node has no status record"),
        (("sign", "00"), "record"),
    ],
)
def test_what_is_wrong_is_one_line(keeping, words, text) -> None:
    ran = keeping("records", *words)
    assert ran.code == 1
    assert text in ran.err
    assert ran.err.count("\n") == 1


def test_a_network_without_records_says_so(running) -> None:
    for words in (("list",), ("put", "status", "x"), ("show", "status", "x")):
        ran = running("records", *words)
        assert ran.code == 1
        assert "own_messages = true" in ran.err
