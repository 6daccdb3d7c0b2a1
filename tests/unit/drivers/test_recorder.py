"""The recorder: bounded, never in the node's way, and whatever ends it is said once."""

import errno
import io
import stat
import threading

import pytest
from tests.unit.node.bench import NETWORK
from tests.unit.recording.recorded import POLICY, SEED, no_entropy
from tests.waiting import HANG_S, wait_until

from minicoin.core.commands import InvalidateBlock
from minicoin.core.events import BytesReceived, CommandReceived, DeadlineReached
from minicoin.core.faults import MisuseError
from minicoin.core.limits import RECORD_CHECKPOINT_EVENTS, RECORD_END_BYTES
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.recording.reader import RecordingReader
from minicoin.core.recording.replay import replay
from minicoin.core.recording.writer import Opening
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.drivers import recorder as recorder_module
from minicoin.drivers.recorder import Recorder, open_recording

MEGABYTE = 1 << 20


class OpenRecorder(Recorder):
    """A recorder that shows how much it took, and how much of it is not written yet."""

    @property
    def taken_bytes(self):
        return self._bytes

    @property
    def unwritten_bytes(self):
        return self._waiting_bytes


class Memory(io.BytesIO):
    """A file that keeps its bytes, and may be told to fail or to wait."""

    def __init__(self):
        super().__init__()
        self.error = None
        self.may_go = threading.Event()
        self.may_go.set()
        self.raw = b""
        self.takes = None

    def write(self, data):
        assert self.may_go.wait(HANG_S)
        if self.error is not None:
            raise self.error
        return super().write(data[: self.takes])

    def close(self):
        self.raw = self.getvalue()
        super().close()


class Life:
    """A node and its recorder, step by step as the runtime does it."""

    def __init__(self, bytes_max=MEGABYTE, sink=None):
        self.sink = sink or Memory()
        self.ended = []
        self.now = Micros((NETWORK.genesis.header.time + 600) * SECOND_US)
        opening = Opening("1.2.3", NETWORK, POLICY, NodeState(), SEED, self.now)
        self.node = assemble_node(NETWORK, POLICY, NodeState(), Rng(SEED), no_entropy, self.now)
        self.recorder = OpenRecorder(self.sink, opening, bytes_max, lambda *told: self.ended.append(told))
        self.recorder.start(self.now)
        self.node.start(None, self.now)
        self.recorder.after(self.node.drain_effects(), self.node)

    def handle(self, event):
        self.now = Micros(self.now + 1_000)
        self.recorder.before(event, self.now, self.node)
        self.node.handle(event, self.now)
        self.recorder.after(self.node.drain_effects(), self.node)

    def finish(self):
        self.recorder.finish("the node stopped", self.node)
        self.recorder.close()

    def replay(self):
        return replay(RecordingReader(io.BytesIO(self.sink.raw).read))


def stranger(size):
    """Bytes of a connection that is not open: handled, and recorded with all its bytes."""
    return BytesReceived(ConnId(99), bytes(size))


def test_a_life_is_recorded_and_replayed_with_its_checkpoints():
    life = Life()
    for _ in range(2 * RECORD_CHECKPOINT_EVENTS + 10):
        life.handle(DeadlineReached())
    life.finish()
    report = life.replay()
    assert report.is_equal
    assert (report.events, report.checkpoints) == (2 * RECORD_CHECKPOINT_EVENTS + 10, 3 + 1)
    assert report.end_reason == "the node stopped"
    assert life.ended == [("the node stopped", report.events, len(life.sink.raw))]


def test_at_the_limit_the_recording_ends_with_a_checkpoint_and_the_node_goes_on():
    life = Life(bytes_max=MEGABYTE)
    for _ in range(100):
        life.handle(stranger(20_000))
    assert life.recorder.is_ended
    life.finish()
    assert len(life.sink.raw) <= MEGABYTE
    assert len(life.sink.raw) > MEGABYTE - RECORD_END_BYTES - 21_000
    report = life.replay()
    assert report.is_equal
    assert report.end_reason == "the limit of 1 MB is reached"
    assert [told[0] for told in life.ended] == ["the limit of 1 MB is reached"], "said once"


def test_what_ends_a_recording_fits_into_the_room_kept_for_it():
    life = Life()
    before = life.recorder.taken_bytes
    life.finish()
    assert len(life.sink.raw) - before < RECORD_END_BYTES / 4


def test_a_beginning_that_does_not_fit_is_refused():
    with pytest.raises(MisuseError, match="does not fit into a recording of 1000 bytes"):
        Life(bytes_max=1_000)


def test_a_full_disk_ends_the_recording_and_not_the_node():
    life = Life()
    life.handle(DeadlineReached())
    wait_written(life)
    life.sink.error = OSError(errno.ENOSPC, "No space left on device")
    life.handle(DeadlineReached())
    wait_written(life)
    life.handle(DeadlineReached())
    assert life.recorder.is_ended
    life.handle(DeadlineReached())
    life.finish()
    assert [told[0] for told in life.ended] == ["cannot write: No space left on device"]
    report = life.replay()
    assert (report.events, report.end_reason, report.is_equal) == (1, None, True)


def test_a_disk_that_does_not_keep_up_ends_the_recording_with_everything_up_to_there(monkeypatch):
    monkeypatch.setattr(recorder_module, "RECORD_QUEUE_BYTES_MAX", 100_000)
    life = Life()
    life.sink.may_go.clear()
    for _ in range(20):
        life.handle(stranger(20_000))
    assert life.recorder.is_ended
    life.sink.may_go.set()
    life.finish()
    report = life.replay()
    assert report.is_equal
    assert report.end_reason == "the disk does not keep up"
    assert 3 <= report.events <= 6


def test_an_event_that_has_no_form_ends_the_recording():
    life = Life()
    life.handle(CommandReceived(RequestId(1), InvalidateBlock("no hash")))
    life.finish()
    report = life.replay()
    assert report.is_equal
    assert report.events == 0
    assert report.end_reason.startswith("an event cannot be recorded: a str where")


def test_a_file_that_takes_little_at_a_time_gets_everything():
    sink = Memory()
    sink.takes = 7
    life = Life(sink=sink)
    for _ in range(5):
        life.handle(stranger(100))
    life.finish()
    assert life.replay().is_equal


def test_without_an_end_the_file_holds_what_was_handled():
    """As when the core fails: the event it failed at is there."""
    life = Life()
    life.handle(DeadlineReached())
    life.recorder.before(stranger(5), life.now, life.node)
    life.recorder.close()
    report = life.replay()
    assert (report.events, report.end_reason) == (2, None)
    assert life.ended == []


def test_a_recording_is_a_new_file_for_its_owner_only(tmp_path):
    path = tmp_path / "node.rec"
    open_recording(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(MisuseError, match=r"node\.rec exists"):
        open_recording(path)
    with pytest.raises(MisuseError, match=r"cannot record to .*No such file or directory"):
        open_recording(tmp_path / "missing" / "node.rec")


def wait_written(life):
    """Until the thread took everything."""
    wait_until(lambda: not life.recorder.unwritten_bytes, "everything is written")
