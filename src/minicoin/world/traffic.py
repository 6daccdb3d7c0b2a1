"""Message types as small numbers, what a message weighs on the wire, and the counters of one node.

Bitcoin's messages have the same numbers everywhere. One beyond Bitcoin's gets the next number of its world when it is
met there first, and is named by the part of the node that it belongs to as well: `overlay/pull`.
"""

from array import array
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
from minicoin.core.wire.messages_extension import Offer

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
_NO_TRAFFIC: Final = bytes(8 * len(MESSAGE_TYPES))


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


class MessageKinds:
    """The numbers of the messages of one world, and their names."""

    __slots__ = ("_commands", "_numbers", "names")

    def __init__(self) -> None:
        self.names = list(TYPE_NAMES)
        """By number."""
        self._numbers = dict(TYPE_INDEX)
        self._commands = dict(_INDEX_OF_COMMAND)

    def of(self, message: Message) -> int:
        """The number of a message's type."""
        number = self._numbers.get(type(message))
        return self._meet(message) if number is None else number

    def _meet(self, message: Message) -> int:
        if not isinstance(message, ExtensionMessage):
            return UNKNOWN_TYPE
        number = self._numbers[type(message)] = len(self.names)
        self._commands[message.command.encode()] = number
        self.names.append(f"{_part_of(type(message))}{message.command}")
        return number

    def of_frame(self, magic: bytes, chunk: bytes) -> int | None:
        """Which type of message begins with these bytes; None where they go on with a frame, or are too few to tell."""
        if len(chunk) < _COMMAND_ENDS or not chunk.startswith(magic):
            return None
        return self._commands.get(chunk[len(magic) : _COMMAND_ENDS].rstrip(b"\0"), UNKNOWN_TYPE)


def _part_of(kind: type) -> str:
    """The folder of the core whose message it is, before its command; the offer itself belongs to none."""
    ring, _, rest = kind.__module__.removeprefix("minicoin.").partition(".")
    folder = rest.partition(".")[0]
    return f"{folder}/" if ring == "core" and kind is not Offer else ""


def type_name(message: Message) -> str:
    """The command, for people."""
    return message.command if isinstance(message, Unknown) else command_of(message)


class Traffic:
    """What one node sent and received, by message type."""

    __slots__ = ("received_bytes", "received_messages", "sent_bytes", "sent_messages")

    def __init__(self) -> None:
        # Arrays take half of what lists and their numbers take, and there are four for each node.
        self.sent_messages = array("q", _NO_TRAFFIC)
        self.sent_bytes = array("q", _NO_TRAFFIC)
        self.received_messages = array("q", _NO_TRAFFIC)
        self.received_bytes = array("q", _NO_TRAFFIC)

    def widen(self, number: int) -> None:
        """Have room for the type of this number, too."""
        for counters in (self.sent_messages, self.sent_bytes, self.received_messages, self.received_bytes):
            counters.extend([0] * (number + 1 - len(counters)))
