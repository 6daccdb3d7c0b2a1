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
from minicoin.core.overlay.index.ids import PeerIds
from minicoin.core.records.record import RECORD_BYTES_MIN, read_record
from minicoin.core.wire.reader import Reader

_FORM: Final = 1


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a member at one moment."""

    entry: MemberEntry
    has_left: bool = False
    is_remembered: bool = False
    """From an earlier run: no index of this one led us to it."""
    missed: int = 0
    """Times in a row that we wanted to be connected to it in vain."""


class KnownMembers:
    """By peer id. What holds for few of them stands apart from what is kept of each."""

    def __init__(self, network_id: bytes, own: bytes = b"") -> None:
        self._network_id = network_id
        self._own = own
        self._ids = PeerIds()
        self._entries: list[MemberEntry] = []
        """Of each, at the same place."""
        self._left: dict[bytes, None] = {}
        self._remembered: dict[bytes, None] = {}
        self._missed: dict[bytes, int] = {}
        self.changes = 0
        """How often something became known or was forgotten."""

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Known]:
        return map(self._known, self._entries)

    def __contains__(self, peer_id: object) -> bool:
        return peer_id in self._ids

    def get(self, peer_id: bytes) -> Known | None:
        """What is known of a member."""
        place = self._ids.find(peer_id)
        return None if place is None else self._known(self._entries[place])

    def _known(self, entry: MemberEntry) -> Known:
        peer_id = entry.peer_id
        return Known(entry, peer_id in self._left, peer_id in self._remembered, self._missed.get(peer_id, 0))

    def learn(self, entry: MemberEntry) -> bool:
        """Somebody named a member; whether its record holds. One older than what is known is left alone, and so are
        we."""
        peer_id = entry.peer_id
        if peer_id == self._own:
            return True
        place = self._ids.find(peer_id)
        if place is not None and entry.record.version <= self._entries[place].record.version:
            # What we hold was checked; an equal version with another value is not taken.
            self._left.pop(peer_id, None)
            return True
        if not is_genuine(entry, self._network_id):
            return False
        self._put(entry)
        self._left.pop(peer_id, None)
        self.changes += 1
        if len(self._ids) > INDEX_KNOWN_MAX:
            self._forget(min(self._left or self._ids, key=self._age))
        return True

    def _put(self, entry: MemberEntry) -> None:
        before = len(self._ids)
        place = self._ids.add(entry.peer_id)
        if len(self._ids) > before:
            self._entries.insert(place, entry)
        else:
            self._entries[place] = entry

    def _forget(self, peer_id: bytes) -> None:
        place = self._ids.discard(peer_id)
        assert place is not None
        del self._entries[place]
        for marks in (self._left, self._remembered, self._missed):
            marks.pop(peer_id, None)

    def _age(self, peer_id: bytes) -> tuple[int, bytes]:
        place = self._ids.find(peer_id)
        assert place is not None
        return self._entries[place].record.version, peer_id

    def note_tries(self, wanted: Iterable[bytes], met: Container[bytes]) -> None:
        """Whom of those we wanted to be connected to we are, by now."""
        for peer_id in wanted:
            if peer_id in met:
                self._missed.pop(peer_id, None)
            elif peer_id in self._ids:
                self._missed[peer_id] = self._missed.get(peer_id, 0) + 1

    def unreached(self, members: Container[bytes], met: Iterable[bytes]) -> tuple[int, int]:
        """Of these members, how many could not be reached, and how many were tried; `met` are those that we wanted and
        reached."""
        missed = sum(peer_id in members for peer_id in self._missed)
        there = sum(peer_id in members and peer_id in self._ids for peer_id in met)
        return missed, missed + there

    def on_left(self, peer_id: bytes) -> None:
        """An index says that a member left."""
        if peer_id in self._ids:
            self._left[peer_id] = None

    # --- over a stop ---

    def to_bytes(self) -> bytes:
        """The document."""
        records = [entry.record.encode() for entry in self._entries]
        return encode_compact(_FORM) + encode_compact(len(records)) + b"".join(records)

    def restore(self, raw: bytes) -> None:
        """What to_bytes gave. Raises DecodeError."""
        for entry in _read(raw):
            # Signed for this network when it was kept; a disk is not an attacker.
            self._put(entry)
            self._remembered[entry.peer_id] = None


def _read(raw: bytes) -> Iterable[MemberEntry]:
    reader = Reader(raw, "known members")
    form = reader.compact()
    if form != _FORM:
        raise DecodeError(f"known members of form {form}; this minicoin reads form {_FORM}")
    entries = [read_entry(read_record(reader)) for _ in range(reader.count(RECORD_BYTES_MIN, INDEX_KNOWN_MAX))]
    reader.end()
    return entries
