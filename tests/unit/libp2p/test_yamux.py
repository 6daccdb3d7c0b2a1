"""Yamux sessions: streams, windows, credit, closing, keep-alive, and every violation a peer may commit."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.yamux import Yamux
from minicoin.core.libp2p.yamux_frames import (
    ACK,
    DATA,
    FIN,
    GO_AWAY,
    HEADER,
    HEADER_BYTES,
    PING,
    RST,
    SYN,
    WINDOW_UPDATE,
    Data,
    GoAwayCode,
    InboundStream,
    RemoteClosed,
    RemoteReset,
    WentAway,
    YamuxEvent,
    encode_header,
)
from minicoin.core.limits import (
    YAMUX_CONNECTION_WINDOW_BYTES_MAX,
    YAMUX_CONTROL_FRAME_INTERVAL_US,
    YAMUX_CONTROL_FRAMES_BURST,
    YAMUX_CONTROL_QUEUE_BYTES_MAX,
    YAMUX_PING_INTERVAL_US,
    YAMUX_SEND_QUEUE_BYTES_MAX,
    YAMUX_STREAMS_INBOUND_MAX,
    YAMUX_STREAMS_OUTBOUND_MAX,
    YAMUX_STREAMS_REFUSED_MAX,
    YAMUX_WINDOW_BYTES_MAX,
    YAMUX_WINDOW_INITIAL_BYTES,
)
from minicoin.core.units import SECOND_US, Micros

NOW = Micros(1_000_000_000)
PIECE = 65_519
WINDOW = YAMUX_WINDOW_INITIAL_BYTES
Frame = tuple[int, int, int, int, bytes]
"""Type, flags, stream, length, body."""


def session(dialler: bool = True) -> Yamux:
    """A session whose first ping is out of the way."""
    yamux = Yamux(dialler, NOW)
    assert frames(yamux.take_output(PIECE)) == [(PING, SYN, 0, 1, b"")]
    return yamux


def frames(data: bytes | bytearray) -> list[Frame]:
    found, at = [], 0
    while at < len(data):
        version, kind, flags, stream, length = HEADER.unpack_from(data, at)
        assert version == 0
        at += HEADER_BYTES
        body = bytes(data[at : at + length]) if kind == DATA else b""
        at += len(body)
        found.append((kind, flags, stream, length, body))
    return found


def drain(yamux: Yamux) -> bytes:
    output = b""
    while piece := yamux.take_output(PIECE):
        output += piece
    return output


def exchange(one: Yamux, other: Yamux, now: Micros = NOW) -> None:
    while True:
        forth, back = drain(one), drain(other)
        if not forth and not back:
            return
        other.receive(forth, now)
        one.receive(back, now)


def data(stream: int, payload: bytes, flags: int = 0) -> bytes:
    return encode_header(DATA, flags, stream, len(payload)) + payload


def fault_of(yamux: Yamux, attack: bytes, now: Micros = NOW) -> PeerFault:
    with pytest.raises(PeerFault, match="yamux") as fault:
        yamux.receive(attack, now)
    return fault.value


def opened(flags: int = SYN) -> Yamux:
    """An acceptor with the peer's stream 1."""
    yamux = session(dialler=False)
    yamux.receive(encode_header(WINDOW_UPDATE, flags, 1, 0), NOW)
    assert yamux.take_events() == [InboundStream(1)]
    return yamux


# --- frames as the specification has them ---


def test_opening_sending_and_closing_on_the_wire() -> None:
    yamux = session()
    stream = yamux.open()
    yamux.send(stream, b"hello ")
    yamux.send(stream, b"world")
    yamux.close_write(stream)
    assert frames(drain(yamux)) == [
        (WINDOW_UPDATE, SYN, 1, 0, b""),
        (DATA, 0, 1, 11, b"hello world"),
        (WINDOW_UPDATE, FIN, 1, 0, b""),
    ]
    assert yamux.open() == 3 and session(dialler=False).open() == 2


def test_the_first_frame_of_an_accepted_stream_acknowledges_it() -> None:
    yamux = opened()
    yamux.send(1, b"welcome")
    yamux.send(1, b"!")
    assert frames(drain(yamux)) == [(DATA, ACK, 1, 8, b"welcome!")]
    yamux.send(1, b"more")
    assert frames(drain(yamux)) == [(DATA, 0, 1, 4, b"more")]


