"""One entry of the audit log as a line: canonical JSON (ASCII, names sorted, no blanks) and a line feed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.limits import AUDIT_ENTRY_BYTES_MAX
from minicoin.core.units import Micros

Value = None | bool | int | str | Sequence["Value"] | Mapping[str, "Value"]
Fields = Mapping[str, Value]

NONE_BEFORE: Final = bytes(32)
"""What stands in the first entry for the one before it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Final = frozenset(("fields", "height", "kind", "prev", "seq", "time"))


class EntryKind(StrEnum):
    """What an entry says."""

    NETWORK = "network"
    """The log begins: whose it is, and what the network was founded with."""
    SEGMENT = "segment"
    """A file begins: how far the log has come."""
    START = "start"
    STOP = "stop"
    MENDED = "mended"
    """The last line was cut short, by a crash or a full disk, and was taken away."""
    GAP = "gap"
    """Votes of these heights may be missing."""
    LOST = "lost"
    """So many entries could not be written, and are gone."""
    MEMBERS = "members"
    """A block carries a change of the member list."""
    RECOVERY = "recovery"
    """A recovery that the configuration names took over behind a block."""
    RECOVERY_SIGNED = "recovery-signed"
    """Our member signed one, and signs no more block for the list that it takes over from."""
    RECOVERY_UNNAMED = "recovery-unnamed"
    """Peers follow one that the configuration does not name."""
    RECOVERY_CONTRADICTED = "recovery-contradicted"
    """Members went on without one that it names, to a block that is left behind."""
    SETTINGS = "settings"
    """A block carries a change of what validity depends on."""
    CONFIGURATION = "configuration"
    """Another version says what validity does not depend on."""
    ADMISSION = "admission"
    """Another version says who may connect."""
    VOTE = "vote"
    """Our member signed."""
    EVIDENCE = "evidence"
    PROPOSAL_REFUSED = "proposal-refused"
    PEER_REFUSED = "peer-refused"
    """Somebody who is not admitted."""
    SIGNING_STOPPED = "signing-stopped"


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """An entry that has no place in the log yet."""

    time: Micros
    """By the wall."""
    height: int
    """What it is about, or the tip's when it was told."""
    kind: EntryKind
    fields: Fields = field(default_factory=dict)

    @property
    def vote(self) -> tuple[int, str, str] | None:
        """(round, kind, block or nothing) of a vote."""
        round_, kind, block = (self.fields.get(name) for name in ("round", "kind", "block"))
        if self.kind is not EntryKind.VOTE or not isinstance(round_, int) or not isinstance(kind, str):
            return None
        return round_, kind, block if isinstance(block, str) else ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the log."""

    sequence: int
    previous: bytes
    draft: AuditDraft

    @property
    def kind(self) -> EntryKind:
        return self.draft.kind

    @property
    def height(self) -> int:
        return self.draft.height

    @property
    def fields(self) -> Fields:
        return self.draft.fields

    def encode(self) -> bytes:
        """The line, without its line feed."""
        return _canonical(
            {
                "fields": self.fields,
                "height": self.height,
                "kind": self.kind.value,
                "prev": self.previous.hex(),
                "seq": self.sequence,
                "time": moment(self.draft.time),
            }
        )

    def shown(self) -> dict[str, Value]:
        """As it is printed: what the line says, and its own hash."""
        line = self.encode()
        found: dict[str, Value] = json.loads(line)
        return found | {"hash": line_hash(line).hex()}


def line_hash(line: bytes) -> bytes:
    """What the entry behind a line names."""
    return sha256(line).digest()


def parse_entry(line: bytes) -> AuditEntry:
    """What encode() gave. Raises DecodeError that says what is wrong with the line."""
    if len(line) > AUDIT_ENTRY_BYTES_MAX:
        raise DecodeError(f"a line of {len(line)} bytes, at most {AUDIT_ENTRY_BYTES_MAX}")
    try:
        found = json.loads(line, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DecodeError("it is no JSON of the form that entries have") from error
    if not isinstance(found, dict) or set(found) != _NAMES:
        raise DecodeError("it lacks a part of an entry, or has another")
    sequence, height, fields = found["seq"], found["height"], found["fields"]
    if not isinstance(fields, dict) or type(sequence) is not int or type(height) is not int:
        raise DecodeError("its number, height or fields are none")
    try:
        kind = EntryKind(found["kind"])
        previous = bytes.fromhex(found["prev"])
        time = _time(found["time"])
    except (ValueError, TypeError, OverflowError) as error:
        raise DecodeError("its kind, time or hash is none that this version knows") from error
    entry = AuditEntry(sequence, previous, AuditDraft(time, height, kind, fields))
    if sequence < 0 or height < 0 or len(previous) != len(NONE_BEFORE) or entry.encode() != line:
        raise DecodeError("it is not written as entries are")
    return entry


def moment(time: Micros) -> str:
    """A time as entries have it: UTC, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=time)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _time(text: str) -> Micros:
    return Micros((datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1))


def _canonical(value: Fields) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def _refuse(text: str) -> None:
    raise ValueError(f"{text} stands in no entry")
