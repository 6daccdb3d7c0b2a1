"""Recordings are read up to a cut, and refused in words where they are foreign or damaged."""

from io import BytesIO
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.chain.five_banks import KEYS, engine_at, maker
from tests.unit.chain.five_banks import NETWORK as BANKS
from tests.unit.node.bench import NETWORK
from tests.unit.recording.recorded import POLICY, live, recorded_bench, replayed

from minicoin.core.events import DeadlineReached
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.node.assemble import NodeState, load_tree, state_of
from minicoin.core.recording.reader import RecordingReader
from minicoin.core.recording.writer import FORMAT, FRAME, MAGIC, VERSION, Opening, RecordingWriter, RecordKind
from minicoin.core.units import Micros


@pytest.fixture
def bench(monkeypatch):
    return recorded_bench(monkeypatch)


@pytest.fixture
def recorded(bench):
    """A whole recording."""
    live(bench)
    bench.node.end()
    return bench.node.raw


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
    with pytest.raises(MisuseError, match="format 3; this minicoin reads format 2"):
        replayed(newer)


def test_a_recording_whose_events_have_another_form_names_the_version_that_wrote_it(monkeypatch, recorded):
    monkeypatch.setattr("minicoin.core.recording.reader.SHAPE", b"another.")
    with pytest.raises(MisuseError, match=r"recorded by minicoin 1\.2\.3"):
        replayed(recorded)


def test_a_record_of_absurd_length_is_damage_and_takes_no_memory(recorded):
    at = len(MAGIC) + VERSION.size
    with pytest.raises(DecodeError, match="damaged at byte 12: a record of 4294967295 bytes"):
        replayed(recorded[:at] + FRAME.pack(2**32 - 1, 0) + recorded[at + FRAME.size :])


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(RecordKind), content=st.binary(max_size=60))
def test_any_record_with_a_right_checksum_is_read_or_refused_in_words(kind, content):
    body = bytes((kind,)) + content
    raw = MAGIC + VERSION.pack(FORMAT) + FRAME.pack(len(body), crc32(body)) + body
    with pytest.raises((DecodeError, MisuseError)):
        replayed(raw)


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(RecordKind), content=st.binary(max_size=60))
def test_any_record_behind_a_good_opening_is_replayed_or_damage(kind, content):
    writer = RecordingWriter()
    raw = b"".join(writer.begin(Opening("1", NETWORK, POLICY, NodeState(), b"seed", Micros(10**15))))
    raw += writer.start(Micros(10**15))
    *_, last = checksums(raw)
    body = bytes((kind,)) + content
    raw += FRAME.pack(len(body), crc32(body, last)) + body
    report = replayed(raw)
    assert report.damage or report.events <= 1


def checksums(raw):
    """Of each record."""
    at = len(MAGIC) + VERSION.size
    while at < len(raw):
        length, crc = FRAME.unpack_from(raw, at)
        yield crc
        at += FRAME.size + length


def test_certificates_and_changes_of_members_are_read_back():
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(250)
    engine = engine_at(made)
    state = state_of(engine, {})
    writer = RecordingWriter()
    raw = b"".join(writer.begin(Opening("1", BANKS, POLICY, state, b"seed", Micros(10**15))))
    found = RecordingReader(BytesIO(raw).read).opening.state
    assert (found.certificates, found.changes) == (state.certificates, state.changes)
    assert len(tuple(found.certificates)) == 253
    assert load_tree(BANKS, found).best_header.hash == engine.tip
