"""What one node knows of a statement that members sign again and again, each version in the place of the one before:
the versions it went by, evidence of a split, and what its own member signed.

1. The highest version a node has seen holds, across restarts, and never an older one. Nor may the height that it names
   be lower than that of the version before: a list that is long gone decides nothing new.
2. Two contents of one version, each signed by a quorum, are evidence: the first that a node met holds until the next
   version, and the second is kept beside it.
3. A member signs one content of a version. What it signs is written down before the key is asked.

What comes in was checked (records/store). The document is for the next start; it is checked for damage only, since who
signed a height need not be known again by then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Generic, TypeVar

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import STATEMENT_DOCUMENT_BYTES_MAX, STATEMENT_HISTORY_MAX
from minicoin.core.records.record import SignedRecord, statement_record
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.settings import ConfigurationRecord
from minicoin.core.signers.statements import StatementKind
from minicoin.core.wire.reader import Reader

_HASH_BYTES: Final = 32

S = TypeVar("S", AdmissionRecord, ConfigurationRecord)


@dataclass(frozen=True, slots=True)
class StatementForm(Generic[S]):
    """How one kind of statement is published, signed and written down."""

    what: str
    """In sentences: the admission."""
    record_kind: str
    draft_kind: str
    statement: StatementKind
    decode: Callable[[bytes], S]
    decode_body: Callable[[bytes], S]
    bytes_max: int
    document_key: str
    """The SaveState key of the document."""
    magic: bytes

    def read(self, record: SignedRecord) -> S:
        """The statement with the signatures of a record of it."""
        found = self.decode_body(record.value)
        for one in record.signatures:
            found = found.with_signature(one.signer, one.signature)
        return found

    def record(self, statement: S) -> SignedRecord:
        """As a quorum signed it."""
        return statement_record(self.record_kind, statement.version, statement.body(), statement.signatures)

    def draft(self, statement: S) -> SignedRecord:
        """As one member signed it."""
        return statement_record(self.draft_kind, statement.version, statement.body(), statement.signatures)


class StatementState(Generic[S]):
    """Begins with a version that nobody signed."""

    def __init__(self, form: StatementForm[S], first: S) -> None:
        self.form: StatementForm[S] = form
        self._history: list[S] = [first]
        self.split: tuple[S, S] | None = None
        """Two contents of one version, each signed by a quorum: the latest that came to be known."""
        self.signed: S | None = None
        """The highest version that this node's member signed, or was about to, without signatures."""

    @property
    def current(self) -> S:
        """By which the node goes."""
        return self._history[-1]

    @property
    def history(self) -> tuple[S, ...]:
        """The versions it went by, lowest first; of many the last STATEMENT_HISTORY_MAX."""
        return tuple(self._history)

    def take(self, statement: S) -> bool:
        """A later version; whether the node goes by it now."""
        current = self.current
        if statement.version <= current.version or statement.height < current.height:
            return False
        self._history.append(statement)
        del self._history[:-STATEMENT_HISTORY_MAX]
        return True

    def note_split(self, statement: S) -> bool:
        """A second content of a version; whether that is news."""
        held = next((one for one in self._history if one.version == statement.version), None)
        if held is None or held.hash == statement.hash:
            return False
        if self.split is not None and self.split[1].hash == statement.hash:
            return False
        self.split = (held, statement)
        return True

    # --- restart ---

    def to_bytes(self, network_id: bytes) -> bytes:
        split = () if self.split is None else self.split
        signed = () if self.signed is None else (self.signed,)
        body = self.form.magic + network_id + b"".join(map(_write, (tuple(self._history), split, signed)))
        return body + sha256(body).digest()

    def restore(self, raw: bytes, network_id: bytes) -> None:
        """What to_bytes() gave takes the place of all that is known. Raises DecodeError that says what is wrong."""
        what, magic = self.form.what, self.form.magic
        if len(raw) > STATEMENT_DOCUMENT_BYTES_MAX or not raw.startswith(magic):
            raise DecodeError(f"not a document of {what}, or of a format that this version does not know")
        body = raw[:-_HASH_BYTES]
        if sha256(body).digest() != raw[-_HASH_BYTES:]:
            raise DecodeError(f"the checksum of {what} does not match: it is damaged or cut short")
        reader = Reader(body, what)
        reader.take(len(magic))
        if reader.take(len(network_id)) != network_id:
            raise DecodeError(f"{what} of another network")
        history, split, signed = self._read(reader, STATEMENT_HISTORY_MAX), self._read(reader, 2), self._read(reader, 1)
        reader.end()
        versions = [statement.version for statement in history]
        if not versions or versions != sorted(dict.fromkeys(versions)) or len(split) == 1:
            raise DecodeError(f"the versions of {what} stand in order, each once, and a split has two")
        self._history = list(history)
        self.split = (split[0], split[1]) if split else None
        self.signed = signed[0] if signed else None

    def _read(self, reader: Reader, count_max: int) -> tuple[S, ...]:
        form = self.form
        return tuple(form.decode(reader.var_bytes(form.bytes_max)) for _ in range(reader.count(1, count_max)))


def _write(statements: tuple[AdmissionRecord, ...] | tuple[ConfigurationRecord, ...]) -> bytes:
    encoded = [statement.encode() for statement in statements]
    return encode_compact(len(encoded)) + b"".join(encode_compact(len(one)) + one for one in encoded)
