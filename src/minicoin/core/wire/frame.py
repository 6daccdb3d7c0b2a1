"""Bitcoin's version 1 frame: magic, 12-byte command, payload length, checksum. Bytes in any split become messages.

Owns framing, the per-command length limits and the blame for breaking them; which message is allowed when belongs to
the session. What happens to a frame that is not as it should be is what Bitcoin Core does:

- A wrong magic, or a length above every message's limit, ends the connection without blame: whatever follows cannot be
  read, a node of another network is at the wrong address, and no checksum covers the length.
- A wrong checksum, an odd command or a malformed payload drops the message: the stream is intact behind it.
- A payload above its command's own limit is never held in memory: its bytes are hashed as they come. Where only a
  broken or hostile peer can send that much (codec.py says where) it is blamed once the checksum proves that it did.

A stranger's first bytes may be another protocol's: an encrypted greeting (BIP324), libp2p's, a browser's. Those want no
answer, for a Bitcoin Core node tries version 1 of the protocol only after silence; a frame of another network does, so
that its log can say why. Which it is, bytes 4 to 16 tell: a command padded with zeros.
"""

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import compact_length
from minicoin.core.faults import DecodeError, MisuseError, PeerFault
from minicoin.core.limits import MESSAGE_PAYLOAD_BYTES_MAX
from minicoin.core.wire.codec import command_of, decode_payload, encode_payload, excess_score, payload_bytes_max
from minicoin.core.wire.codec_blocks import HEADER_ENTRY_SIZE
from minicoin.core.wire.codec_inventory import INVENTORY_VECTOR_SIZE
from minicoin.core.wire.codec_session import COMMAND_BYTES
from minicoin.core.wire.messages import BlockMessage, GetData, Headers, Inv, Message, NotFound, Tx
from minicoin.core.wire.messages_extension import NO_EXTENSIONS, Extensions
from minicoin.core.wire.reader import TooManyItems

FRAME_HEADER_SIZE: Final = 24
_MAGIC_SIZE: Final = 4
_COMMAND_END: Final = _MAGIC_SIZE + COMMAND_BYTES
# What all commands ever used are made of; narrower than printable, so that other protocols' greetings do not pass.
_COMMAND_LETTERS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")

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


@dataclass(frozen=True, slots=True)
class Dropped:
    """A frame that gave no message, and why; the next one follows behind it."""

    command: str
    reason: str


class WrongMagic(PeerFault):
    """The other side speaks another network's frames, or another protocol altogether. Nobody's fault: score 0."""

    def __init__(self, head: bytes, expected: bytes, *, is_frame: bool) -> None:
        self.magic = head[:_MAGIC_SIZE]
        self.is_frame = is_frame
        """A frame of another network, whose sender may be told whom it has reached."""
        what = "wrong network magic" if is_frame else "not a frame of any network, it begins with"
        super().__init__(f"{what} {self.magic.hex()}, expected {expected.hex()}", score=0)


class _Excess:
    """A frame too long for its command, on its way past: hashed, not kept."""

    __slots__ = ("_checksum", "_digest", "command", "left", "reason", "size")

    def __init__(self, command: str, length: int, checksum: bytes, reason: str) -> None:
        self.command = command
        self.size = FRAME_HEADER_SIZE + length
        self.left = length
        self.reason = reason
        self._checksum = checksum
        self._digest = sha256()

    def pass_by(self, piece: bytes | bytearray) -> None:
        self._digest.update(piece)
        self.left -= len(piece)

    @property
    def is_intact(self) -> bool:
        return sha256(self._digest.digest()).digest()[:4] == self._checksum


