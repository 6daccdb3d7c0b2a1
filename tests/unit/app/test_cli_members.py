"""`minicoin members` beside a node of a consortium, against a member of which there is evidence."""

import pytest
from tests.unit.admission.worlds import banks_world
from tests.unit.app.conftest import SimulatedClient
from tests.unit.rpc.methods.test_evidence import bring, lie

from minicoin.app import invocation
from minicoin.rpc.dispatch import Dispatcher
from minicoin.rpc.table import METHODS
from minicoin.testing.host_port import HostPort


@pytest.fixture
def bank(cli, monkeypatch):
    world, hosts = banks_world(b"app members")
    cli.port = HostPort(world, hosts[0], cli.datadir)
    client = SimulatedClient(Dispatcher(METHODS, cli.port))
    monkeypatch.setattr(invocation, "RpcClient", lambda place: client)
    return cli


def test_evidence_is_shown_until_it_is_seen_and_then_too(bank) -> None:
    assert "there is no evidence" in bank("members", "evidence").out
    assert "there is no evidence" in bank("members", "evidence", "--seen").out
    bring(bank.port, lie(bank.port.world))
    assert "evidence against Bank A: minicoin members evidence" in bank("members", "list").out
    shown = bank("members", "evidence").out
    assert "Bank A" in shown and "two prevotes at height 1 in round 7" in shown and " no" in shown
    bank("members", "evidence", "--seen")
    assert " yes" in bank("members", "evidence").out
    (found,) = bank("members", "evidence", "--json").json
    assert found["seen"] is True and found["kind"] == "votes"
