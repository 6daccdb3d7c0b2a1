"""A message as the world carries it: its size, its type and its mark in the digest, worked out once for all connections
that it is sent on in one go. A block's announcement goes to a dozen peers as one object."""

from typing import Final

from minicoin.core.wire.codec import command_of, encode_payload
from minicoin.core.wire.frame import FRAME_HEADER_SIZE, encode_frame
from minicoin.core.wire.messages import Message
from minicoin.world.digest import has_key, message_key
from minicoin.world.traffic import MessageKinds, wire_size

_LONG_BYTES: Final = 1_024


class Freight:
    """`content` is what arrives; `kind` the type's number for the counters, -1 for bytes."""

    __slots__ = ("_mark", "content", "kind", "size")

    def __init__(self, content: Message | bytes, size: int, kind: int, mark: bytes | None) -> None:
        self.content = content
        self.size = size
        self.kind = kind
        self._mark = mark

    def mark(self) -> bytes:
        """In the digest. A long one is worked out where it is wanted: messages wait in lines by the thousand, and such
        a mark takes more than the message."""
        if self._mark is not None:
            return self._mark
        assert not isinstance(self.content, bytes)
        return message_key(self.content)


def freight_of_bytes(content: bytes) -> Freight:
    """The freight of bytes, whatever they hold."""
    return Freight(content, len(content), -1, b"bytes " + content)


def freight_of(message: Message, kinds: MessageKinds) -> Freight:
    """The freight of a message as an object."""
    if not has_key(message):
        # Its bytes are its mark, and tell its size as well.
        payload = encode_payload(message)
        mark = command_of(message).encode() + b" " + payload if len(payload) < _LONG_BYTES else None
        return Freight(message, FRAME_HEADER_SIZE + len(payload), kinds.of(message), mark)
    return Freight(message, wire_size(message), kinds.of(message), message_key(message))


def encoded(magic: bytes, message: Message, kinds: MessageKinds) -> Freight:
    """The message as the bytes of its frame; counted as what it is."""
    frame = encode_frame(magic, message)
    return Freight(frame, len(frame), kinds.of(message), command_of(message).encode() + b" " + frame)
