"""Bitcoin's version 1 frame: magic, 12-byte command, payload length, checksum. Bytes in any split become messages.

Owns framing, the per-command length limits and the blame for breaking them; which message is allowed when belongs to
the session.
"""

from struct import Struct
from typing import Final

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import compact_length
from minicoin.core.faults import DecodeError, MisuseError, PeerFault
from minicoin.core.limits import MESSAGE_PAYLOAD_BYTES_MAX
from minicoin.core.wire.codec import command_of, decode_payload, encode_payload, payload_bytes_max
from minicoin.core.wire.codec_blocks import HEADER_ENTRY_SIZE
from minicoin.core.wire.codec_inventory import INVENTORY_VECTOR_SIZE
from minicoin.core.wire.codec_session import COMMAND_BYTES
from minicoin.core.wire.messages import BlockMessage, GetData, Headers, Inv, Message, NotFound, Tx

FRAME_HEADER_SIZE: Final = 24
# A node of another network is at the wrong address, not hostile: refused, never banned.
WRONG_MAGIC_SCORE: Final = 0
# Damage on the way or a bug of either side: the connection is lost, a ban takes a habit. A length above its limit is no
# worse: no checksum covers it, so one flipped byte claims any, and it is refused before memory is spent on it.
MALFORMED_SCORE: Final = 20

_HEADER: Final = Struct("<4s12sI4s")


def encode_frame(magic: bytes, message: Message) -> bytes:
    """The bytes of one message on the wire. Raises MisuseError for what cannot be sent."""
    payload = encode_payload(message)
    command = command_of(message).encode("ascii", errors="replace")
    if not 0 < len(command) <= COMMAND_BYTES or len(payload) > MESSAGE_PAYLOAD_BYTES_MAX:
        raise MisuseError(f"{command!r} with {len(payload)} bytes does not fit a frame")
    return _HEADER.pack(magic, command, len(payload), sha256d(payload)[:4]) + payload


def message_wire_size(message: Message) -> int:
    """The length of encode_frame's result, without building it where that would be long."""
    match message:
        case BlockMessage():
            return FRAME_HEADER_SIZE + len(message.block.raw)
        case Tx():
            return FRAME_HEADER_SIZE + message.transaction.size
        case Inv() | GetData() | NotFound():
            count = len(message.inventory)
            return FRAME_HEADER_SIZE + compact_length(count) + INVENTORY_VECTOR_SIZE * count
        case Headers():
            count = len(message.headers)
            return FRAME_HEADER_SIZE + compact_length(count) + HEADER_ENTRY_SIZE * count
        case _:
            return FRAME_HEADER_SIZE + len(encode_payload(message))


class FrameDecoder:
    """Turns a stream of bytes into messages.

    Feed one read, then take messages until None: so at most one frame and one read are ever held. After a PeerFault
    the decoder is dead: it holds nothing and repeats the fault.
    """

    __slots__ = ("_at", "_buffer", "_fault", "_header", "_magic")

    def __init__(self, magic: bytes) -> None:
        self._magic = magic
        self._buffer = bytearray()
        self._at = 0
        # Command, payload length and checksum of the frame whose payload is awaited.
        self._header: tuple[str, int, bytes] | None = None
        self._fault: PeerFault | None = None

    @property
    def buffered_bytes(self) -> int:
        """Bytes fed and not yet given out."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Take the bytes of one read. Raises MisuseError when whole messages were left untaken."""
        if self._fault is not None:
            return
        if self.buffered_bytes >= FRAME_HEADER_SIZE + MESSAGE_PAYLOAD_BYTES_MAX:
            raise MisuseError("feed before the messages of the last read were taken")
        self._buffer += data

    def next_message(self) -> tuple[Message, int] | None:
        """The next message and its size on the wire, or None until more bytes come. Raises PeerFault."""
        if self._fault is not None:
            raise self._fault
        try:
            return self._next()
        except PeerFault as fault:
            self._fault = fault
            self._buffer = bytearray()
            self._at = 0
            raise

    def _next(self) -> tuple[Message, int] | None:
        if self._header is None:
            if self.buffered_bytes < FRAME_HEADER_SIZE:
                self._check_magic_early()
                self._compact()
                return None
            self._header = self._read_header()
            self._at += FRAME_HEADER_SIZE
        command, length, checksum = self._header
        if self.buffered_bytes < length:
            self._compact()
            return None
        with memoryview(self._buffer) as view:
            payload = bytes(view[self._at : self._at + length])
        if sha256d(payload)[:4] != checksum:
            raise PeerFault(f"wrong checksum of a {command} message", MALFORMED_SCORE)
        try:
            message = decode_payload(command, payload)
        except DecodeError as error:
            raise PeerFault(f"malformed {command} message: {error}", MALFORMED_SCORE) from error
        self._at += length
        self._header = None
        return message, FRAME_HEADER_SIZE + length

    def _compact(self) -> None:
        # Once per read, not once per message: what is left of the buffer moves at most once.
        del self._buffer[: self._at]
        self._at = 0

    def _check_magic_early(self) -> None:
        # A stranger that never sends 24 bytes is named as soon as its first ones differ.
        head = bytes(self._buffer[self._at : self._at + len(self._magic)])
        if not self._magic.startswith(head):
            raise self._wrong_magic(head)

    def _read_header(self) -> tuple[str, int, bytes]:
        magic, padded, length, checksum = _HEADER.unpack_from(self._buffer, self._at)
        if magic != self._magic:
            raise self._wrong_magic(magic)
        name, _, padding = padded.partition(b"\0")
        if any(padding) or not name or any(not 0x20 <= letter < 0x7F for letter in name):
            raise PeerFault(f"malformed command {padded!r} in a frame header", MALFORMED_SCORE)
        command = name.decode("ascii")
        limit = payload_bytes_max(command)
        if length > limit:
            raise PeerFault(f"{command} message of {length} bytes, at most {limit} allowed", MALFORMED_SCORE)
        return command, length, checksum

    def _wrong_magic(self, magic: bytes) -> PeerFault:
        return PeerFault(f"wrong network magic {magic.hex()}, expected {self._magic.hex()}", WRONG_MAGIC_SCORE)
