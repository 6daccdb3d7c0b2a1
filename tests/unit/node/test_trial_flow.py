"""What only tests ask of a node: carried out where work is trivial, refused in words elsewhere, bounded everywhere."""

from dataclasses import replace

import pytest
from tests.unit.netsync.banks_chain import NETWORK as BANKS_NETWORK
from tests.unit.node.bench import NETWORK, Bench
from tests.unit.node.spending import funded, spend_coin

from minicoin.core import commands as c
from minicoin.core.answers import AddressEntered, Done, Reason, Refused
from minicoin.core.effects import Dial, Send, SetClock
from minicoin.core.limits import CLOCK_S_MAX, MESSAGE_PAYLOAD_BYTES_MAX, MOCK_TIME_S_MAX
from minicoin.core.node.trial_flow import TrialFlow
from minicoin.core.params.builtin import MAIN
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import MINUTE_US, SECOND_US
from minicoin.core.wire.messages import Inv, Unknown

SOMEBODY = NodeAddress("10.1.2.3", 18_333)
COMMANDS = (
    c.SetMockTime(1),
    c.MockScheduler(1),
    c.AddPeerAddress(SOMEBODY),
    c.AddConnection(SOMEBODY, SlotKind.FULL_RELAY),
    c.SendMessage(1, "hello", b""),
)


def answer(bench, command):
    return bench.replies[bench.command(command)].answer


class Elsewhere:
    """A node of a network, and nothing else."""

    def __init__(self, network):
        self.network = network
        self.refused = []

    def refuse(self, request, reason, text):
        self.refused.append((request, reason, text))


@pytest.mark.parametrize("network", [replace(NETWORK, retarget=MAIN.retarget), BANKS_NETWORK], ids=["work", "members"])
@pytest.mark.parametrize("command", COMMANDS)
def test_where_work_or_members_count_all_of_it_is_refused(command, network):
    around = Elsewhere(network)
    TrialFlow(around).handle(1, command, 0)
    ((request, reason, text),) = around.refused
    assert (request, reason) == (1, Reason.UNABLE) and "tests" in text


def test_the_clock_stands_and_is_let_go():
    bench = Bench(is_working=False)
    assert answer(bench, c.SetMockTime(CLOCK_S_MAX)) == Done()
    assert answer(bench, c.SetMockTime(0)) == Done()
    assert bench.take(SetClock) == [SetClock(CLOCK_S_MAX * SECOND_US), SetClock(None)]


@pytest.mark.parametrize("time_s", [-1, CLOCK_S_MAX + 1, MOCK_TIME_S_MAX + 1])
def test_a_time_that_no_clock_shows_is_refused(time_s):
    bench = Bench(is_working=False)
    assert answer(bench, c.SetMockTime(time_s)).reason is Reason.INVALID
    assert bench.take(SetClock) == []


@pytest.mark.parametrize("delta_s", [0, 3_601])
def test_the_schedule_is_brought_forward_by_an_hour_at_most(delta_s):
    bench = Bench()
    assert answer(bench, c.MockScheduler(3_600)) == Done()
    assert answer(bench, c.MockScheduler(delta_s)).reason is Reason.UNABLE


def test_an_address_enters_once():
    bench = Bench()
    assert answer(bench, c.AddPeerAddress(SOMEBODY)) == AddressEntered()
    assert answer(bench, c.AddPeerAddress(SOMEBODY)) == AddressEntered("failed-adding-to-new")


def test_an_address_is_tried_when_told_so():
    bench = Bench()
    assert answer(bench, c.AddPeerAddress(SOMEBODY, is_tried=True)) == AddressEntered()
    assert bench.node.view.book.find(SOMEBODY).is_tried


def test_a_connection_is_dialled_as_the_kind_that_was_asked_for():
    bench = Bench()
    assert answer(bench, c.AddConnection(SOMEBODY, SlotKind.BLOCK_ONLY)) == Done()
    assert [effect.address for effect in bench.take(Dial)] == [SOMEBODY]
    (slot,) = [slot for slot in bench.node.view.connections.snapshot() if slot.address == SOMEBODY]
    assert slot.kind is SlotKind.BLOCK_ONLY


def test_a_kind_of_connection_that_is_not_made_by_hand_is_refused():
    assert answer(Bench(), c.AddConnection(SOMEBODY, SlotKind.INBOUND)).reason is Reason.INVALID


def test_any_message_goes_to_a_peer():
    bench = Bench()
    bench.connect(1)
    bench.take(Send)
    assert answer(bench, c.SendMessage(1, "hello", b"world")) == Done()
    assert bench.take(Unknown) == [Unknown("hello", b"world")]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (c.SendMessage(1, "", b""), Reason.INVALID),
        (c.SendMessage(1, "thirteen bytes"[:13], b""), Reason.INVALID),
        (c.SendMessage(1, "h\u00e9llo", b""), Reason.INVALID),
        (c.SendMessage(1, "hello", bytes(MESSAGE_PAYLOAD_BYTES_MAX + 1)), Reason.INVALID),
        (c.SendMessage(77, "hello", b""), Reason.UNABLE),
    ],
)
def test_what_no_peer_could_be_sent_is_refused(command, reason):
    bench = Bench()
    bench.connect(1)
    bench.take(Send)
    refused = answer(bench, command)
    assert isinstance(refused, Refused) and refused.reason is reason
    assert bench.take(Unknown) == []


@pytest.mark.parametrize("hours", [0, 40])
def test_what_the_node_would_do_some_time_is_brought_forward(hours):
    bench = funded()
    bench.ask(c.SubmitTransaction(spend_coin(bench, 1)))
    # It lacks blocks, and so is not told of what was handed in before the next attempt, in half a day at least.
    bench.connect(1, height=0)
    for _ in range(hours):
        assert answer(bench, c.MockScheduler(3_600)) == Done()
    bench.seen.clear()
    bench.wait(2 * MINUTE_US)
    assert bool(bench.take(Inv)) is bool(hours)