def test_ping_is_answered_and_go_away_ends() -> None:
    yamux = session()
    yamux.receive(encode_header(PING, SYN, 0, 0xDEADBEEF), NOW)
    assert frames(drain(yamux)) == [(PING, ACK, 0, 0xDEADBEEF, b"")]
    yamux.receive(encode_header(GO_AWAY, 0, 0, 2) + b"ignored from here on", NOW)
    yamux.receive(encode_header(WINDOW_UPDATE, SYN, 2, 0), NOW)
    assert yamux.take_events() == [WentAway(2)] and yamux.is_closed and drain(yamux) == b""


def test_half_close_leaves_the_other_direction_open() -> None:
    one, other = session(), session(dialler=False)
    stream = one.open()
    one.send(stream, b"question")
    one.close_write(stream)
    exchange(one, other)
    assert other.take_events() == [InboundStream(1), Data(1, b"question"), RemoteClosed(1)]
    other.send(1, b"answer")
    other.close_write(1)
    exchange(one, other)
    assert one.take_events()[-2:] == [Data(1, b"answer"), RemoteClosed(1)]
    # Both ends forgot the stream: its frames are late ones now.
    one.receive(data(1, b"late"), NOW)
    assert one.take_events() == []
    with pytest.raises(MisuseError, match="close_write"):
        stream = one.open()
        one.close_write(stream)
        one.send(stream, b"too late")


def test_reset_drops_what_is_queued_and_reaches_the_peer() -> None:
    one, other = session(), session(dialler=False)
    stream = one.open()
    one.send(stream, b"x")
    exchange(one, other)
    other.take_events()
    one.send(stream, bytes(1_000))
    one.reset(stream)
    assert one.queued_bytes == 0
    exchange(one, other)
    assert other.take_events() == [RemoteReset(1)]
    # A stream that the peer never heard of ends in silence.
    one.reset(one.open())
    assert drain(one) == b""


# --- flow control ---


