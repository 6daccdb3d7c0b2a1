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
from minicoin.core.wire.codec import TABLE, payload_bytes_max
from minicoin.core.wire.frame import FRAME_HEADER_SIZE, FrameDecoder, encode_frame, message_wire_size

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "blocks"
MAGIC = bytes.fromhex("f9beb4d9")


def take_all(decoder: FrameDecoder) -> list[tuple[m.Message, int]]:
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
    taken: list[tuple[m.Message, int]] = []
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


@pytest.mark.parametrize("data", [b"\xfa\xbf\xb5\xda", b"\xfa", b"GET / HTTP/1.1\r\nHost: node.example\r\n\r\n"])
def test_wrong_magic_is_named_at_the_first_differing_byte_and_not_punished(data: bytes) -> None:
    fault = refusal(data)
    assert fault.reason.startswith("wrong network magic " + data[:1].hex())
    assert fault.reason.endswith("expected f9beb4d9")
    assert fault.score == 0


def test_wrong_magic_behind_a_good_frame() -> None:
    decoder = FrameDecoder(MAGIC)
    decoder.feed(encode_frame(MAGIC, m.Verack()) + encode_frame(b"\x0b\x11\x09\x07", m.Verack()))
    assert decoder.next_message() == (m.Verack(), 24)
    with pytest.raises(PeerFault, match="wrong network magic 0b110907"):
        decoder.next_message()


@pytest.mark.parametrize("command", [b"verack\0\0\0\0\0x", b"ver\xffack", b"ver\nack", b"\0" * 12, b"\0verack"])
def test_bad_commands_are_refused(command: bytes) -> None:
    assert refusal(header(command, 0)).reason.startswith("malformed command")


@pytest.mark.parametrize("command", [*sorted(TABLE), "whoknows"])
def test_oversize_is_refused_on_the_header_alone(command: str) -> None:
    limit = payload_bytes_max(command)
    assert limit <= MESSAGE_PAYLOAD_BYTES_MAX
    fault = refusal(header(command.encode(), limit + 1))
    assert fault.reason == f"{command} message of {limit + 1} bytes, at most {limit} allowed"
    assert fault.score == 20
    decoder = FrameDecoder(MAGIC)
    decoder.feed(header(command.encode(), limit, b"\0\0\0\0")[:-1])
    assert decoder.next_message() is None


def test_wrong_checksum_is_refused() -> None:
    frame = bytearray(encode_frame(MAGIC, m.Ping(5)))
    frame[-1] ^= 1
    assert refusal(bytes(frame)).reason == "wrong checksum of a ping message"


def test_malformed_payload_is_refused_with_command_and_cause() -> None:
    payload = b"\x01" + HEADER.raw + b"\x07"
    frame = header(b"headers", len(payload), sha256d(payload)[:4]) + payload
    assert refusal(frame).reason == "malformed headers message: headers with a transaction count that is not zero"


def test_a_dead_decoder_holds_nothing_and_repeats_its_fault() -> None:
    decoder = FrameDecoder(MAGIC)
    decoder.feed(bytes(10_000))
    for _ in range(2):
        with pytest.raises(PeerFault, match="wrong network magic"):
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
