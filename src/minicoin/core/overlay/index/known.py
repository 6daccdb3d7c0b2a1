"""The members a node knows, whoever named them: bounded, and what is kept of them over a stop.

Where there is no room those go first that left, then those whose records are oldest. A record that has expired still
tells where its member was; who connects finds out.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import INDEX_KNOWN_MAX
from minicoin.core.overlay.index.entry import MemberEntry, is_genuine, read_entry
from minicoin.core.records.record import RECORD_BYTES_MIN, read_record
from minicoin.core.wire.reader import Reader

_FORM: Final = 1


@dataclass(slots=True)
class Known:
    """A member."""

    entry: MemberEntry
    has_left: bool = False
    is_remembered: bool = False
    """From an earlier run: no index of this one led us to it."""
    missed: int = 0
    """Times in a row that we wanted to be connected to it in vain."""


class KnownMembers:
    """By peer id."""

    def __init__(self, network_id: bytes, own: bytes = b"") -> None:
        self._network_id = network_id
        self._own = own
        self._known: dict[bytes, Known] = {}
        self.changes = 0
        """How often something became known or was forgotten."""

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Known]:
        return iter(self._known.values())

    def get(self, peer_id: bytes) -> Known | None:
        """What is known of a member."""
        return self._known.get(peer_id)

    def learn(self, entry: MemberEntry) -> bool:
        """Somebody named a member; whether its record holds. One older than what is known is left alone, and so are
        we."""
        if entry.peer_id == self._own:
            return True
        known = self._known.get(entry.peer_id)
        if known is not None and entry.record.version <= known.entry.record.version:
            # What we hold was checked; an equal version with another value is not taken.
            known.has_left = False
            return True
        if not is_genuine(entry, self._network_id):
            return False
        if known is None:
            self._known[entry.peer_id] = Known(entry)
        else:
            known.entry, known.has_left = entry, False
        self.changes += 1
        if len(self._known) > INDEX_KNOWN_MAX:
            del self._known[min(self._known, key=self._worth)]
        return True

    def _worth(self, peer_id: bytes) -> tuple[bool, int, bytes]:
        known = self._known[peer_id]
        return not known.has_left, known.entry.record.version, peer_id

    def note_tries(self, wanted: Iterable[bytes], met: Container[bytes]) -> None:
        """Whom of those we wanted to be connected to we are, by now."""
        for peer_id in wanted:
            known = self._known.get(peer_id)
            if known is not None:
                known.missed = 0 if peer_id in met else known.missed + 1

    def unreached(self, members: Container[bytes], met: Container[bytes]) -> tuple[int, int]:
        """Of these members, how many could not be reached, and how many were tried; `met` are those that we wanted and
        reached."""
        missed = sum(bool(one.missed) for peer_id, one in self._known.items() if peer_id in members)
        there = sum(peer_id in members and peer_id in met for peer_id in self._known)
        return missed, missed + there

    def on_left(self, peer_id: bytes) -> None:
        """An index says that a member left."""
        known = self._known.get(peer_id)
        if known is not None:
            known.has_left = True

    # --- over a stop ---

    def to_bytes(self) -> bytes:
        """The document."""
        records = [known.entry.record.encode() for known in self._known.values()]
        return encode_compact(_FORM) + encode_compact(len(records)) + b"".join(records)

    def restore(self, raw: bytes) -> None:
        """What to_bytes gave. Raises DecodeError."""
        for entry in _read(raw):
            # Signed for this network when it was kept; a disk is not an attacker.
            self._known[entry.peer_id] = Known(entry, is_remembered=True)


def _read(raw: bytes) -> Iterable[MemberEntry]:
    reader = Reader(raw, "known members")
    form = reader.compact()
    if form != _FORM:
        raise DecodeError(f"known members of form {form}; this minicoin reads form {_FORM}")
    entries = [read_entry(read_record(reader)) for _ in range(reader.count(RECORD_BYTES_MIN, INDEX_KNOWN_MAX))]
    reader.end()
    return entries