def test_a_sender_stops_at_the_window_and_goes_on_with_credit() -> None:
    one, other = session(), session(dialler=False)
    stream = one.open()
    one.send(stream, bytes(WINDOW + 100))
    other.receive(drain(one), NOW)
    received = sum(len(event.data) for event in other.take_events() if isinstance(event, Data))
    assert received == WINDOW and one.queued(stream) == one.queued_bytes == 100
    other.consumed(1, WINDOW // 2 - 1)
    assert drain(other) == b""
    other.consumed(1, 1)
    assert frames(drain(other)) == [(WINDOW_UPDATE, ACK, 1, WINDOW // 2, b"")]
    one.receive(encode_header(WINDOW_UPDATE, ACK, 1, WINDOW // 2), NOW)
    other.receive(drain(one), NOW)
    assert [event for event in other.take_events() if isinstance(event, Data)] == [Data(1, bytes(100))]
    with pytest.raises(MisuseError, match="consumed"):
        other.consumed(1, WINDOW)


def test_the_window_grows_with_the_rate_up_to_the_bounds() -> None:
    yamux = opened()
    yamux.receive(encode_header(PING, ACK, 0, 1), Micros(NOW + 50_000))
    assert yamux.rtt_us == 50_000
    now, window = Micros(NOW + 100_000), WINDOW
    while window < YAMUX_WINDOW_BYTES_MAX:
        yamux.receive(data(1, bytes(window // 2)), now)
        yamux.consumed(1, window // 2)
        (update,) = frames(drain(yamux))
        assert update[3] == window // 2 + window
        window *= 2
        now = Micros(now + 100_000)
    yamux.receive(data(1, bytes(window // 2)), now)
    yamux.consumed(1, window // 2)
    assert frames(drain(yamux))[0][3] == window // 2
    # Three more streams that are read as fast share what the connection still allows.
    granted = consumed = 0
    for stream in (3, 5, 7):
        yamux.receive(encode_header(WINDOW_UPDATE, SYN, stream, 0), now)
    for _ in range(200):
        for stream in (3, 5, 7):
            yamux.receive(data(stream, bytes(WINDOW // 2)), now)
            yamux.consumed(stream, WINDOW // 2)
            consumed += WINDOW // 2
            granted += sum(update[3] for update in frames(drain(yamux)))
    total = YAMUX_WINDOW_BYTES_MAX + 3 * WINDOW + granted - consumed
    assert YAMUX_CONNECTION_WINDOW_BYTES_MAX * 3 // 4 < total <= YAMUX_CONNECTION_WINDOW_BYTES_MAX


def test_a_stream_that_is_gone_gives_its_window_back() -> None:
    yamux = session(dialler=False)
    yamux.receive(encode_header(PING, ACK, 0, 1), NOW)
    for stream in range(1, 21, 2):
        yamux.receive(encode_header(WINDOW_UPDATE, SYN, stream, 0), NOW)
        window = WINDOW
        while window < YAMUX_WINDOW_BYTES_MAX:
            yamux.receive(data(stream, bytes(window // 2)), NOW)
            yamux.consumed(stream, window // 2)
            assert frames(drain(yamux))[0][3] == window // 2 + window
            window *= 2
        yamux.receive(encode_header(WINDOW_UPDATE, RST, stream, 0), NOW)


def test_a_slow_reader_keeps_a_small_window() -> None:
    yamux = opened()
    yamux.receive(encode_header(PING, ACK, 0, 1), Micros(NOW + 1_000))
    now = NOW
    for _ in range(5):
        now = Micros(now + SECOND_US)
        yamux.receive(data(1, bytes(WINDOW // 2)), now)
        yamux.consumed(1, WINDOW // 2)
        assert frames(drain(yamux))[0][3] == WINDOW // 2


def test_control_frames_do_not_wait_behind_data_and_streams_take_turns() -> None:
    yamux = session()
    first, second = yamux.open(), yamux.open()
    yamux.send(first, b"a" * 200_000)
    yamux.send(second, b"b" * 200_000)
    drained = frames(yamux.take_output(PIECE))
    assert [frame[0] for frame in drained[:2]] == [WINDOW_UPDATE, WINDOW_UPDATE]
    assert [frame[2] for frame in drained[2:]] == [first, second, first, second]
    yamux.receive(encode_header(PING, SYN, 0, 7), NOW)
    piece = yamux.take_output(PIECE)
    assert frames(piece)[0] == (PING, ACK, 0, 7, b"") and len(piece) <= PIECE


def test_send_queue_is_bounded() -> None:
    yamux = session()
    stream = yamux.open()
    yamux.send(stream, bytes(YAMUX_SEND_QUEUE_BYTES_MAX))
    with pytest.raises(PeerFault, match="does not read") as fault:
        yamux.send(stream, b"x")
    assert fault.value.score == 0


def test_outbound_streams_are_bounded() -> None:
    yamux = session()
    for _ in range(YAMUX_STREAMS_OUTBOUND_MAX):
        yamux.open()
    with pytest.raises(MisuseError, match="streams opened"):
        yamux.open()


# --- properties ---


@given(st.lists(st.integers(1, 40), max_size=40))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    stream = b"".join(
        (
            encode_header(WINDOW_UPDATE, SYN, 1, 5),
            data(1, b"first"),
            encode_header(PING, SYN, 0, 9),
            data(3, b"with the opening", SYN),
            data(1, b"second"),
            data(3, b"and the end", FIN),
            data(1, b""),
            encode_header(WINDOW_UPDATE, FIN, 1, 0),
            encode_header(WINDOW_UPDATE, SYN | RST, 5, 0),
        )
    )
    yamux, at = session(dialler=False), 0
    for cut in [*cuts, len(stream)]:
        yamux.receive(stream[at : at + cut], NOW)
        at += cut
    assert merged(yamux.take_events()) == [
        InboundStream(1),
        Data(1, b"first"),
        InboundStream(3),
        Data(3, b"with the opening"),
        Data(1, b"second"),
        Data(3, b"and the end"),
        RemoteClosed(3),
        RemoteClosed(1),
        InboundStream(5),
        RemoteReset(5),
    ]


def merged(events: list[YamuxEvent]) -> list[YamuxEvent]:
    """Adjacent pieces of one stream joined."""
    joined: list[YamuxEvent] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, Data) and isinstance(last, Data) and last.stream == event.stream:
            joined[-1] = Data(event.stream, last.data + event.data)
        else:
            joined.append(event)
    return joined


actions = st.lists(
    st.tuples(st.booleans(), st.integers(0, 4), st.sampled_from((0, 1, 300, 20_000, 300_000))), min_size=1, max_size=30
)


@settings(max_examples=20, deadline=None)
@given(actions, st.sampled_from((97, 1_000, 65_536, 1 << 20)))
def test_any_interleaving_of_streams_loses_nothing(steps: list[tuple[bool, int, int]], piece: int) -> None:
    sides = (session(), session(dialler=False))
    sent: dict[tuple[bool, int], bytearray] = {}
    received: dict[tuple[bool, int], bytearray] = {}
    ids = [sides[0].open() for _ in range(3)] + [sides[1].open() for _ in range(2)]

    def pump() -> None:
        moved = True
        while moved:
            moved = False
            for index in (0, 1):
                output = drain(sides[index])
                moved = moved or bool(output)
                for at in range(0, len(output), piece):
                    sides[1 - index].receive(output[at : at + piece], NOW)
                for event in sides[1 - index].take_events():
                    if isinstance(event, Data):
                        received.setdefault((index == 0, event.stream), bytearray()).extend(event.data)
                        sides[1 - index].consumed(event.stream, len(event.data))

    pump()
    for number, (side, stream, size) in enumerate(steps):
        payload = bytes((number,)) * size
        sent.setdefault((side, ids[stream]), bytearray()).extend(payload)
        sides[0 if side else 1].send(ids[stream], payload)
        if number % 3 == 0:
            pump()
    pump()
    assert {key: hashlib.sha256(value).digest() for key, value in sent.items() if value} == {
        key: hashlib.sha256(value).digest() for key, value in received.items()
    }
    assert sides[0].queued_bytes == sides[1].queued_bytes == 0


# --- keep-alive ---


def test_a_peer_that_answers_no_pings_is_given_up() -> None:
    yamux = session()
    assert yamux.next_deadline() == NOW + YAMUX_PING_INTERVAL_US
    yamux.on_deadline(Micros(yamux.next_deadline() - 1))
    assert drain(yamux) == b""
    yamux.on_deadline(yamux.next_deadline())
    assert frames(drain(yamux)) == [(PING, SYN, 0, 2, b"")]
    with pytest.raises(PeerFault, match="2 pings") as fault:
        yamux.on_deadline(yamux.next_deadline())
    assert fault.value.score == 0


def test_an_answer_forgives_a_missed_one() -> None:
    yamux, now = session(), NOW
    yamux.receive(encode_header(PING, ACK, 0, 1), now)
    for value in range(2, 20):
        now = yamux.next_deadline()
        yamux.on_deadline(now)
        if value % 2:
            # Only the last one counts, and answers to nothing are ignored.
            yamux.receive(encode_header(PING, ACK, 0, value - 1), now)
            yamux.receive(encode_header(PING, ACK, 0, value), Micros(now + 4_000))
    assert yamux.rtt_us is not None and 3_900 < yamux.rtt_us <= 4_000


# --- violations ---


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (b"\x01" + bytes(11), "version 1"),
        (encode_header(4, 0, 0, 0), "frame type 4"),
        (encode_header(255, 0, 0, 0), "frame type 255"),
        (encode_header(DATA, 0, 0, 5), "stream frame for the session"),
        (encode_header(WINDOW_UPDATE, SYN, 0, 5), "stream frame for the session"),
        (encode_header(PING, SYN, 1, 0), "session frame for a stream"),
        (encode_header(GO_AWAY, 0, 9, 0), "session frame for a stream"),
        (encode_header(WINDOW_UPDATE, SYN, 2, 0), "an id of ours"),
        (encode_header(WINDOW_UPDATE, SYN, 1, 0), "opened twice"),
        (encode_header(DATA, 0, 3, 5), "never opened"),
        (encode_header(DATA, 0, 2, 5), "never opened"),
        (encode_header(WINDOW_UPDATE, FIN, 0xFFFF_FFFF, 5), "never opened"),
        (encode_header(WINDOW_UPDATE, 0, 1, 0xFFFF_FFFF), "above 32 bits"),
        (encode_header(DATA, 0, 1, WINDOW + 1), "into a window"),
        (encode_header(DATA, SYN, 3, 0xFFFF_FFFF), "into a window"),
        (data(1, bytes(WINDOW)) + data(1, b"x"), "into a window of 0"),
        (encode_header(WINDOW_UPDATE, FIN, 1, 0) + data(1, b"x"), "after the end"),
        (encode_header(WINDOW_UPDATE, FIN, 1, 0) * 2, "closed twice"),
    ],
)
def test_violations(attack: bytes, reason: str) -> None:
    fault = fault_of(opened(), attack)
    assert reason in fault.reason and fault.score == 100


def test_a_violation_ends_with_a_go_away_that_waits_for_nothing() -> None:
    yamux = opened()
    yamux.send(1, bytes(100_000))
    fault_of(yamux, encode_header(9, 0, 0, 0))
    yamux.go_away(GoAwayCode.PROTOCOL_ERROR, at_once=True)
    assert frames(drain(yamux)) == [(GO_AWAY, 0, 0, 1, b"")] and yamux.is_closed


def test_an_orderly_end_waits_for_the_data() -> None:
    one, other = session(), session(dialler=False)
    stream = one.open()
    one.send(stream, bytes(WINDOW + 7))
    one.go_away(GoAwayCode.NORMAL, at_once=False)
    other.receive(drain(one), NOW)
    assert not one.is_closed
    other.consumed(1, WINDOW)
    one.receive(drain(other), NOW)
    assert [frame[0] for frame in frames(drain(one))] == [DATA, GO_AWAY] and one.is_closed


def test_streams_beyond_the_limit_are_refused_and_a_flood_of_them_ends_the_session() -> None:
    yamux = session(dialler=False)
    last = 2 * YAMUX_STREAMS_INBOUND_MAX - 1
    for stream in range(1, last + 1, 2):
        yamux.receive(encode_header(WINDOW_UPDATE, SYN, stream, 0), NOW)
    assert len(yamux.take_events()) == YAMUX_STREAMS_INBOUND_MAX and drain(yamux) == b""
    # The body of a refused opening is dropped.
    yamux.receive(data(last + 2, b"hello", SYN) + data(last + 2, b"more"), NOW)
    assert frames(drain(yamux)) == [(WINDOW_UPDATE, RST, last + 2, 0, b"")] and yamux.take_events() == []
    # A place that is given back can be taken.
    yamux.receive(encode_header(WINDOW_UPDATE, RST, 1, 0) + encode_header(WINDOW_UPDATE, SYN, last + 4, 0), NOW)
    assert yamux.take_events() == [RemoteReset(1), InboundStream(last + 4)]
    with pytest.raises(PeerFault, match="stream flood"):
        for stream in range(last + 6, last + 6 + 2 * YAMUX_STREAMS_REFUSED_MAX, 2):
            yamux.receive(encode_header(WINDOW_UPDATE, SYN, stream, 0), NOW)
            drain(yamux)


def test_opening_and_resetting_is_paid_for_like_every_empty_frame() -> None:
    yamux = session(dialler=False)
    with pytest.raises(PeerFault, match="flood of frames"):
        for stream in range(1, 2 * YAMUX_CONTROL_FRAMES_BURST, 2):
            yamux.receive(
                encode_header(WINDOW_UPDATE, SYN, stream, 0) + encode_header(WINDOW_UPDATE, RST, stream, 0), NOW
            )
            yamux.take_events()


@pytest.mark.parametrize("frame", [encode_header(DATA, 0, 1, 0), encode_header(WINDOW_UPDATE, 0, 1, 0)])
def test_frame_flood(frame: bytes) -> None:
    yamux = opened()
    yamux.receive(frame * (YAMUX_CONTROL_FRAMES_BURST - 1), NOW)
    assert "flood" in fault_of(yamux, frame).reason
    yamux = opened()
    now = NOW
    for _ in range(3):
        yamux.receive(frame * (YAMUX_CONTROL_FRAMES_BURST - 1), now)
        now = Micros(now + YAMUX_CONTROL_FRAMES_BURST * YAMUX_CONTROL_FRAME_INTERVAL_US)


def test_pings_without_reading_the_answers() -> None:
    yamux = session()
    count = YAMUX_CONTROL_QUEUE_BYTES_MAX // HEADER_BYTES
    yamux.receive(encode_header(PING, SYN, 0, 0) * count, NOW)
    assert "does not read" in fault_of(yamux, encode_header(PING, SYN, 0, 0)).reason


def test_a_frame_that_claims_gigabytes_costs_nothing() -> None:
    yamux = opened()
    yamux.receive(encode_header(WINDOW_UPDATE, RST, 1, 0), NOW)
    yamux.take_events()
    yamux.receive(encode_header(DATA, 0, 1, 0xFFFF_FFFF), NOW)
    for _ in range(100):
        yamux.receive(bytes(1 << 16), NOW)
    assert yamux.take_events() == []


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 15), st.integers(0, 6), st.integers(0, 40)), max_size=12))
def test_any_frames_are_taken_or_refused(sequence: list[tuple[int, int, int, int]]) -> None:
    yamux = opened()
    yamux.open()
    stream = b"".join(
        encode_header(kind, flags, stream_id, length) + (bytes(length) if kind == DATA else b"")
        for kind, flags, stream_id, length in sequence
    )
    try:
        yamux.receive(stream, NOW)
    except PeerFault as fault:
        assert fault.reason.startswith("yamux")
    drain(yamux)
