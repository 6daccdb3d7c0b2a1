"""Recordings and their replay: equal in every effect and in the state, read up to a cut, refused where they are foreign
or damaged, and a difference is named."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import NETWORK
from tests.unit.node.recorded import POLICY, live, reader, recorded_bench, replayed

from minicoin.core.events import AddressesFound, AddressSource, CommandReceived, DeadlineReached
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.mempool.pool import Mempool
from minicoin.core.node.address_flow import AddressFlow
from minicoin.core.node.assemble import NodeState
from minicoin.core.node.commands import (
    METHOD_NOT_FOUND,
    CreateWallet,
    NewAddress,
    Unlock,
)
from minicoin.core.node.digest import state_digest
from minicoin.core.node.node import BOOK_KEY, MEMPOOL_KEY
from minicoin.core.node.recording import FORMAT, FRAME, MAGIC, VERSION, Opening, RecordingWriter
from minicoin.core.node.replay import replay
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import Ping


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
    documents = {BOOK_KEY: bench.node.parts.book.to_bytes(), MEMPOOL_KEY: bench.node.parts.mempool.to_bytes()}
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
    assert later.node.parts.mempool.snapshot(later.now).verifying_count == 1


def test_wallet_commands_are_refused_and_leave_nothing_secret(bench):
    words = "abandon ability able about above absent absorb abstract absurd abuse access accident"
    for command in (CreateWallet(b"sixteen bytes...", "a passphrase", words), Unlock("a passphrase"), NewAddress("x")):
        reply = bench.replies[bench.command(command)]
        assert reply.error_code == METHOD_NOT_FOUND
        assert "without a wallet" in reply.error
    bench.node.end()
    for secret in (b"sixteen bytes...", b"a passphrase", words.encode()):
        assert secret not in bench.node.raw
    assert replayed(bench.node.raw).is_equal


@pytest.mark.parametrize(
    ("uses_wallet", "documents"), [(True, {}), (False, {"wallet": b"keys"}), (True, {"wallet": b"keys"})]
)
def test_a_node_with_a_wallet_is_not_recorded(uses_wallet, documents):
    wrong = Opening(
        "1", NETWORK, replace(POLICY, uses_wallet=uses_wallet), NodeState(documents=documents), b"", Micros(0)
    )
    with pytest.raises(MisuseError, match="wallet"):
        list(RecordingWriter().begin(wrong))


# --- cut, foreign, damaged ---


def test_a_file_cut_anywhere_is_replayed_up_to_its_last_whole_record(recorded):
    whole = replayed(recorded)
    events = []
    for length in [*range(0, len(recorded) - 1, 997), *range(len(recorded) - 60, len(recorded))]:
        try:
            report = replayed(recorded[:length])
        except DecodeError as error:
            assert "cut" in str(error)
            assert not events, "once a start fits, every longer file has one"
        except MisuseError as error:
            assert "not a recording" in str(error)
            assert length < len(MAGIC)
        else:
            assert report.is_equal, (length, report)
            assert report.end_reason is None
            events.append(report.events)
    assert events == sorted(events)
    assert events[-1] == whole.events


def test_a_changed_byte_is_damage_at_a_place_that_is_named(recorded):
    start = len(recorded) // 2
    damaged = bytearray(recorded)
    damaged[start] ^= 1
    report = replayed(bytes(damaged))
    assert not report.is_equal
    assert report.mismatch is None
    assert report.damage.startswith("the recording is damaged at byte ")
    assert int(report.damage.split("byte ")[1].split(":")[0]) <= start
    assert 0 < report.events < replayed(recorded).events


def test_records_that_changed_places_are_damage(bench):
    for _ in range(2):
        bench.handle(DeadlineReached())
    *front, one, two = bench.node.records
    assert replayed(b"".join((*front, one, two))).is_equal
    assert "checksum" in replayed(b"".join((*front, two, one))).damage


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04 something else", MAGIC[:3]])
def test_a_foreign_file_is_refused(raw):
    with pytest.raises(MisuseError, match="not a recording"):
        replayed(raw)


def test_a_newer_format_is_refused(recorded):
    newer = MAGIC + VERSION.pack(FORMAT + 1) + recorded[len(MAGIC) + VERSION.size :]
    with pytest.raises(MisuseError, match="format 2; this minicoin reads format 1"):
        replayed(newer)


def test_a_recording_whose_events_have_another_form_names_the_version_that_wrote_it(monkeypatch, recorded):
    monkeypatch.setattr("minicoin.core.node.recording_reader.SHAPE", b"another.")
    with pytest.raises(MisuseError, match=r"recorded by minicoin 1\.2\.3"):
        replayed(recorded)


def test_a_record_of_absurd_length_is_damage_and_takes_no_memory(recorded):
    at = len(MAGIC) + VERSION.size
    with pytest.raises(DecodeError, match="damaged at byte 12: a record of 4294967295 bytes"):
        replayed(recorded[:at] + FRAME.pack(2**32 - 1, 0) + recorded[at + FRAME.size :])


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
