"""Reads a recording back: the opening first, then entry by entry. Says where a file is cut, foreign or damaged.

A file that ends inside a record was cut by a crash and is good up to there. A record whose checksum is wrong is damage,
and nothing behind it is believed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, cast
from zlib import crc32

from minicoin.core.chain.carried import StoredChange
from minicoin.core.events import Event
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import RECORD_BYTES_MAX
from minicoin.core.node.assemble import NodeState
from minicoin.core.overlay.forms import FORMS
from minicoin.core.params.network import Network
from minicoin.core.params.table import parse_toml
from minicoin.core.params.toml import network_from_mapping
from minicoin.core.primitives.block import HEADER_SIZE, BlockHash, BlockHeader
from minicoin.core.recording.codec import EVENT, SHAPE, decode_policy
from minicoin.core.recording.writer import (
    CERTIFICATES,
    CHANGES,
    CHECK_BYTES,
    CHECKPOINT,
    DOCUMENT,
    FORMAT,
    FRAME,
    HEAD,
    INT,
    MAGIC,
    TEXT,
    VERSION,
    Checkpoint,
    Opening,
    RecordHead,
    RecordKind,
)
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.core.units import Micros
from minicoin.core.wire.reader import Reader

ReadBytes = Callable[[int], bytes]
"""At most so many bytes; fewer only at the end of the file."""

_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class StartEntry:
    """The node was started."""

    now: Micros


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event; `check` are the first bytes of the digest of all effects before it."""

    now: Micros
    check: bytes
    event: Event


@dataclass(frozen=True, slots=True)
class EndEntry:
    """The recording was ended on purpose."""

    reason: str


Entry = StartEntry | EventEntry | Checkpoint | EndEntry


@dataclass(frozen=True, slots=True)
class _Record:
    kind: RecordKind
    reader: Reader


class RecordingReader:
    """One pass over a recording. Raises MisuseError for a file that is none of ours, DecodeError for a damaged one."""

    def __init__(self, read: ReadBytes) -> None:
        self._read = read
        self._crc = 0
        self._position = 0
        self.is_cut = False
        """Set at the end: the last record is not whole, or the end mark is missing."""
        self._check_magic()
        self._ahead: _Record | None = None
        self.opening = self._read_opening()

    def entries(self) -> Iterator[Entry]:
        """Everything behind the opening, in order. Raises DecodeError where the file is damaged."""
        now = self.opening.assembled_at
        record, self._ahead = self._ahead, None
        while record is not None:
            entry = _entry(record, now)
            if isinstance(entry, StartEntry | EventEntry):
                now = entry.now
            yield entry
            if isinstance(entry, EndEntry):
                return
            record = self._next()
        self.is_cut = True

    # --- inside ---

    def _check_magic(self) -> None:
        found = self._take(len(MAGIC) + VERSION.size)
        if not found.startswith(MAGIC):
            raise MisuseError("not a recording of a minicoin node")
        if len(found) < len(MAGIC) + VERSION.size:
            raise DecodeError("the recording is cut before its first record")
        (form,) = VERSION.unpack_from(found, len(MAGIC))
        if form != FORMAT:
            raise MisuseError(f"a recording of format {form}; this minicoin reads format {FORMAT}")

    def _read_opening(self) -> Opening:
        record = self._next()
        if record is None or record.kind is not RecordKind.OPENING:
            raise DecodeError("the recording is cut before its first record")
        head = cast(RecordHead, HEAD.read(record.reader))
        if head.shape != SHAPE:
            raise MisuseError(
                f"recorded by minicoin {head.version}, whose events and effects have another form than this one's: "
                "replay it with that version"
            )
        network = _network(head)
        policy = decode_policy(record.reader)
        headers: list[BlockHeader] = []
        stored: list[BlockHash] = []
        documents: dict[str, bytes] = {}
        certificates: tuple[KeptCertificate, ...] = ()
        changes: tuple[StoredChange, ...] = ()
        while True:
            self._ahead = self._next()
            match self._ahead:
                case _Record(RecordKind.HEADERS, reader):
                    headers += (reader.header() for _ in range(reader.remaining // HEADER_SIZE))
                case _Record(RecordKind.STORED, reader):
                    stored += map(BlockHash, reader.hashes(reader.remaining // _HASH_BYTES))
                case _Record(RecordKind.CERTIFICATES, reader):
                    certificates += cast(tuple[KeptCertificate, ...], CERTIFICATES.read(reader))
                case _Record(RecordKind.CHANGES, reader):
                    changes += cast(tuple[StoredChange, ...], CHANGES.read(reader))
                case _Record(RecordKind.DOCUMENT, reader):
                    key, value = cast(tuple[str, bytes], DOCUMENT.read(reader))
                    documents[key] = value
                case _:
                    break
        tip = None if head.tip is None else BlockHash(head.tip)
        state = NodeState(tuple(headers), tuple(stored), tip, documents, certificates, changes)
        return Opening(head.version, network, policy, state, head.seed, Micros(head.assembled_at))

    def _next(self) -> _Record | None:
        """The next whole record, or None at the end."""
        frame = self._take(FRAME.size)
        if len(frame) < FRAME.size:
            return None
        length, checksum = FRAME.unpack(frame)
        start = self._position - FRAME.size
        if not 0 < length <= RECORD_BYTES_MAX:
            raise DecodeError(f"the recording is damaged at byte {start}: a record of {length} bytes")
        body = self._take(length)
        if len(body) < length:
            return None
        self._crc = crc32(body, self._crc)
        if self._crc != checksum:
            raise DecodeError(f"the recording is damaged at byte {start}: a wrong checksum")
        try:
            return _Record(RecordKind(body[0]), Reader(body[1:], f"record at byte {start}"))
        except ValueError:
            raise DecodeError(f"the recording is damaged at byte {start}: a record of kind {body[0]}") from None

    def _take(self, count: int) -> bytes:
        found = self._read(count)
        self._position += len(found)
        return found


def _network(head: RecordHead) -> Network:
    try:
        network = network_from_mapping(parse_toml(head.network), FORMS)
    except MisuseError as error:
        raise DecodeError(f"the recording's network cannot be read: {error}") from error
    if network.network_id != head.network_id:
        raise MisuseError(f"recorded by minicoin {head.version}, for which these rules are another network")
    return network


def _entry(record: _Record, before: Micros) -> Entry:
    reader = record.reader
    match record.kind:
        case RecordKind.START:
            return StartEntry(Micros(before + cast(int, INT.read(reader))))
        case RecordKind.EVENT:
            now = Micros(before + cast(int, INT.read(reader)))
            return EventEntry(now, reader.take(CHECK_BYTES), cast(Event, EVENT.read(reader)))
        case RecordKind.CHECKPOINT:
            return cast(Checkpoint, CHECKPOINT.read(reader))
        case RecordKind.END:
            return EndEntry(cast(str, TEXT.read(reader)))
        case _:
            raise DecodeError(f"a record of kind {record.kind.name} behind the opening")
