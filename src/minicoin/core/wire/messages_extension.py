"""Messages beyond Bitcoin's, and the offer by which two nodes find out that both speak them.

1. A message beyond Bitcoin's belongs to the part that takes it, which brings its codec and its limit along: the class
   is a frozen dataclass that derives from ExtensionMessage.
2. A node offers its own once the handshake is over, in one message named `extensions`. Software that knows nothing of
   it ignores it, as it does every command it does not know; a node without any such message sends none.
3. Two nodes speak a message where both have offered it in the same version. Before that it is not sent, and what comes
   all the same is ignored. A second offer on a connection changes nothing.
4. Never on Bitcoin's networks: a node of one is not assembled with such a message.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from types import MappingProxyType
from typing import ClassVar, Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import EXTENSIONS_MAX
from minicoin.core.wire.codec_session import COMMAND_BYTES
from minicoin.core.wire.reader import Reader

_OFFERED: Final = Struct(f"<{COMMAND_BYTES}sI")
# Peers of one network speak the same; those that leave something out are few.
_SPOKEN_SHARED: Final = 64


class ExtensionMessage(ABC):
    """A message beyond Bitcoin's."""

    __slots__ = ()

    command: ClassVar[str]
    """The name in the frame's header."""
    version: ClassVar[int]
    """Of its form and meaning: what was offered in another version is not spoken."""
    payload_bytes_max: ClassVar[int]
    """A longer payload is never held in memory."""

    @abstractmethod
    def encode(self) -> bytes:
        """Its payload."""

    @classmethod
    @abstractmethod
    def decode(cls, payload: bytes) -> "ExtensionMessage":
        """What encode() gave. Raises DecodeError."""


Extensions = Mapping[str, type[ExtensionMessage]]
"""The messages beyond Bitcoin's that a node speaks, by command; the offer among them, where there are any."""

NO_EXTENSIONS: Final[Extensions] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Offer(ExtensionMessage):
    """The messages beyond Bitcoin's that its sender speaks, each with its version."""

    kinds: tuple[tuple[str, int], ...]

    command = "extensions"
    version = 1
    payload_bytes_max = 1 + EXTENSIONS_MAX * _OFFERED.size

    def encode(self) -> bytes:
        packed = [_OFFERED.pack(command.encode("ascii"), version) for command, version in self.kinds]
        return encode_compact(len(packed)) + b"".join(packed)

    @classmethod
    def decode(cls, payload: bytes) -> "Offer":
        reader = Reader(payload, cls.command)
        kinds: list[tuple[str, int]] = []
        for _ in range(reader.count(_OFFERED.size, EXTENSIONS_MAX)):
            padded, version = _OFFERED.unpack(reader.take(_OFFERED.size))
            try:
                kinds.append((padded.rstrip(b"\0").decode("ascii"), version))
            except UnicodeDecodeError as error:
                raise DecodeError("extensions names a command that is not ASCII") from error
        reader.end()
        return cls(tuple(kinds))


def offer_of(extensions: Extensions) -> Offer:
    """What a node with these says of itself."""
    return Offer(tuple((kind.command, kind.version) for kind in extensions.values() if kind is not Offer))


def spoken(extensions: Extensions, offer: Offer) -> tuple[type[ExtensionMessage], ...]:
    """Those of ours that the sender of `offer` speaks as well, in our order."""
    theirs = dict.fromkeys(offer.kinds)
    ours = (kind for kind in extensions.values() if kind is not Offer)
    return _shared(tuple(kind for kind in ours if (kind.command, kind.version) in theirs))


@lru_cache(_SPOKEN_SHARED)
def _shared(kinds: tuple[type[ExtensionMessage], ...]) -> tuple[type[ExtensionMessage], ...]:
    """One tuple for all sessions of a process that speak the same: every session keeps it."""
    return kinds
