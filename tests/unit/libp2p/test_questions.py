"""Questions on streams of their own: one after the other, an answer each, and bounds."""

import pytest
from tests.unit.libp2p.pair import ALICE, BOB, NOW, Link, make_upgrade

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.events import (
    ConnectionSide,
    StreamClosed,
    StreamData,
    StreamOpened,
    StreamRefused,
    StreamReset,
)
from minicoin.core.libp2p.questions import QuestionStreams
from minicoin.core.libp2p.varint import encode_varint
from minicoin.core.limits import (
    STREAM_ANSWERS_UNREAD_BYTES_MAX,
    STREAM_QUESTION_BYTES_MAX,
    STREAM_QUESTION_EVERY_US,
    STREAM_QUESTIONS_BURST,
    STREAM_QUESTIONS_IDLE_US,
    STREAMS_OF_QUESTIONS_MAX,
)
from minicoin.core.units import Micros

ASKED = "/test/questions/1"
ANSWER = b"an answer"


def framed(message: bytes) -> bytes:
    return encode_varint(len(message)) + message


class Pair:
    """Somebody who asks, and a node that is asked; `answers` says what it answers, None for not yet."""

    def __init__(self) -> None:
        self.asker = make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id, (ASKED,))
        self.node = make_upgrade(ConnectionSide.ACCEPTOR, BOB, None, (ASKED,))
        self.link = Link(self.asker, self.node)
        self.questions = QuestionStreams(self.node, ASKED)
        self.asked: list[tuple[int, bytes]] = []
        self.heard = b""
        self.gone: list[int] = []
        self.closed: list[int] = []
        self.now = NOW
        self.run()

    def run(self) -> None:
        moved = True
        while moved:
            moved = self.link.step(self.now)
            for event in self.node.take_events():
                match event:
                    case StreamOpened() | StreamData() | StreamClosed() | StreamReset() | StreamRefused():
                        if self.questions.owns(event):
                            self.asked += self.questions.on_event(event, self.now)
            for event in self.asker.take_events():
                if isinstance(event, StreamData):
                    self.heard += event.data
                    self.asker.consumed(event.stream, len(event.data))
                elif isinstance(event, StreamReset):
                    self.gone.append(event.stream)
                elif isinstance(event, StreamClosed):
                    self.closed.append(event.stream)

    def open(self) -> int:
        stream = self.asker.open_stream(ASKED)
        self.run()
        return stream

    def send(self, stream: int, data: bytes) -> None:
        self.asker.send(stream, data)
        self.run()

    def answer(self, answer: bytes | None = ANSWER) -> bytes:
        """Of the oldest question."""
        stream, question = self.asked.pop(0)
        self.asked += self.questions.answer(stream, answer, self.now)
        self.run()
        return question


def test_one_question_after_the_other_on_one_stream():
    pair = Pair()
    stream = pair.open()
    pair.send(stream, framed(b"first"))
    assert pair.answer() == b"first" and pair.heard == framed(ANSWER)
    pair.send(stream, framed(b"second")[:3])
    assert pair.asked == []
    pair.send(stream, framed(b"second")[3:])
    assert pair.answer() == b"second" and pair.heard == 2 * framed(ANSWER)


def test_what_comes_before_the_answer_waits():
    pair = Pair()
    stream = pair.open()
    pair.send(stream, framed(b"first") + framed(b"second") + framed(b"third"))
    assert [question for _, question in pair.asked] == [b"first"]
    assert [pair.answer() for _ in range(3)] == [b"first", b"second", b"third"]
    assert pair.heard == 3 * framed(ANSWER) and pair.asked == []


def test_the_peer_ends_the_stream_and_still_hears_the_answer():
    pair = Pair()
    stream = pair.open()
    pair.asker.send(stream, framed(b"only"))
    pair.asker.close_write(stream)
    pair.run()
    assert pair.closed == []
    pair.answer()
    assert pair.heard == framed(ANSWER) and pair.closed == [stream]
    assert pair.questions.next_deadline() is None


def test_a_refused_question_resets_its_stream_and_one_that_needs_no_answer_does_not():
    pair = Pair()
    kept, lost = pair.open(), pair.open()
    pair.send(kept, framed(b"said"))
    pair.answer(b"")
    pair.send(lost, framed(b"wrong"))
    pair.answer(None)
    assert pair.gone == [lost] and pair.heard == b""
    pair.send(kept, framed(b"again"))
    pair.answer()
    assert pair.heard == framed(ANSWER)


def test_an_answer_after_the_end_goes_nowhere():
    pair = Pair()
    stream = pair.open()
    pair.send(stream, framed(b"first"))
    pair.asker.reset(stream)
    pair.run()
    pair.answer()
    assert pair.heard == b"" and pair.questions.answer(stream, ANSWER, pair.now) == []


def test_so_many_streams_and_no_more():
    pair = Pair()
    streams = [pair.open() for _ in range(STREAMS_OF_QUESTIONS_MAX + 1)]
    assert pair.gone == streams[-1:]


def test_so_many_questions_and_then_slowly():
    pair = Pair()
    stream = pair.open()
    for _ in range(STREAM_QUESTIONS_BURST):
        pair.send(stream, framed(b"?"))
        pair.answer()
    assert pair.gone == []
    pair.now = Micros(pair.now + STREAM_QUESTION_EVERY_US)
    pair.send(stream, framed(b"?"))
    pair.answer()
    pair.send(stream, framed(b"?"))
    assert pair.asked == [] and pair.gone == [stream]


def test_a_stream_on_which_nothing_comes_is_reset():
    pair = Pair()
    stream = pair.open()
    deadline = pair.questions.next_deadline()
    assert deadline == NOW + STREAM_QUESTIONS_IDLE_US
    pair.questions.on_deadline(Micros(deadline - 1))
    pair.questions.on_deadline(deadline)
    pair.run()
    assert pair.gone == [stream] and pair.questions.next_deadline() is None


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"\x80\x00", "shortest form"),
        (encode_varint(STREAM_QUESTION_BYTES_MAX + 1), "message of 65537 bytes"),
        (framed(b"first") + bytes(2 * STREAM_QUESTION_BYTES_MAX + 1), "without waiting for answers"),
    ],
)
def test_what_is_no_question_is_a_fault(sent, says):
    pair = Pair()
    stream = pair.open()
    with pytest.raises(PeerFault, match=says):
        pair.send(stream, sent)


def test_a_peer_that_does_not_read_is_at_fault():
    pair = Pair()
    stream = pair.open()
    long = bytes(STREAM_QUESTION_BYTES_MAX)

    def ask_without_reading() -> None:
        for _ in range(2 + 2 * STREAM_ANSWERS_UNREAD_BYTES_MAX // len(long)):
            pair.asker.send(stream, framed(b"?"))
            while output := pair.asker.take_output():
                pair.node.receive(output, pair.now)
            for event in pair.node.take_events():
                if isinstance(event, StreamData):
                    for asked, _ in pair.questions.on_event(event, pair.now):
                        pair.questions.answer(asked, long, pair.now)

    with pytest.raises(PeerFault, match="does not read the answers"):
        ask_without_reading()
