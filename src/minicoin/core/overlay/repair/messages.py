"""The messages of a pull: a question and its answer with the same nonce, drawn by who asks. What is asked for comes as
Bitcoin's inv before the answer, which only says how far that went."""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_NONCE: Final = Struct("<Q")
_PULL: Final = Struct("<Q32sQ")
_PULLED: Final = Struct("<Q?Q")


@dataclass(frozen=True, slots=True)
class Pull(ExtensionMessage):
    """What did I miss? My tip is this, and of your mempool I was told as far as here."""

    nonce: int
    tip: BlockHash
    since: int
    """A place in the receiver's mempool, as its last `pulled` on this connection had it; 0 at first."""

    command = "pull"
    version = 1
    payload_bytes_max = _PULL.size

    def encode(self) -> bytes:
        return _PULL.pack(self.nonce, self.tip, self.since)

    @classmethod
    def decode(cls, payload: bytes) -> "Pull":
        reader = Reader(payload, cls.command)
        (nonce,) = reader.unpack(_NONCE)
        tip = BlockHash(reader.take(32))
        (since,) = reader.unpack(_NONCE)
        reader.end()
        return cls(nonce, tip, since)


@dataclass(frozen=True, slots=True)
class Pulled(ExtensionMessage):
    """All of the answer was sent before this. `until` is the place in the sender's mempool that it went to; with
    `has_more` there is a next page."""

    nonce: int
    has_more: bool
    until: int

    command = "pulled"
    version = 1
    payload_bytes_max = _PULLED.size

    def encode(self) -> bytes:
        return _PULLED.pack(self.nonce, self.has_more, self.until)

    @classmethod
    def decode(cls, payload: bytes) -> "Pulled":
        reader = Reader(payload, cls.command)
        (nonce,) = reader.unpack(_NONCE)
        more = reader.take(1)
        if more not in (b"\0", b"\1"):
            raise DecodeError("pulled says neither that there is more nor that there is none")
        (until,) = reader.unpack(_NONCE)
        reader.end()
        return cls(nonce, more == b"\1", until)
