"""A message as the world carries it: its size, its type and its mark in the digest, worked out once for all connections
that it is sent on in one go. A block's announcement goes to a dozen peers as one object."""

from minicoin.core.wire.codec import command_of
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import Message
from minicoin.sim.world.digest import message_key
from minicoin.sim.world.traffic import TYPE_INDEX, wire_size


class Freight:
    """`content` is what arrives; `kind` the type's number for the counters, -1 for bytes."""

    __slots__ = ("content", "key", "kind", "size")

    def __init__(self, content: Message | bytes, size: int, kind: int, key: bytes) -> None:
        self.content = content
        self.size = size
        self.kind = kind
        self.key = key


def freight_of(content: Message | bytes) -> Freight:
    """The freight of a message, or of bytes."""
    if isinstance(content, bytes):
        return Freight(content, len(content), -1, b"bytes " + content)
    return Freight(content, wire_size(content), TYPE_INDEX[type(content)], message_key(content))


def encoded(magic: bytes, message: Message) -> Freight:
    """The message as the bytes of its frame; counted as what it is."""
    frame = encode_frame(magic, message)
    return Freight(frame, len(frame), TYPE_INDEX[type(message)], command_of(message).encode() + b" " + frame)
