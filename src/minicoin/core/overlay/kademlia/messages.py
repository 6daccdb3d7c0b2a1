"""The messages of the model on a connection of ours, beside libp2p's kad-dht on streams of its own.

`kadhello` says what a peer is in the key space; `kadask` and `kadanswer` carry kad-dht's messages, with a number that
an answer repeats, since answers may overtake each other; `kadcast` goes ahead of an item and says how far its receiver
is answerable for it. A peer of the model speaks those that repair the ledger too (overlay/repair).
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.limits import KAD_MESSAGE_BYTES_MAX
from minicoin.core.overlay.kademlia.dht_message import DhtMessage
from minicoin.core.overlay.kademlia.keyspace import KEY_BITS
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_HELLO: Final = Struct("<BH")
_NUMBER: Final = Struct("<I")
_CAST: Final = Struct("<32sH")


class KadRole(IntEnum):
    """What a peer is in the key space."""

    CLIENT = 0
    """It asks, and nobody asks it or sends it on its way."""
    SERVER = 1
    """It stands in tables, answers, and passes items on."""


@dataclass(frozen=True, slots=True)
class KadHello(ExtensionMessage):
    """What the sender is, and the port it listens at; a server without one is a client."""

    role: KadRole
    port: int

    command = "kadhello"
    version = 1
    payload_bytes_max = _HELLO.size

    def encode(self) -> bytes:
        return _HELLO.pack(self.role, self.port)

    @classmethod
    def decode(cls, payload: bytes) -> "KadHello":
        reader = Reader(payload, cls.command)
        number, port = reader.unpack(_HELLO)
        reader.end()
        try:
            role = KadRole(number)
        except ValueError as error:
            raise DecodeError(f"kadhello of an unknown role {number}") from error
        if role is KadRole.SERVER and not port:
            raise DecodeError("kadhello of a server that listens nowhere")
        return cls(role, port)


def _read_numbered(payload: bytes, command: str) -> tuple[int, DhtMessage]:
    """One form each: what another encoder would have written in another order is not ours."""
    reader = Reader(payload, command)
    (number,) = reader.unpack(_NUMBER)
    rest = reader.take(reader.remaining)
    message = DhtMessage.decode(rest)
    if message.encode() != rest:
        raise DecodeError(f"{command} not in the one form it has")
    return number, message


@dataclass(frozen=True, slots=True)
class KadAsk(ExtensionMessage):
    """A question. `number` is the asker's."""

    number: int
    message: DhtMessage

    command = "kadask"
    version = 1
    payload_bytes_max = _NUMBER.size + KAD_MESSAGE_BYTES_MAX

    def encode(self) -> bytes:
        return _NUMBER.pack(self.number) + self.message.encode()

    @classmethod
    def decode(cls, payload: bytes) -> "KadAsk":
        return cls(*_read_numbered(payload, cls.command))


@dataclass(frozen=True, slots=True)
class KadAnswer(ExtensionMessage):
    """The answer to the question of that number."""

    number: int
    message: DhtMessage

    command = "kadanswer"
    version = 1
    payload_bytes_max = _NUMBER.size + KAD_MESSAGE_BYTES_MAX

    def encode(self) -> bytes:
        return _NUMBER.pack(self.number) + self.message.encode()

    @classmethod
    def decode(cls, payload: bytes) -> "KadAnswer":
        return cls(*_read_numbered(payload, cls.command))


@dataclass(frozen=True, slots=True)
class KadCast(ExtensionMessage):
    """Ahead of an item: the receiver is answerable for it in the buckets below `height`."""

    item: bytes
    height: int

    command = "kadcast"
    version = 1
    payload_bytes_max = _CAST.size

    def encode(self) -> bytes:
        return _CAST.pack(self.item, self.height)

    @classmethod
    def decode(cls, payload: bytes) -> "KadCast":
        reader = Reader(payload, cls.command)
        item, height = reader.take(32), int.from_bytes(reader.take(2), "little")
        reader.end()
        if height >= KEY_BITS:
            raise DecodeError(f"kadcast of height {height} (below {KEY_BITS})")
        return cls(item, height)


MESSAGES: Final[tuple[type[ExtensionMessage], ...]] = (KadHello, KadAsk, KadAnswer, KadCast, Pull, Pulled)
"""A peer of the model speaks them all."""
