"""Replays: equal in every effect and in the state, for any life; where they are not, the event or the part is named."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.node.bench import NETWORK
from tests.unit.recording.recorded import PAYABLE, POLICY, live, reader, recorded_bench, replayed

from minicoin.core.addrmgr.book_flow import BOOK_KEY
from minicoin.core.answers import WALLET_IS_OFF, Reason, Refused
from minicoin.core.commands import (
    AddNode,
    CreateWallet,
    Generate,
    NewAddress,
    SetBan,
    SetMockTime,
    Unlock,
)
from minicoin.core.discovery.address_flow import AddressFlow
from minicoin.core.events import (
    AddressesFound,
    CommandReceived,
    ConnectionClosed,
    DeadlineReached,
    DialFailed,
    WorkFailed,
)
from minicoin.core.faults import MisuseError
from minicoin.core.mempool.pool import Mempool
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.node.assemble import NodeState
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.recording.digest import state_digest
from minicoin.core.recording.replay import replay
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import Ping, Verack


@pytest.fixture
def bench(monkeypatch):
    return recorded_bench(monkeypatch)


@pytest.fixture
def recorded(bench):
    """A whole recording."""
    live(bench)
    bench.node.end()
    return bench.node.raw


def opening(raw):
    return reader(raw).opening


# --- equal ---


def test_a_clock_that_was_set_forth_and_back(bench):
    began = bench.now
    bench.connect(1)
    for time_us in (began + 3_600 * SECOND_US, began + 7_200 * SECOND_US, began, began + 5 * SECOND_US):
        bench.ask(SetMockTime(time_us // SECOND_US))
        assert bench.now == time_us
        bench.ask(Generate(1, PAYABLE))
    bench.node.end()
    report = replayed(bench.node.raw)
    assert report.is_equal
    assert (report.height, report.ended_at) == (4, began + 5 * SECOND_US)


def test_a_replay_reaches_the_same_state(bench):
    live(bench)
    bench.node.checkpoint(is_brief=True)
    bench.wait(60 * SECOND_US)
    bench.node.end("asked to")
    report = replayed(bench.node.raw)
    assert report.is_equal, report
    assert report.state_digest == state_digest(bench.node.node, bench.node.now)
    assert (report.events, report.checkpoints) == (bench.node.writer.events, 2)
    assert (report.height, report.mempool_count) == (NETWORK.coinbase_maturity + 3, 1)
    assert (report.end_reason, report.version, report.network) == ("asked to", "1.2.3", NETWORK.name)


def test_the_opening_holds_all_a_node_is_made_of(monkeypatch, bench):
    live(bench)
    chain = bench.engine
    documents = {BOOK_KEY: bench.node.view.book.to_bytes(), MEMPOOL_KEY: bench.node.view.mempool.to_bytes()}
    state = NodeState(tuple(chain.headers()), tuple(chain.stored()), chain.tip, documents)
    policy = replace(POLICY, user_agent="/another:1/", mining_interval_us=5)
    later = recorded_bench(monkeypatch, state, policy, is_working=False)
    later.now = bench.now
    later.connect(1)
    later.node.end()
    assert opening(later.node.raw).state == state
    assert opening(later.node.raw).policy == policy
    assert opening(later.node.raw).network == NETWORK
    report = replayed(later.node.raw)
    assert report.is_equal, report
    assert report.height == NETWORK.coinbase_maturity + 3
    assert later.node.view.mempool.snapshot(later.now).verifying_count == 1


def test_wallet_commands_are_refused_and_leave_nothing_secret(bench):
    words = "abandon ability able about above absent absorb abstract absurd abuse access accident"
    for command in (CreateWallet(b"sixteen bytes...", "a passphrase", words), Unlock("a passphrase"), NewAddress("x")):
        reply = bench.replies[bench.command(command)]
        assert reply.answer == Refused(Reason.WALLET_OFF, WALLET_IS_OFF)
    bench.node.end()
    for secret in (b"sixteen bytes...", b"a passphrase", words.encode()):
        assert secret not in bench.node.raw
    assert replayed(bench.node.raw).is_equal


# --- different ---


def test_the_event_whose_effects_differ_is_named(bench):
    bench.connect(1)
    bench.node.checkpoint()
    bench.node.mangle_effects = lambda effects: effects[1:]
    bench.say(1, Ping(7))
    number = bench.node.writer.events
    bench.node.mangle_effects = lambda effects: effects
    bench.handle(DeadlineReached())
    bench.handle(DeadlineReached())
    bench.node.end()
    report = replayed(bench.node.raw)
    assert not report.is_equal
    found = report.mismatch
    assert (found.after_events, found.before_events) == (number - 1, number)
    assert found.what == f"the effects of event {number} (MessageReceived) differ"


def test_the_last_events_effects_are_compared_at_the_checkpoint(bench):
    bench.node.mangle_effects = lambda effects: effects[1:]
    bench.connect(1)
    bench.node.end()
    assert "effects" in replayed(bench.node.raw).mismatch.what


def test_the_interval_and_the_parts_in_which_the_state_differs_are_named(bench):
    bench.connect(1)
    bench.node.checkpoint()
    agreed = bench.node.writer.events
    bench.handle(DeadlineReached())
    bench.node.checkpoint(lambda parts: {**parts, "mempool": bytes(32), "bans": bytes(32)})
    bench.handle(DeadlineReached())
    bench.node.end()
    report = replayed(bench.node.raw)
    assert (report.mismatch.after_events, report.mismatch.before_events) == (agreed, agreed + 1)
    assert report.mismatch.what == "the state differs in: mempool, bans"
    assert report.events == agreed + 1, "nothing behind it says anything"


def test_a_core_that_behaves_otherwise_is_found_out(monkeypatch, recorded):
    monkeypatch.setattr(Mempool, "min_feerate", lambda self, now: 5_000)
    assert not replayed(recorded).is_equal


def test_what_the_recorded_core_failed_with_comes_back_with_the_event_it_failed_at(monkeypatch, bench):
    bench.connect(1)
    monkeypatch.setattr(AddressFlow, "on_found", lambda self, event, now: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bench.handle(AddressesFound(AddressSource.DNS, "seed.example", ()))
    number = bench.node.writer.events
    with pytest.raises(ZeroDivisionError) as failed:
        replayed(bench.node.raw)
    assert failed.value.__notes__ == [
        f"while replaying event {number} (AddressesFound) of a recording by minicoin 1.2.3"
    ]


def test_an_event_that_has_no_form_is_refused(bench):
    with pytest.raises(MisuseError):
        bench.node.writer.encode_event(CommandReceived(1, "no command"), bench.now)


def test_progress_is_told(recorded):
    told = []
    report = replay(reader(recorded), told.append)
    assert told == list(range(1, report.events + 1))


# --- any life ---

ACTIONS = {
    "an inbound peer": lambda bench: bench.connect(bench.next_request * 2 + 1),
    "a ping": lambda bench: bench.say(3, Ping(bench.next_request)),
    "a faulty message": lambda bench: bench.say(3, Verack()),
    "blocks": lambda bench: bench.ask(Generate(2, PAYABLE)),
    "time": lambda bench: bench.wait(90 * SECOND_US),
    "a close": lambda bench: bench.handle(ConnectionClosed(3, "gone", 10)),
    "a dial": lambda bench: bench.command(AddNode(NodeAddress("127.0.0.8", 1000 + bench.next_request))),
    "a dial that fails": lambda bench: bench.handle(DialFailed(2, NodeAddress("127.0.0.8", 1000), "refused")),
    "a ban": lambda bench: bench.command(SetBan("127.0.0.1:41003", bench.now // SECOND_US + 60)),
    "an address": lambda bench: bench.handle(
        AddressesFound(AddressSource.MDNS, "", (TimedAddress(NodeAddress("127.0.0.3", bench.next_request), 9, 0),))
    ),
    "a failing worker": lambda bench: bench.handle(WorkFailed("storing", "disk full")),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(sorted(ACTIONS)), max_size=12))
def test_any_life_is_replayed(monkeypatch, names):
    bench = recorded_bench(monkeypatch)
    bench.connect(3)
    for name in names:
        if name != "blocks" or not bench.node.view.failure:
            ACTIONS[name](bench)
    bench.node.end()
    report = replayed(bench.node.raw)
    assert report.is_equal, report
    assert report.state_digest == state_digest(bench.node.node, bench.node.now)
