"""Message types as small numbers, what a message weighs on the wire, and the counters of one node."""

from collections.abc import Callable
from typing import Final, get_args

from minicoin.core.encoding.compact import compact_length
from minicoin.core.wire.codec import TABLE, command_of
from minicoin.core.wire.codec_blocks import HEADER_ENTRY_SIZE
from minicoin.core.wire.codec_inventory import INVENTORY_VECTOR_SIZE
from minicoin.core.wire.frame import FRAME_HEADER_SIZE, message_wire_size
from minicoin.core.wire.messages import (
    BlockMessage,
    ExtensionMessage,
    GetData,
    Headers,
    Inv,
    Message,
    NotFound,
    Ping,
    Pong,
    SendAddrV2,
    SendHeaders,
    Tx,
    Unknown,
    Verack,
    WtxidRelay,
)

MESSAGE_TYPES: Final[tuple[type, ...]] = tuple(kind for kind in get_args(Message) if kind is not ExtensionMessage)
TYPE_INDEX: Final[dict[type, int]] = {kind: index for index, kind in enumerate(MESSAGE_TYPES)}
_COMMANDS: Final[dict[type, str]] = {row.message: row.command for row in TABLE.values()}
TYPE_NAMES: Final[tuple[str, ...]] = tuple(_COMMANDS.get(kind, "unknown") for kind in MESSAGE_TYPES)
"""As in the frame's header."""
UNKNOWN_TYPE: Final[int] = TYPE_INDEX[Unknown]
_INDEX_OF_COMMAND: Final[dict[bytes, int]] = {
    row.command.encode(): TYPE_INDEX[row.message] for row in TABLE.values() if row.message in TYPE_INDEX
}
_COMMAND_ENDS: Final = 16


def _inventory_size(message: Inv | GetData | NotFound) -> int:
    count = len(message.inventory)
    return FRAME_HEADER_SIZE + compact_length(count) + INVENTORY_VECTOR_SIZE * count


def _headers_size(message: Headers) -> int:
    count = len(message.headers)
    return FRAME_HEADER_SIZE + compact_length(count) + HEADER_ENTRY_SIZE * count


def _block_size(message: BlockMessage) -> int:
    return FRAME_HEADER_SIZE + len(message.block.raw)


def _transaction_size(message: Tx) -> int:
    return FRAME_HEADER_SIZE + message.transaction.size


def _fixed(size: int) -> Callable[[Message], int]:
    return lambda _: FRAME_HEADER_SIZE + size


# By type, since the common messages are a million each and a chain of isinstance costs more than the sum.
_SIZES: Final[dict[type, Callable[..., int]]] = {
    Headers: _headers_size,
    Inv: _inventory_size,
    GetData: _inventory_size,
    NotFound: _inventory_size,
    BlockMessage: _block_size,
    Tx: _transaction_size,
    Ping: _fixed(8),
    Pong: _fixed(8),
    Verack: _fixed(0),
    SendHeaders: _fixed(0),
    SendAddrV2: _fixed(0),
    WtxidRelay: _fixed(0),
}


def wire_size(message: Message) -> int:
    """The length of the message's frame."""
    return _SIZES.get(type(message), message_wire_size)(message)


def frame_kind(magic: bytes, chunk: bytes) -> int | None:
    """Which type of message begins with these bytes; None where they go on with a frame, or are too few to tell."""
    if len(chunk) < _COMMAND_ENDS or not chunk.startswith(magic):
        return None
    return _INDEX_OF_COMMAND.get(chunk[len(magic) : _COMMAND_ENDS].rstrip(b"\0"), UNKNOWN_TYPE)


def type_name(message: Message) -> str:
    """The command, for people."""
    return message.command if isinstance(message, Unknown) else command_of(message)


class Traffic:
    """What one node sent and received, by message type."""

    __slots__ = ("received_bytes", "received_messages", "sent_bytes", "sent_messages")

    def __init__(self) -> None:
        count = len(MESSAGE_TYPES)
        self.sent_messages = [0] * count
        self.sent_bytes = [0] * count
        self.received_messages = [0] * count
        self.received_bytes = [0] * count
