"""What outside may read of the records that nodes keep for each other, as frozen values."""

from dataclasses import dataclass

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import QUERY_PAGE_RECORDS_MAX
from minicoin.core.records.kinds import ALERT, KINDS
from minicoin.core.records.record import SignedRecord, decode_record
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class RecordReport:
    """One live record."""

    kind: str
    key: str
    version: int
    """Microseconds of the clock of whoever signed it."""
    expires_s: int
    """Unix time; 0 for never."""
    value: bytes
    signers: tuple[bytes, ...]
    """Peer ids."""


class RecordQueries:
    """Reads of one moment. Where nodes exchange no records, there are none."""

    def __init__(self, view: NodeView) -> None:
        self._records = view.records

    @property
    def is_on(self) -> bool:
        """Whether the nodes of this network exchange records."""
        return self._records is not None

    def count(self, kind: str = "") -> int:
        """How many there are, of one kind or of all. Raises MisuseError for an unknown kind."""
        return sum(len(self._of_kind(name)) for name in _named(kind))

    def listing(self, kind: str, count: int, skip: int = 0) -> tuple[RecordReport, ...]:
        """A page of one kind, or of all kinds where it is empty. Raises MisuseError for an unknown kind."""
        found: list[SignedRecord] = []
        for name in _named(kind):
            found += self._of_kind(name)
        return tuple(map(_report, found[skip : skip + min(count, QUERY_PAGE_RECORDS_MAX)]))

    def find(self, kind: str, signer: bytes, key: str) -> RecordReport | None:
        """The record in one place; the signer of a kind that several sign together is empty. Raises MisuseError for an
        unknown kind."""
        _named(kind)
        found = None if self._records is None else self._records.get(kind, signer, key)
        return None if found is None else _report(found)

    def alerts(self) -> tuple[str, ...]:
        """The alerts in force, as lines of text."""
        return tuple(f"alert by {PeerId(record.owner)}: {_as_text(record.value)}" for record in self._of_kind(ALERT))

    def _of_kind(self, kind: str) -> tuple[SignedRecord, ...]:
        return () if self._records is None else self._records.of_kind(kind)


def is_signed_together(kind: str) -> bool:
    """Whether several sign a record of this kind, so that it is none of theirs. Raises MisuseError for an unknown
    kind."""
    row = KINDS.get(kind)
    if row is None:
        raise _unknown(kind)
    return row.is_shared


def signer_text(kind: str, signer: bytes) -> str:
    """A signer as people read it: a member's key, or a peer id."""
    return signer.hex() if KINDS[kind].names_members else str(PeerId(signer))


def parse_signer(kind: str, text: str) -> bytes:
    """Whose place it is, as a person writes it; nobody's where several sign together. Raises DecodeError, and
    MisuseError for an unknown kind."""
    if is_signed_together(kind):
        return b""
    if not KINDS[kind].names_members:
        return PeerId.parse(text).multihash
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise DecodeError(f"a member's key is hexadecimal, not {text!r}") from error


def read_report(encoded: bytes) -> RecordReport:
    """What bytes of a record say. Raises DecodeError."""
    return _report(decode_record(encoded))


def _named(kind: str) -> tuple[str, ...]:
    if kind and kind not in KINDS:
        raise _unknown(kind)
    return (kind,) if kind else tuple(KINDS)


def _unknown(kind: str) -> MisuseError:
    return MisuseError(f"no records of kind {kind!r}; there are {', '.join(KINDS)}")


def _as_text(value: bytes) -> str:
    """Control characters are no text: a terminal would obey them."""
    text = value.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else f"0x{value.hex()}"


def _report(record: SignedRecord) -> RecordReport:
    signers = tuple(one.signer for one in record.signatures)
    return RecordReport(record.kind, record.key, record.version, record.expires_s, record.value, signers)
