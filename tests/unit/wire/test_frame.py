"""The frame decoder: any split of a stream, every refusal with its reason, and what it may hold in memory."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire.samples import HEADER, SAMPLES
from tests.unit.wire.strategies import ANY_MESSAGE

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import MESSAGE_PAYLOAD_BYTES_MAX, READ_BYTES
from minicoin.core.primitives.block import RawBlock
from minicoin.core.wire import messages as m
from minicoin.core.wire.codec import TABLE, excess_score, payload_bytes_max
from minicoin.core.wire.frame import (
    FRAME_HEADER_SIZE,
    Dropped,
    FrameDecoder,
    WrongMagic,
    encode_frame,
    message_wire_size,
)

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "blocks"
MAGIC = bytes.fromhex("f9beb4d9")


def take_all(decoder: FrameDecoder) -> list[tuple[m.Message | Dropped, int]]:
    taken = []
    while (found := decoder.next_message()) is not None:
        taken.append(found)
    return taken


def header(command: bytes, length: int, checksum: bytes = b"\x5d\xf6\xe0\xe2", magic: bytes = MAGIC) -> bytes:
    return magic + command.ljust(12, b"\0") + length.to_bytes(4, "little") + checksum


def refusal(data: bytes) -> PeerFault:
    decoder = FrameDecoder(MAGIC)
    decoder.feed(data)
    with pytest.raises(PeerFault) as caught:
        take_all(decoder)
    return caught.value


def test_frames_of_the_protocol_documentation() -> None:
    assert encode_frame(MAGIC, m.Verack()).hex() == "f9beb4d976657261636b000000000000000000005df6e0e2"
    payload = "01e215104d010000000000000000000000000000000000ffff0a000001208d"
    addr = "f9beb4d96164647200000000000000001f000000ed52399b" + payload
    decoder = FrameDecoder(MAGIC)
    decoder.feed(bytes.fromhex(addr))
    ((message, size),) = take_all(decoder)
    assert isinstance(message, m.Addr) and size == 55
    assert encode_frame(MAGIC, message).hex() == addr


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_MESSAGE, max_size=6), st.lists(st.integers(0, 10**6), max_size=12))
def test_any_split_gives_the_same_messages(messages: list[m.Message], cuts: list[int]) -> None:
    frames = [encode_frame(MAGIC, message) for message in messages]
    stream = b"".join(frames)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    decoder = FrameDecoder(MAGIC)
    taken: list[tuple[m.Message | Dropped, int]] = []
    for start, end in pairwise(places):
        decoder.feed(stream[start:end])
        taken += take_all(decoder)
    assert taken == [(message, len(frame)) for message, frame in zip(messages, frames, strict=True)]
    assert decoder.buffered_bytes == 0


def test_byte_by_byte() -> None:
    messages = [message for kind, message in SAMPLES.items() if kind is not m.Reject]
    decoder = FrameDecoder(MAGIC)
    taken = []
    for byte in b"".join(encode_frame(MAGIC, message) for message in messages):
        decoder.feed(bytes((byte,)))
        taken += take_all(decoder)
    assert [message for message, _ in taken] == messages


@settings(max_examples=100, deadline=None)
@given(ANY_MESSAGE)
def test_wire_size_is_the_length_of_the_frame(message: m.Message) -> None:
    assert message_wire_size(message) == len(encode_frame(MAGIC, message))


def test_a_frame_of_another_network_is_named_and_not_punished() -> None:
    fault = refusal(encode_frame(b"\xfa\xbf\xb5\xda", m.Verack())[:16])
    assert isinstance(fault, WrongMagic)
    assert (fault.magic.hex(), fault.is_frame, fault.score) == ("fabfb5da", True, 0)


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("9c3f01e4a7") * 13,  # an encrypted greeting looks like chance
        b"\x13/multistream/1.0.0\n",
        b"GET / HTTP/1.1\r\nHost: node.example\r\n\r\n",
        b"GET /index.html HTTP/1.1\r\n",
        MAGIC + b"no command..",
    ],
)
def test_what_is_no_frame_of_any_network_is_told_apart(data: bytes) -> None:
    fault = refusal(data)
    assert isinstance(fault, WrongMagic)
    assert not fault.is_frame and fault.score == 0


def test_a_stranger_s_first_bytes_are_judged_when_sixteen_are_here() -> None:
    decoder = FrameDecoder(MAGIC)
    for byte in b"\x13/multistream/1.":
        decoder.feed(bytes((byte,)))
        if decoder.buffered_bytes < 16:
            assert decoder.next_message() is None
    with pytest.raises(WrongMagic):
        decoder.next_message()


def test_wrong_magic_behind_a_good_frame() -> None:
    decoder = FrameDecoder(MAGIC)
    decoder.feed(encode_frame(MAGIC, m.Verack()) + encode_frame(b"\x0b\x11\x09\x07", m.Verack()))
    assert decoder.next_message() == (m.Verack(), 24)
    with pytest.raises(PeerFault, match="wrong network magic 0b110907"):
        decoder.next_message()


def behind_a_good_one(frame: bytes) -> list[tuple[m.Message | Dropped, int]]:
    """What a bad frame gives between two good ones."""
    decoder = FrameDecoder(MAGIC)
    decoder.feed(encode_frame(MAGIC, m.Verack()) + frame + encode_frame(MAGIC, m.Ping(7)))
    first, *between, last = take_all(decoder)
    assert (first[0], last[0]) == (m.Verack(), m.Ping(7))
    assert decoder.buffered_bytes == 0
    return between


@pytest.mark.parametrize("command", [b"verack\0\0\0\0\0x", b"ver\xffack", b"ver\nack", b"\0" * 12, b"\0verack"])
def test_a_frame_with_an_odd_command_is_dropped(command: bytes) -> None:
    ((dropped, size),) = behind_a_good_one(header(command, 0))
    assert isinstance(dropped, Dropped) and dropped.reason.startswith("malformed command") and size == 24


def test_a_length_above_every_message_ends_the_stream_on_the_header_alone_without_blame() -> None:
    fault = refusal(header(b"block", MESSAGE_PAYLOAD_BYTES_MAX + 1))
    assert fault.reason == "block message of 4000001 bytes, at most 4000000 allowed"
    assert fault.score == 0


@pytest.mark.parametrize("command", [row.command for row in TABLE.values() if row.payload_bytes_max < 4_000_000])
def test_a_payload_too_long_for_its_command_is_never_held(command: str) -> None:
    payload = bytes(payload_bytes_max(command) + 1)
    frame = header(command.encode(), len(payload), sha256d(payload)[:4]) + payload
    decoder = FrameDecoder(MAGIC)
    taken: list[tuple[m.Message | Dropped, int]] = []
    score = excess_score(command)
    try:
        for start in range(0, len(frame), READ_BYTES):
            decoder.feed(frame[start : start + READ_BYTES])
            taken += take_all(decoder)
            assert decoder.buffered_bytes == 0
    except PeerFault as fault:
        assert score is not None and fault.score == score
        return
    assert score is None
    assert taken == [
        (Dropped(command, f"{command} message of {len(payload)} bytes, at most {len(payload) - 1} allowed"), len(frame))
    ]


@pytest.mark.parametrize(
    ("command", "score"),
    [
        ("inv", 100),
        ("getdata", 100),
        ("headers", 100),
        ("addr", 100),
        ("addrv2", 100),
        ("getheaders", 0),
        ("getblocks", 0),
    ],
)
def test_lists_that_bitcoin_core_leaves_a_peer_for(command: str, score: int) -> None:
    assert excess_score(command) == score


def test_too_many_short_entries_are_blamed_though_the_payload_is_not_too_long() -> None:
    entry = bytes.fromhex("00000000" + "00" + "01" + "04" + "01020304" + "208d")
    payload = b"\xfd\xe9\x03" + entry * 1_001
    fault = refusal(header(b"addrv2", len(payload), sha256d(payload)[:4]) + payload)
    assert fault.score == 100 and "1001 items" in fault.reason


def test_a_damaged_length_is_not_blamed() -> None:
    payload = bytes(payload_bytes_max("inv") + 1)
    ((dropped, _),) = behind_a_good_one(header(b"inv", len(payload), b"bad!") + payload)
    assert isinstance(dropped, Dropped)


def test_a_wrong_checksum_drops_the_message() -> None:
    frame = bytearray(encode_frame(MAGIC, m.Ping(5)))
    frame[-1] ^= 1
    assert behind_a_good_one(bytes(frame)) == [(Dropped("ping", "wrong checksum of a ping message"), 32)]


def test_a_malformed_payload_drops_the_message_with_command_and_cause() -> None:
    payload = b"\x01" + HEADER.raw + b"\x07"
    frame = header(b"headers", len(payload), sha256d(payload)[:4]) + payload
    reason = "malformed headers message: headers with a transaction count that is not zero"
    assert behind_a_good_one(frame) == [(Dropped("headers", reason), len(frame))]


def test_a_short_ping_drops_the_message() -> None:
    frame = header(b"ping", 4, sha256d(b"1234")[:4]) + b"1234"
    assert behind_a_good_one(frame) == [(Dropped("ping", "malformed ping message: truncated ping"), 28)]


def test_a_dead_decoder_holds_nothing_and_repeats_its_fault() -> None:
    decoder = FrameDecoder(MAGIC)
    decoder.feed(bytes(10_000))
    for _ in range(2):
        with pytest.raises(PeerFault, match="not a frame"):
            decoder.next_message()
        decoder.feed(bytes(10_000))
        assert decoder.buffered_bytes == 0


def test_unknown_commands_survive() -> None:
    unknown = m.Unknown("sendtxrcncl", b"\x01\0\0\0")
    decoder = FrameDecoder(MAGIC)
    decoder.feed(encode_frame(MAGIC, unknown))
    assert take_all(decoder) == [(unknown, 28)]
    for command in ("", "thirteen-long"):
        with pytest.raises(MisuseError, match="does not fit a frame"):
            encode_frame(MAGIC, m.Unknown(command, b""))


def test_largest_block_in_reads_stays_within_one_frame_and_one_read() -> None:
    raw = HEADER.raw + bytes(MESSAGE_PAYLOAD_BYTES_MAX - 80)
    message = m.BlockMessage(RawBlock.parse(raw))
    stream = encode_frame(MAGIC, message) + encode_frame(MAGIC, m.Verack())
    decoder = FrameDecoder(MAGIC)
    taken = []
    for start in range(0, len(stream), READ_BYTES):
        decoder.feed(stream[start : start + READ_BYTES])
        assert decoder.buffered_bytes <= FRAME_HEADER_SIZE + MESSAGE_PAYLOAD_BYTES_MAX + READ_BYTES
        taken += take_all(decoder)
    assert taken == [(message, 24 + len(raw)), (m.Verack(), 24)]
    with pytest.raises(MisuseError, match="does not fit a frame"):
        encode_frame(MAGIC, m.BlockMessage(RawBlock.parse(raw + b"\0")))


def test_feeding_without_taking_is_our_mistake() -> None:
    decoder = FrameDecoder(MAGIC)
    decoder.feed(bytes(FRAME_HEADER_SIZE + MESSAGE_PAYLOAD_BYTES_MAX))
    with pytest.raises(MisuseError, match="before the messages"):
        decoder.feed(b"\0")


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no test data at {DATA}")
def test_real_blocks_come_back_byte_for_byte() -> None:
    blocks = [path.read_bytes() for path in sorted(DATA.glob("block*.raw"))]
    stream = b"".join(encode_frame(MAGIC, m.BlockMessage(RawBlock.parse(raw))) for raw in blocks)
    decoder = FrameDecoder(MAGIC)
    taken = []
    for start in range(0, len(stream), READ_BYTES):
        decoder.feed(stream[start : start + READ_BYTES])
        taken += [message.block.raw for message, _ in take_all(decoder) if isinstance(message, m.BlockMessage)]
    assert len(blocks) == 5
    assert taken == blocks
