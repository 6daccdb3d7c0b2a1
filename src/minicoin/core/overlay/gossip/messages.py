"""The model's own messages: shuffle and shuffled renew views, seek and sought find peers. Each pair is a question and
its answer with the same nonce, drawn by who asks. A partner speaks those that repair the ledger too (overlay/repair).
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.encoding.multiaddr import PEER_ID_BYTES_MAX
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.keys import PUBLIC_KEY_BYTES_MAX
from minicoin.core.limits import (
    GOSSIP_HOPS_MAX,
    GOSSIP_SHUFFLE_ENTRIES_MAX,
    GOSSIP_SIGNATURE_BYTES_MAX,
    MULTIADDR_BYTES_MAX,
)
from minicoin.core.overlay.gossip.alive import Alive, read_alive
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_NONCE: Final = Struct("<Q")
_AGE: Final = Struct("<H")
_SEEK: Final = Struct("<QB")
# An age, three lengths of up to three bytes, and the version.
_ENTRY_BYTES_MAX: Final = _AGE.size + 9 + MULTIADDR_BYTES_MAX + 12 + PUBLIC_KEY_BYTES_MAX + GOSSIP_SIGNATURE_BYTES_MAX
_ENTRY_BYTES_MIN: Final = 26
_AGE_S_MAX: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Heard:
    """A statement as it is passed on, and how long ago it was made, as all that passed it on say."""

    alive: Alive
    age_s: int

    @property
    def age_us(self) -> int:
        return self.age_s * SECOND_US

    def encode(self) -> bytes:
        return _AGE.pack(self.age_s) + self.alive.encode()


def age_of(said_at: Micros, now: Micros) -> int:
    """In seconds, begun ones counted, or each hop would make it younger."""
    return min(max(0, -((said_at - now) // SECOND_US)), _AGE_S_MAX)


def _read_heard(reader: Reader) -> Heard:
    (age_s,) = reader.unpack(_AGE)
    return Heard(read_alive(reader), age_s)


def _encode_entries(nonce: int, entries: tuple[Heard, ...]) -> bytes:
    return _NONCE.pack(nonce) + encode_compact(len(entries)) + b"".join([entry.encode() for entry in entries])


def _decode_entries(payload: bytes, what: str) -> tuple[int, tuple[Heard, ...]]:
    reader = Reader(payload, what)
    (nonce,) = reader.unpack(_NONCE)
    entries = tuple(_read_heard(reader) for _ in range(reader.count(_ENTRY_BYTES_MIN, GOSSIP_SHUFFLE_ENTRIES_MAX)))
    reader.end()
    return nonce, entries


@dataclass(frozen=True, slots=True)
class Shuffle(ExtensionMessage):
    """What the sender says of itself, and some of its view; the receiver answers with some of its own."""

    nonce: int
    entries: tuple[Heard, ...]

    command = "shuffle"
    version = 1
    payload_bytes_max = _NONCE.size + 1 + GOSSIP_SHUFFLE_ENTRIES_MAX * _ENTRY_BYTES_MAX

    def encode(self) -> bytes:
        return _encode_entries(self.nonce, self.entries)

    @classmethod
    def decode(cls, payload: bytes) -> "Shuffle":
        return cls(*_decode_entries(payload, cls.command))


@dataclass(frozen=True, slots=True)
class Shuffled(ExtensionMessage):
    """The answer to a shuffle."""

    nonce: int
    entries: tuple[Heard, ...]

    command = "shuffled"
    version = 1
    payload_bytes_max = Shuffle.payload_bytes_max

    def encode(self) -> bytes:
        return _encode_entries(self.nonce, self.entries)

    @classmethod
    def decode(cls, payload: bytes) -> "Shuffled":
        return cls(*_decode_entries(payload, cls.command))


@dataclass(frozen=True, slots=True)
class Seek(ExtensionMessage):
    """Do you know this peer id? If not, ask others, as long as `hops` is more than zero."""

    nonce: int
    hops: int
    target: bytes

    command = "seek"
    version = 1
    payload_bytes_max = _SEEK.size + 1 + PEER_ID_BYTES_MAX

    def encode(self) -> bytes:
        return _SEEK.pack(self.nonce, self.hops) + encode_compact(len(self.target)) + self.target

    @classmethod
    def decode(cls, payload: bytes) -> "Seek":
        reader = Reader(payload, cls.command)
        nonce, hops = reader.unpack(_SEEK)
        if hops > GOSSIP_HOPS_MAX:
            raise DecodeError(f"seek over {hops} hops, at most {GOSSIP_HOPS_MAX} allowed")
        target = reader.var_bytes(PEER_ID_BYTES_MAX)
        reader.end()
        if not target:
            raise DecodeError("seek for nobody")
        return cls(nonce, hops, target)


@dataclass(frozen=True, slots=True)
class Sought(ExtensionMessage):
    """The answer to a seek: what the node that was sought says of itself. Who does not know it says nothing."""

    nonce: int
    found: Heard

    command = "sought"
    version = 1
    payload_bytes_max = _NONCE.size + _ENTRY_BYTES_MAX

    def encode(self) -> bytes:
        return _NONCE.pack(self.nonce) + self.found.encode()

    @classmethod
    def decode(cls, payload: bytes) -> "Sought":
        reader = Reader(payload, cls.command)
        (nonce,) = reader.unpack(_NONCE)
        found = _read_heard(reader)
        reader.end()
        return cls(nonce, found)


MESSAGES: Final[tuple[type[ExtensionMessage], ...]] = (Shuffle, Shuffled, Pull, Pulled, Seek, Sought)
"""A partner speaks them all."""
