"""The recording of a node's life as bytes: what it began with, every event with its time, checkpoints, an end mark.

Append-only records, each with its length and a checksum that also covers the records before it, so that a file cut at
any byte is read up to its last whole record. An event is written before it is handled, with a digest of all effects so
far: a core that fails leaves the event that broke it. Knows no file: bytes go out, the reader takes them in.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from struct import Struct
from typing import Final
from zlib import crc32

from minicoin.core.chain.carried import StoredChange
from minicoin.core.effects import Effect
from minicoin.core.events import Event
from minicoin.core.faults import MisuseError
from minicoin.core.forms.derived import make_codec
from minicoin.core.forms.plain import Codec
from minicoin.core.limits import HEADERS_PER_MESSAGE_MAX, RECORD_BYTES_MAX
from minicoin.core.node.assemble import NodeState
from minicoin.core.params.network import Network
from minicoin.core.params.toml_text import network_to_toml
from minicoin.core.payments.keeper import WALLET_KEY
from minicoin.core.policy.node import NodePolicy
from minicoin.core.recording.codec import EVENT, POLICY, SHAPE, digest_effect
from minicoin.core.recording.digest import PartDigests
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.core.units import Micros

MAGIC: Final = b"\x89MCREC\r\n"
"""Not text, and damaged by whatever turns line ends."""
FORMAT: Final = 2
CHECK_BYTES: Final = 4
"""Of the effects' digest in each event: enough to tell which event went another way."""

VERSION: Final = Struct("<I")
FRAME: Final = Struct("<II")
"""Length of the body, CRC-32 of it and of all bodies before it."""

_CHUNK: Final = HEADERS_PER_MESSAGE_MAX


class RecordKind(IntEnum):
    """What a record holds; its body's first byte."""

    OPENING = 1
    HEADERS = 2
    STORED = 3
    DOCUMENT = 4
    START = 5
    EVENT = 6
    CHECKPOINT = 7
    END = 8
    CERTIFICATES = 9
    CHANGES = 10


@dataclass(frozen=True, slots=True)
class Opening:
    """All a node was made of, with nothing secret in it: no wallet, no key. `version` is that of the program."""

    version: str
    network: Network
    policy: NodePolicy
    state: NodeState
    seed: bytes
    """Of the node's one random source; its keys come from elsewhere."""
    assembled_at: Micros


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state after `events` events. A brief one looks at the totals of large tables only."""

    events: int
    is_brief: bool
    parts: tuple[tuple[str, bytes], ...]
    effects: bytes


@dataclass(frozen=True, slots=True)
class RecordHead:
    """The opening's first fields; the policy follows."""

    version: str
    shape: bytes
    network: str
    network_id: bytes
    seed: bytes
    assembled_at: int
    tip: bytes | None


HEAD: Final = make_codec(RecordHead, {})
DOCUMENT: Final = make_codec(tuple[str, bytes], {})
CERTIFICATES: Final = make_codec(tuple[KeptCertificate, ...], {})
CHANGES: Final = make_codec(tuple[StoredChange, ...], {})
CHECKPOINT: Final = make_codec(Checkpoint, {})
TEXT: Final = make_codec(str, {})
INT: Final = make_codec(int, {})


class EffectsDigest:
    """A chain over all effects, one link per event: equal links, equal effects from the start on."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = bytes(32)

    def add(self, effects: Iterable[Effect]) -> None:
        """The effects of one event."""
        out = bytearray(self.value)
        for effect in effects:
            digest_effect(effect, out)
        self.value = sha256(out).digest()


class RecordingWriter:
    """Turns one node's life into records, in order. Its caller takes each result to the file."""

    def __init__(self) -> None:
        self.events = 0
        self._effects = EffectsDigest()
        self._crc = 0
        self._now = Micros(0)

    def begin(self, opening: Opening) -> Iterator[bytes]:
        """What stands in front of the first event. Raises MisuseError where it would hold a wallet."""
        state = opening.state
        if opening.policy.uses_wallet or WALLET_KEY in state.documents:
            raise MisuseError("a node with a wallet is not recorded: its keys would be in the recording")
        yield MAGIC + VERSION.pack(FORMAT)
        network = network_to_toml(opening.network)
        head = bytearray()
        tip = state.tip
        HEAD.write(
            RecordHead(
                opening.version, SHAPE, network, opening.network.network_id, opening.seed, opening.assembled_at, tip
            ),
            head,
        )
        POLICY.write(opening.policy, head)
        yield self._record(RecordKind.OPENING, head)
        headers = list(state.headers)
        for at in range(0, len(headers), _CHUNK):
            yield self._record(RecordKind.HEADERS, b"".join(header.raw for header in headers[at : at + _CHUNK]))
        stored = list(state.stored)
        for at in range(0, len(stored), _CHUNK):
            yield self._record(RecordKind.STORED, b"".join(stored[at : at + _CHUNK]))
        certificates = tuple(state.certificates)
        for at in range(0, len(certificates), _CHUNK):
            yield self._list(RecordKind.CERTIFICATES, CERTIFICATES, certificates[at : at + _CHUNK])
        changes = tuple(state.changes)
        for at in range(0, len(changes), _CHUNK):
            yield self._list(RecordKind.CHANGES, CHANGES, changes[at : at + _CHUNK])
        for pair in state.documents.items():
            document = bytearray()
            DOCUMENT.write(pair, document)
            yield self._record(RecordKind.DOCUMENT, document)
        self._now = opening.assembled_at

    def start(self, now: Micros) -> bytes:
        """The node starts; its first effects follow."""
        record = self._record(RecordKind.START, self._since(now))
        self._now = now
        return record

    def encode_event(self, event: Event, now: Micros) -> bytes:
        """An event as event() takes it, so that its size is known before. Raises MisuseError for one without a form."""
        body = self._since(now)
        body += self._effects.value[:CHECK_BYTES]
        EVENT.write(event, body)
        return bytes(body)

    def event(self, encoded: bytes, now: Micros) -> bytes:
        """An event that is about to be handled."""
        self.events += 1
        self._now = now
        return self._record(RecordKind.EVENT, encoded)

    def effects(self, effects: Iterable[Effect]) -> None:
        """What the last event, or the start, made the node want."""
        self._effects.add(effects)

    def checkpoint(self, parts: PartDigests, *, is_brief: bool) -> bytes:
        """The state as it is now."""
        body = bytearray()
        CHECKPOINT.write(Checkpoint(self.events, is_brief, tuple(parts.items()), self._effects.value), body)
        return self._record(RecordKind.CHECKPOINT, body)

    def end(self, reason: str) -> bytes:
        """Nothing follows."""
        body = bytearray()
        TEXT.write(reason, body)
        return self._record(RecordKind.END, body)

    def _since(self, now: Micros) -> bytearray:
        out = bytearray()
        INT.write(now - self._now, out)
        return out

    def _list(self, kind: RecordKind, codec: Codec, items: tuple[object, ...]) -> bytes:
        body = bytearray()
        codec.write(items, body)
        return self._record(kind, body)

    def _record(self, kind: RecordKind, rest: bytes | bytearray) -> bytes:
        body = bytes((kind,)) + rest
        if len(body) > RECORD_BYTES_MAX:
            raise MisuseError(f"a record of {len(body)} bytes, at most {RECORD_BYTES_MAX} are allowed")
        self._crc = crc32(body, self._crc)
        return FRAME.pack(len(body), self._crc) + body
