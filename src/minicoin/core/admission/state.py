"""What one node knows of admissions: the versions it went by, evidence of a split, and what its member signed.

What comes in was checked (records/store). The document is for the next start; it is checked for damage only, since who
signed a height need not be known again by then.
"""

from hashlib import sha256
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import ADMISSION_DOCUMENT_BYTES_MAX, ADMISSION_HISTORY_MAX
from minicoin.core.signers.admission import ADMISSION_BYTES_MAX, AdmissionRecord, AdmissionRow, AdmittedRole
from minicoin.core.signers.members import MemberList
from minicoin.core.wire.reader import Reader

ADMISSION_KEY: Final = "admission"
"""The SaveState key of the document."""
_MAGIC: Final = b"mcad\x01"
_HASH_BYTES: Final = 32

Split = tuple[AdmissionRecord, AdmissionRecord]


class AdmissionState:
    """Begins with the network file's version."""

    def __init__(self, first: AdmissionRecord) -> None:
        self._history: list[AdmissionRecord] = [first]
        self._admitted = first.admitted()
        self.split: Split | None = None
        """Two contents of one version, each signed by a quorum: the latest that came to be known."""
        self.signed: AdmissionRecord | None = None
        """The highest version that this node's member signed, or was about to, without signatures."""

    @property
    def current(self) -> AdmissionRecord:
        """By which the node goes."""
        return self._history[-1]

    @property
    def history(self) -> tuple[AdmissionRecord, ...]:
        """The versions it went by, lowest first; of many the last ADMISSION_HISTORY_MAX."""
        return tuple(self._history)

    @property
    def peer_ids(self) -> tuple[bytes, ...]:
        """Who may connect."""
        return tuple(self._admitted)

    def row_of(self, peer_id: bytes) -> AdmissionRow | None:
        """The bank whose node it is."""
        return self._admitted.get(peer_id)

    def role_of(self, peer_id: bytes) -> AdmittedRole | None:
        """What it is admitted as; None where it is not."""
        row = self._admitted.get(peer_id)
        return None if row is None else row.role

    def signers_of(self, members: MemberList) -> tuple[bytes, ...]:
        """The nodes that are admitted to sign for these members."""
        rows = [row for row in self.current.rows if row.key is not None and row.key in members]
        return tuple(peer_id for row in rows for peer_id in row.peer_ids)

    def take(self, record: AdmissionRecord) -> bool:
        """A later version; whether the node goes by it now."""
        current = self.current
        if record.version <= current.version or record.height < current.height:
            return False
        self._history.append(record)
        del self._history[:-ADMISSION_HISTORY_MAX]
        self._admitted = record.admitted()
        return True

    def note_split(self, record: AdmissionRecord) -> bool:
        """A second content of a version; whether that is news."""
        held = next((one for one in self._history if one.version == record.version), None)
        if held is None or held.hash == record.hash:
            return False
        if self.split is not None and self.split[1].hash == record.hash:
            return False
        self.split = (held, record)
        return True

    # --- restart ---

    def to_bytes(self, network_id: bytes) -> bytes:
        split = () if self.split is None else self.split
        signed = () if self.signed is None else (self.signed,)
        body = _MAGIC + network_id + b"".join(map(_write, (tuple(self._history), split, signed)))
        return body + sha256(body).digest()

    @classmethod
    def from_bytes(cls, raw: bytes, first: AdmissionRecord, network_id: bytes) -> "AdmissionState":
        """What to_bytes() gave. Raises DecodeError that says what is wrong."""
        if len(raw) > ADMISSION_DOCUMENT_BYTES_MAX or not raw.startswith(_MAGIC):
            raise DecodeError("not a document of admissions, or of a format that this version does not know")
        body = raw[:-_HASH_BYTES]
        if sha256(body).digest() != raw[-_HASH_BYTES:]:
            raise DecodeError("the admission's checksum does not match: it is damaged or cut short")
        reader = Reader(body, "admission")
        reader.take(len(_MAGIC))
        if reader.take(len(network_id)) != network_id:
            raise DecodeError("an admission of another network")
        history, split, signed = _read(reader, ADMISSION_HISTORY_MAX), _read(reader, 2), _read(reader, 1)
        reader.end()
        versions = [record.version for record in history]
        if not versions or versions != sorted(dict.fromkeys(versions)) or len(split) == 1:
            raise DecodeError("the versions of an admission stand in order, each once, and a split has two")
        state = cls(first)
        state._history = list(history)
        state._admitted = state.current.admitted()
        state.split = (split[0], split[1]) if split else None
        state.signed = signed[0] if signed else None
        return state


def _write(records: tuple[AdmissionRecord, ...]) -> bytes:
    encoded = [record.encode() for record in records]
    return encode_compact(len(encoded)) + b"".join(encode_compact(len(one)) + one for one in encoded)


def _read(reader: Reader, count_max: int) -> tuple[AdmissionRecord, ...]:
    return tuple(
        AdmissionRecord.decode(reader.var_bytes(ADMISSION_BYTES_MAX)) for _ in range(reader.count(1, count_max))
    )
