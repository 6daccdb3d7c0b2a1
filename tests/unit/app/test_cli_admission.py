"""`minicoin admission` beside a node of a consortium."""

import pytest
from tests.unit.admission.worlds import KEYS, banks_world
from tests.unit.app.conftest import SimulatedClient

from minicoin.app import invocation
from minicoin.core.libp2p.identity import Identity
from minicoin.rpc.dispatch import Dispatcher
from minicoin.rpc.table import METHODS
from minicoin.testing.certified_chain import public
from minicoin.testing.host_port import HostPort

NEW, OTHER = (str(Identity.from_number(number).peer_id) for number in (77, 78))


@pytest.fixture
def banks(cli, monkeypatch):
    """The command line, and which bank's node it speaks to."""
    world, hosts = banks_world(b"app admission")

    def at(number):
        cli.port = HostPort(world, hosts[number], cli.datadir)
        client = SimulatedClient(Dispatcher(METHODS, cli.port))
        monkeypatch.setattr(invocation, "RpcClient", lambda place: client)
        return cli

    return at


def test_a_draft_is_proposed_approved_and_listed(banks) -> None:
    one = banks(0)
    assert "Auditor" in one("admission", "list").out
    proposed = one("admission", "propose", "--observer", f"Sixth,{NEW},{OTHER}", "--expel", "Auditor")
    assert proposed.code == 0
    assert "signed version 1 (" in proposed.out and "1 more must sign: minicoin admission approve 1" in proposed.out
    other = banks(1)
    other.port.pass_time(2_000_000)
    listed = other("admission", "list").out
    assert "draft of version 1 (" in listed and "Sixth (observer, 2)" in listed
    assert "it holds now" in other("admission", "approve", "1").out
    other.port.pass_time(2_000_000)
    assert NEW in other("admission", "list").out and "draft" not in other("admission", "list").out
    history = other("admission", "history").out
    assert "the network file" in history and "2 members" in history


def test_consequences_are_said(banks) -> None:
    told = banks(0)("admission", "propose", "--expel", "Bank 1").out
    assert "note: Bank 1 is left out and stays a member" in told
    again = banks(0)("admission", "list").out
    assert "Bank 1 is left out and stays a member" in again


def test_a_split_is_shown(banks) -> None:
    one = banks(0)
    first, network_id = one.port.network.admission, one.port.network.network_id
    state = one.port.host.node.view.admission.state
    record = first.__class__(1, 1, first.hash, first.rows[1:])
    state.take(record.signed_by(KEYS[0], network_id))
    state.note_split(first.__class__(1, 1, first.hash, first.rows).signed_by(KEYS[0], network_id))
    history = one("admission", "history").out
    assert "two contents of version 1" in history and public(KEYS[0]).hex() in history
    assert "warning: two contents of version 1" in one("admission", "list").out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--signer", "Sixth"), "NAME,KEY,ID..."),
        (("--observer", "Sixth"), "NAME,ID..."),
        (("--observer", "Sixth,nobody"), "peer id"),
        ((), "say whom"),
    ],
)
def test_what_is_written_wrong_says_how(banks, words, why) -> None:
    refused = banks(0)("admission", "propose", *words)
    assert refused.code != 0 and why in refused.err
