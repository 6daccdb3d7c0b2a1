"""Who may connect, over real sockets: strangers, a bank that is expelled, one that is let in, a restart, and liars."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.unit.drivers.audit.audited import append, made, vote
from tests.unit.signers.banks import BANKS, KEYS, public
from tests.waiting import wait_until_async

from minicoin.app.build import Bind, NodeSetup
from minicoin.app.visit import visit
from minicoin.core.answers import CommandRefused
from minicoin.core.commands import AddNode, ApproveAdmission, ProposeAdmission
from minicoin.core.effects import Send
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.node_address import join_address, parse_node_address
from minicoin.core.notices import (
    AdmissionChanged,
    AdmissionContradicted,
    InboundLost,
    OwnAdmissionLost,
    PeerClosed,
    PeerOpened,
    PeerPenalised,
    PeerUnreachable,
)
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.rules import SignersKind
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.kinds import ADMISSION
from minicoin.core.records.messages import RecordValues
from minicoin.core.records.record import statement_record
from minicoin.core.signers.admission import (
    AdmissionRecord,
    AdmissionRow,
    AdmittedRole,
    admission_record,
    first_admission,
)
from minicoin.drivers.audit.verify import read_entries, verify_log
from minicoin.drivers.reports import AuditTroubled
from minicoin.drivers.resolver import Resolver
from minicoin.drivers.transport import TransportKind

from .node_under_test import NodeUnderTest, running_setup

SIXTH, STRANGER = 6, 9


def id_of(number: int) -> bytes:
    return Identity.from_number(number).peer_id.multihash


def row(number: int) -> AdmissionRow:
    """Of the bank whose node has this number."""
    return AdmissionRow(f"Bank {number}", AdmittedRole.SIGNER, public(KEYS[number - 1]), (id_of(number),))


SIXTH_ROW = AdmissionRow("Bank 6", AdmittedRole.OBSERVER, None, (id_of(SIXTH),))
FIRST = first_admission(map(row, range(1, 6)))
NETWORK = replace(
    REGTEST,
    name="five-banks",
    own_magic=None,
    own_messages=True,
    proof=SignersKind(BANKS.keys, tuple(f"Bank {n}" for n in range(1, 6)), admission=FIRST.encode()),
)


def setup(directory: Path, number: int, *dialled: NodeUnderTest, **policy) -> NodeSetup:
    return NodeSetup(
        NETWORK,
        directory / str(number),
        NodePolicy(add_nodes=tuple(map(address_of, dialled)), **policy),
        (Bind("127.0.0.1", 0),),
        identity=Identity.from_number(number),
        signing_keys=KEYS[number - 1 : number],
    )


def address_of(node: NodeUnderTest) -> NodeAddress:
    return parse_node_address(join_address(NodeAddress("127.0.0.1", node.port, node.core.view.policy.peer_id)), 1)


def ready(node: NodeUnderTest) -> set[bytes]:
    return {session.remote.peer_id for session in node.core.view.sessions.values() if session.is_ready}


def version(node: NodeUnderTest) -> int:
    return node.core.view.admission.state.current.version


def drafts(node: NodeUnderTest) -> list[tuple[int, int]]:
    """(version, signatures)."""
    return [(one.record.version, len(one.record.signatures)) for one in node.core.view.admission.drafts()]


def told(node: NodeUnderTest, kind: type) -> list:
    return [notice for notice in node.notices if isinstance(notice, kind)]


@asynccontextmanager
async def banks(directory: Path, count: int = 5) -> AsyncIterator[list[NodeUnderTest]]:
    """Their nodes, each connected to the first."""
    async with AsyncExitStack() as stack:
        nodes: list[NodeUnderTest] = []
        for number in range(1, count + 1):
            nodes.append(await stack.enter_async_context(running_setup(setup(directory, number, *nodes[:1]))))
        everybody = {id_of(number) for number in range(2, count + 1)}
        await wait_until_async(lambda: everybody <= ready(nodes[0]), "the banks' connections")
        yield nodes


async def agree(nodes: list[NodeUnderTest], proposal: ProposeAdmission, *, by: int = 4) -> None:
    """So many of them sign it, one after the other."""
    signed = await nodes[0].ask(proposal)
    for node in nodes[1:by]:
        await wait_until_async(lambda node=node: bool(drafts(node)), "the draft")
        await node.ask(ApproveAdmission(signed.version))


def record_of(record: AdmissionRecord, signers: int = 4):
    for key in KEYS[:signers]:
        record = record.signed_by(key, NETWORK.network_id)
    return statement_record(ADMISSION, record.version, record.body(), record.signatures)


def say(node: NodeUnderTest, peer: int, *records) -> None:
    """Have a node say to a peer what it never would."""
    conn = next(session.conn for session in node.core.view.sessions.values() if session.remote.peer_id == id_of(peer))
    node.built.runtime.network.send(Send(conn, RecordValues(tuple(records))))
    node.built.runtime.network.flush()


def test_a_stranger_learns_nothing_but_the_refusal(tmp_path: Path) -> None:
    async def main() -> None:
        async with banks(tmp_path, 1) as (bank,), running_setup(setup(tmp_path, STRANGER, bank)) as stranger:
            # Its own file does not admit it either, which changes nothing: it knocks all the same.
            await wait_until_async(lambda: bool(stranger.reasons(PeerUnreachable)), "the refusal")
            assert "does not admit this node" in stranger.reasons(PeerUnreachable)[0]
            assert not told(stranger, PeerOpened) and not told(bank, PeerOpened)
            name = Identity.from_number(STRANGER).peer_id
            await wait_until_async(lambda: f"peer {name} is not admitted" in bank.reasons(InboundLost), "the account")
            with pytest.raises(MisuseError, match="does not admit this node"):
                await visit(address_of(bank), 1, "/visitor/", Resolver(None))
            # Nor is it dialled, whoever asks for it.
            with pytest.raises(CommandRefused, match="not admitted"):
                await bank.ask(AddNode(address_of(stranger), permanent=False))

    trio.run(main)
    # Its bank can account for it, and for nothing that somebody else would learn by.
    refused = [
        read.entry.fields for read in read_entries(tmp_path / "1" / "audit") if read.entry.kind == "peer-refused"
    ]
    assert refused[0]["group"] == "127.0.0.0/16" and "is not admitted" in str(refused[0]["reason"])
    assert verify_log(tmp_path / "1" / "audit").broken is None


def test_a_node_whose_log_is_another_networks_runs_and_warns(tmp_path: Path) -> None:
    async def main() -> None:
        async with banks(tmp_path, 1) as (bank,):
            status = bank.built.audit.status()
            assert "not of this one" in status.trouble and "is not written" in status.warnings[0]
            await wait_until_async(lambda: bool(bank.reasons(AuditTroubled)), "the warning in its log")

    append(made(tmp_path / "1" / "audit"), [vote(1)])
    before = (tmp_path / "1" / "audit" / "000001.jsonl").read_bytes()
    trio.run(main)
    assert (tmp_path / "1" / "audit" / "000001.jsonl").read_bytes() == before


def test_an_expelled_bank_is_cut_off_told_why_and_let_in_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with banks(tmp_path) as nodes:
            first, fifth = nodes[0], nodes[4]
            await agree(nodes, ProposeAdmission((), ("Bank 5",)), by=3)
            assert id_of(5) in ready(first) and version(first) == 0
            await wait_until_async(lambda: drafts(nodes[3]) == [(1, 3)], "the third signature")
            answer = await nodes[3].ask(ApproveAdmission(1))
            assert answer.signatures == answer.quorum == 4
            assert any("counts in the 5" in line for line in answer.consequences)
            assert any("exactly a quorum" in line for line in answer.consequences)
            await wait_until_async(lambda: all(version(node) == 1 for node in nodes), "the first version")
            await wait_until_async(lambda: id_of(5) not in ready(first) and not ready(fifth), "its end")
            assert any("does not admit this node" in reason for reason in fifth.reasons(PeerClosed))
            # It has been told of the version, too, which says the same.
            assert told(fifth, OwnAdmissionLost) == [OwnAdmissionLost(1)]
            assert [(one.version, one.expelled, one.peers) for one in told(first, AdmissionChanged)] == [
                (1, ("Bank 5",), 4)
            ]
            assert {id_of(2), id_of(3), id_of(4)} <= ready(first)
            await wait_until_async(
                lambda: any("does not admit this node" in why for why in fifth.reasons(PeerUnreachable)), "a refusal"
            )
            await agree(nodes[:4], ProposeAdmission((row(5),), ()))
            await wait_until_async(lambda: id_of(5) in ready(first) and version(fifth) == 2, "its return")

    trio.run(main)


def test_a_sixth_is_let_in_and_a_restart_keeps_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with banks(tmp_path) as nodes, running_setup(setup(tmp_path, SIXTH, nodes[0])) as sixth:
            await wait_until_async(lambda: bool(sixth.reasons(PeerUnreachable)), "the refusal")
            await agree(nodes, ProposeAdmission((SIXTH_ROW,), ()))
            await wait_until_async(lambda: id_of(SIXTH) in ready(nodes[0]), "the sixth")
            await wait_until_async(lambda: version(sixth) == 1, "what it is told")
            assert nodes[0].core.view.admission.state.role_of(id_of(SIXTH)) is AdmittedRole.OBSERVER
        async with running_setup(setup(tmp_path, 1)) as first:
            assert version(first) == 1
            async with running_setup(setup(tmp_path, SIXTH, first)):
                await wait_until_async(lambda: id_of(SIXTH) in ready(first), "the sixth, again")

    trio.run(main)


def test_what_is_old_forged_or_signed_by_too_few_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with banks(tmp_path, 3) as nodes:
            first, second = nodes[:2]
            old = admission_record(1, 1, FIRST.hash, (*FIRST.rows[:3], SIXTH_ROW))
            new = admission_record(2, 1, FIRST.hash, FIRST.rows[:3])
            say(second, 1, record_of(new))
            await wait_until_async(lambda: all(version(node) == 2 for node in nodes), "the second version")
            say(second, 1, record_of(old), record_of(replace(new, version=3), signers=3), record_of(new))
            forged = record_of(replace(new, version=4))
            say(second, 1, replace(forged, value=replace(new, version=4, rows=FIRST.rows).body()))
            await wait_until_async(lambda: bool(told(first, PeerPenalised)), "the fault")
            assert version(first) == 2 and id_of(SIXTH) not in first.core.view.admission.state.peer_ids

    trio.run(main)


def test_two_contents_of_one_version_are_shown_and_a_later_one_heals(tmp_path: Path) -> None:
    async def main() -> None:
        async with banks(tmp_path, 3) as nodes:
            first, second, third = nodes
            one = admission_record(1, 1, FIRST.hash, FIRST.rows[:3])
            other = admission_record(1, 1, FIRST.hash, FIRST.rows[:4])
            say(second, 1, record_of(one))
            await wait_until_async(lambda: version(first) == 1, "the first content")
            say(third, 1, record_of(other))
            await wait_until_async(lambda: bool(told(first, AdmissionContradicted)), "the warning")
            (told_of,) = told(first, AdmissionContradicted)
            assert told_of.is_split and len(told_of.members) == 4
            assert first.core.view.admission.state.current.hash == one.hash
            assert "two contents of version 1" in first.core.view.admission.warnings()[0]
            say(second, 1, record_of(replace(one, version=2)))
            await wait_until_async(lambda: version(first) == 2, "the next version")

    trio.run(main)


def test_a_member_signs_one_content_of_a_version(tmp_path: Path) -> None:
    async def main() -> None:
        async with banks(tmp_path, 2) as nodes:
            first, second = nodes
            await first.ask(ProposeAdmission((SIXTH_ROW,), ()))
            # The second proposes before it has heard of the first's.
            second_signed = await second.ask(ProposeAdmission((), ("Bank 5",)))
            await wait_until_async(lambda: len(drafts(first)) == len(drafts(second)) == 2, "both drafts")
            if second_signed.version == 1:
                with pytest.raises(CommandRefused, match=r"2 contents of version 1|signed another content"):
                    await first.ask(ApproveAdmission(1, second_signed.hash))
            else:
                with pytest.raises(CommandRefused, match="signed another content of version 2"):
                    await second.ask(ApproveAdmission(1))
            assert (await first.ask(ProposeAdmission((), ("Bank 4",)))).version == second_signed.version + 1

    trio.run(main)


def test_plain_tcp_proves_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        plain = replace(setup(tmp_path, 1), binds=(Bind("127.0.0.1", 0, TransportKind.PLAIN),))
        with pytest.raises(MisuseError, match="plain TCP cannot prove"):
            async with running_setup(plain):
                raise AssertionError("it must not start")

    trio.run(main)