class FrameDecoder:
    """Turns a stream of bytes into messages.

    Feed one read, then take messages until None: so at most one frame and one read are ever held. After a PeerFault
    the decoder is dead: it holds nothing and repeats the fault.
    """

    __slots__ = ("_at", "_buffer", "_excess", "_extensions", "_fault", "_header", "_is_first", "_magic")

    def __init__(self, magic: bytes, extensions: Extensions = NO_EXTENSIONS) -> None:
        self._magic = magic
        self._extensions = extensions
        self._buffer = bytearray()
        self._at = 0
        # Command, payload length and checksum of the frame whose payload is awaited.
        self._header: tuple[bytes, int, bytes] | None = None
        self._excess: _Excess | None = None
        self._is_first = True
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

    def next_message(self) -> tuple[Message | Dropped, int] | None:
        """The next message, or what was dropped in its place, and its size on the wire; None until more bytes come.

        Raises PeerFault where the stream cannot be read any further, or should not.
        """
        if self._fault is not None:
            raise self._fault
        try:
            return self._next()
        except PeerFault as fault:
            self._fault = fault
            self._buffer = bytearray()
            self._at = 0
            raise

    def _next(self) -> tuple[Message | Dropped, int] | None:
        if self._excess is not None:
            return self._pass_by(self._excess)
        if self._header is None:
            if self._is_first:
                self._check_stranger()
            if self.buffered_bytes < FRAME_HEADER_SIZE:
                self._check_magic_early()
                self._compact()
                return None
            self._header = self._read_header()
            self._at += FRAME_HEADER_SIZE
            self._is_first = False
        padded, length, checksum = self._header
        command = _command_text(padded)
        limit = payload_bytes_max(command, self._extensions)
        if length > limit:
            self._header = None
            reason = f"{command} message of {length} bytes, at most {limit} allowed"
            self._excess = _Excess(command, length, checksum, reason)
            return self._pass_by(self._excess)
        if self.buffered_bytes < length:
            self._compact()
            return None
        with memoryview(self._buffer) as view:
            payload = bytes(view[self._at : self._at + length])
        self._at += length
        self._header = None
        return _decode(padded, command, payload, checksum, self._extensions), FRAME_HEADER_SIZE + length

    def _pass_by(self, excess: _Excess) -> tuple[Dropped, int] | None:
        piece = self._buffer[self._at : self._at + excess.left]
        self._at += len(piece)
        excess.pass_by(piece)
        if excess.left:
            self._compact()
            return None
        self._excess = None
        score = excess_score(excess.command)
        if score is not None and excess.is_intact:
            raise PeerFault(excess.reason, score)
        return Dropped(excess.command, excess.reason), excess.size

    def _compact(self) -> None:
        # Once per read, not once per message: what is left of the buffer moves at most once.
        del self._buffer[: self._at]
        self._at = 0

    def _check_stranger(self) -> None:
        head = bytes(self._buffer[self._at : self._at + _COMMAND_END])
        if len(head) < _COMMAND_END:
            # Too few to tell what it speaks; how long it may hesitate is the handshake's limit.
            return
        is_frame = is_stranger_command(head[_MAGIC_SIZE:])
        if not is_frame or not head.startswith(self._magic):
            raise WrongMagic(head, self._magic, is_frame=is_frame)

    def _check_magic_early(self) -> None:
        if self._is_first:
            return
        head = bytes(self._buffer[self._at : self._at + _MAGIC_SIZE])
        if not self._magic.startswith(head):
            raise WrongMagic(head, self._magic, is_frame=True)

    def _read_header(self) -> tuple[bytes, int, bytes]:
        magic, padded, length, checksum = _HEADER.unpack_from(self._buffer, self._at)
        if magic != self._magic:
            raise WrongMagic(magic, self._magic, is_frame=True)
        if length > MESSAGE_PAYLOAD_BYTES_MAX:
            raise PeerFault(
                f"{_command_text(padded)} message of {length} bytes, at most {MESSAGE_PAYLOAD_BYTES_MAX} allowed",
                score=0,
            )
        return padded, length, checksum


def is_stranger_command(padded: bytes) -> bool:
    """Whether these 12 bytes may be the command of a frame of some network."""
    name = padded.rstrip(b"\0")
    return bool(name) and all(letter in _COMMAND_LETTERS for letter in name)


def _command_text(padded: bytes) -> str:
    # Shown as it may be shown: what is no command is dropped behind its payload.
    return padded.rstrip(b"\0").decode("ascii", errors="replace")


def _decode(padded: bytes, command: str, payload: bytes, checksum: bytes, extensions: Extensions) -> Message | Dropped:
    if sha256d(payload)[:4] != checksum:
        return Dropped(command, f"wrong checksum of a {command} message")
    if not command or not all(0x20 <= letter < 0x7F for letter in padded.rstrip(b"\0")):
        return Dropped(command, f"malformed command {padded!r} in a frame header")
    try:
        return decode_payload(command, payload, extensions)
    except TooManyItems as error:
        score = excess_score(command)
        if score is not None:
            raise PeerFault(str(error), score) from error
        return Dropped(command, str(error))
    except DecodeError as error:
        return Dropped(command, f"malformed {command} message: {error}")
