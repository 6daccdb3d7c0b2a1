"""Whole nodes with records: an answer is a promise of the disk, peers hear of it, and a crash loses nothing."""

from dataclasses import replace

import pytest
from tests.unit.records.world import ALICE, BOB, DAVE, NOW, record_of, signer_of
from tests.unit.worlds import make_world

from minicoin.core.answers import CommandRefused, Reason, RecordSigned
from minicoin.core.commands import PutRecord, SetBan, SignRecord, Stop
from minicoin.core.effects import Reply, SaveState, Send
from minicoin.core.events import CommandReceived, ConnectionOpened, MessageReceived, Saved
from minicoin.core.header_only.assemble import assemble_header_only
from minicoin.core.node.assemble import DocumentDamaged, NodeState, assemble_node
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import Role
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.document import RECORDS_KEY, decode_records
from minicoin.core.records.messages import RecordValues
from minicoin.core.records.record import decode_record
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros
from minicoin.core.wire.messages import NetAddress, Verack, Version
from minicoin.core.wire.messages_extension import Offer
from minicoin.drivers.kernel import KernelVerifier

PLAIN = lookup("regtest")
NETWORK = replace(PLAIN, own_messages=True)
POLICY = NodePolicy(connect=(), use_dns_seeds=False)


class Alone:
    """One node of either kind; what it saves is written when the test says so."""

    def __init__(self, identity=DAVE, *, network=NETWORK, documents=None, now=NOW, role=Role.FULL):
        self.now = now
        state = NodeState(documents=dict(documents or {}))
        policy = replace(POLICY, role=role)
        if role is Role.FULL:
            self.node = assemble_node(network, policy, state, Rng(b"alone"), Rng(b"keys").bytes, now, identity=identity)
            self.node.start(None, now)
        else:
            self.node = assemble_header_only(network, policy, state, Rng(b"alone"), now, identity=identity)
            self.node.start(now)
        self.effects = []
        self.drain()

    def drain(self):
        self.effects += self.node.drain_effects()

    def handle(self, event):
        self.node.handle(event, self.now)
        self.drain()

    def command(self, command, request=1):
        self.handle(CommandReceived(request, command))
        return self.answer(request)

    def answer(self, request=1):
        return next((one.answer for one in self.effects if isinstance(one, Reply) and one.request == request), None)

    def saves(self):
        return [one for one in self.effects if isinstance(one, SaveState) and one.key == RECORDS_KEY]

    def meet(self, conn):
        self.handle(ConnectionOpened(conn, NodeAddress("192.0.2.7", 40_000 + conn), True, None))
        version = Version(70016, 9, self.now // SECOND_US, NetAddress(), NetAddress(), 1_000 + conn, "/scripted/", 0)
        ours = Offer((("records", 1), ("recdigest", 1), ("recdelta", 1)))
        for message in (version, Verack(), ours):
            self.handle(MessageReceived(conn, message, 100))

    def sent(self, kind):
        return [one.message for one in self.effects if isinstance(one, Send) and isinstance(one.message, kind)]


@pytest.fixture(params=[Role.FULL, Role.HEADERS])
def alone(request):
    return Alone(role=request.param)


def test_a_record_is_answered_when_it_is_on_disk_and_not_before(alone) -> None:
    assert alone.command(PutRecord("status", "load", b"3")) is None
    (save,) = alone.saves()
    (held,) = decode_records(save.value, NETWORK.network_id)
    alone.handle(Saved("peers"))
    assert alone.answer() is None
    alone.handle(Saved(RECORDS_KEY))
    answer = alone.answer()
    assert decode_record(answer.encoded) == held.record
    assert (answer.version, answer.missing) == (NOW, 0)
    assert answer.expires_s * SECOND_US == NOW + 60 * MINUTE_US


def test_a_disk_that_refuses_is_heard_of(alone) -> None:
    alone.command(PutRecord("status", "", b"x"))
    alone.handle(Saved(RECORDS_KEY, "no space left"))
    assert alone.answer().reason is Reason.NOT_SAVED


@pytest.mark.parametrize(
    ("identity", "network", "command", "text"),
    [
        (DAVE, PLAIN, PutRecord("status", "", b""), "does not say own_messages = true"),
        (None, NETWORK, PutRecord("status", "", b""), "no identity to sign with"),
        (DAVE, NETWORK, PutRecord("alert", "", b""), "not among the network file's alert_keys"),
        (DAVE, NETWORK, PutRecord("news", "", b""), "no records of kind 'news'"),
        (DAVE, NETWORK, PutRecord("status", "", bytes(2_000)), "too long for a record of kind status"),
        (DAVE, NETWORK, PutRecord("status", "a b", b""), "no spaces"),
        (DAVE, NETWORK, PutRecord("status", "", b"", life_s=0), "lives 1 to 3600 seconds"),
        (DAVE, NETWORK, SignRecord(b"nonsense"), "record"),
        (DAVE, NETWORK, SignRecord(record_of(ALICE).encode()), "has one signer"),
    ],
)
@pytest.mark.parametrize("role", [Role.FULL, Role.HEADERS])
def test_what_cannot_be_signed_says_why_and_is_held_nowhere(identity, network, command, text, role) -> None:
    alone = Alone(identity, network=network, role=role)
    assert text in alone.command(command).text
    assert alone.saves() == []


def test_founders_sign_one_after_the_other_and_the_last_one_publishes() -> None:
    network = replace(NETWORK, founders=(signer_of(ALICE), signer_of(BOB)), founder_quorum=2)
    alice, bob = Alone(ALICE, network=network), Alone(BOB, network=network)
    half = alice.command(PutRecord("config", "blocks", b"one a minute"))
    assert isinstance(half, RecordSigned)
    assert half.missing == 1
    assert alice.saves() == []
    assert bob.command(SignRecord(half.encoded)) is None
    bob.handle(Saved(RECORDS_KEY))
    assert bob.answer().missing == 0
    (record,) = bob.node.view.records.of_kind("config")
    assert [one.signer for one in record.signatures] == sorted((signer_of(ALICE), signer_of(BOB)))


def test_versions_rise_through_a_crash_also_where_the_clock_went_back() -> None:
    before = Alone()
    before.command(PutRecord("status", "", b"x"))
    documents = {RECORDS_KEY: before.saves()[-1].value}
    after = Alone(documents=documents, now=Micros(NOW - MINUTE_US))
    after.command(PutRecord("status", "", b"y"))
    after.handle(Saved(RECORDS_KEY))
    assert after.answer().version == NOW + 1
    # And with the disk lost as well: the time has gone on.
    assert Alone(now=Micros(NOW + 1)).node.view.records.snapshot().records == 0


def test_a_damaged_document_is_named() -> None:
    with pytest.raises(DocumentDamaged) as caught:
        Alone(documents={RECORDS_KEY: b"nonsense"})
    assert caught.value.key == RECORDS_KEY


def test_what_others_wrote_is_written_down_at_the_stop(alone) -> None:
    alone.meet(1)
    record = record_of(ALICE, network_id=NETWORK.network_id)
    alone.handle(MessageReceived(1, RecordValues((record,)), 100))
    alone.command(Stop())
    (held,) = decode_records(alone.saves()[-1].value, NETWORK.network_id)
    assert held.record == record
    assert held.group == b"\x70\xc0\x00\x02\x07"


def test_a_forger_pays_and_who_tells_the_past_does_not(alone) -> None:
    alone.meet(1)
    record = record_of(ALICE, network_id=NETWORK.network_id)
    for told in (record, record, record_of(BOB, version=NOW - MINUTE_US, life_us=SECOND_US)):
        alone.handle(MessageReceived(1, RecordValues((told,)), 100))
    assert "forged" not in str(alone.effects)
    alone.handle(MessageReceived(1, RecordValues((replace(record, version=NOW + 1),)), 100))
    assert "forged record of kind status" in str(alone.effects)


def test_what_the_command_wrote_goes_to_peers_in_the_same_event(alone) -> None:
    alone.meet(1)
    alone.command(PutRecord("status", "", b"x"))
    assert [message.records[0].value for message in alone.sent(RecordValues)] == [b"x"]


def test_a_network_without_own_messages_has_nothing_of_all_this() -> None:
    alone = Alone(network=PLAIN)
    alone.meet(1)
    assert alone.node.view.records is None
    assert alone.sent(Offer) == []
    with pytest.raises(CommandRefused, match="own_messages"):
        raise CommandRefused(Reason.UNABLE, alone.command(PutRecord("status", "", b"")).text)
    assert alone.command(SetBan("192.0.2.9", 2_000_000_000), request=2) is not None


# --- many nodes ---


def test_nodes_tell_each_other_and_those_who_come_later() -> None:
    world = make_world(NETWORK, KernelVerifier(1), b"records", has_peer_ids=True)
    first = world.add_node("first")
    second = world.add_node("second", NodePolicy(add_nodes=(first.address,)))
    third = world.add_node("third", NodePolicy(add_nodes=(second.address,)))
    hosts = [first, second, third]

    def have(count):
        return lambda: all(len(host.node.view.records) == count for host in hosts)

    assert world.wait(30 * SECOND_US, lambda: len(second.node.view.sessions) == 2)
    answer = world.ask(first, PutRecord("status", "", b"up"))
    assert world.wait(5 * SECOND_US, have(1))
    late = world.add_node("late", NodePolicy(add_nodes=(third.address,)))
    hosts.append(late)
    assert world.wait(30 * SECOND_US, have(1))
    world.ask(late, PutRecord("super", "", b"7 places"))
    assert world.wait(5 * SECOND_US, have(2))
    record = decode_record(answer.encoded)
    assert all(host.node.view.records.get(*record.place) == record for host in hosts)
    # Those that come back after a crash have what the disk has, and learn the rest.
    world.stop(second, "crash")
    world.restart(second)
    assert world.wait(60 * SECOND_US, have(2))
