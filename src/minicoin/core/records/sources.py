"""What is held of each source, as Scuttlebutt compares it: highest version and a sum, by name in ascending order."""

from bisect import bisect_left, bisect_right, insort

from minicoin.core.limits import SIGNED_RECORDS_DECLINED_REMEMBERED_MAX
from minicoin.core.records.record import SignedRecord, sum_of

DigestEntry = tuple[bytes, int, int]
"""A source's name, its highest version, the sum over its records; a sum of 0 asks for newer versions only."""


class Sources:
    """The records held, by source and version; and what was declined."""

    def __init__(self) -> None:
        self._records: dict[bytes, dict[int, SignedRecord]] = {}
        self._names: list[bytes] = []
        """Of those that hold something, ascending."""
        self._standing: dict[bytes, tuple[int, int]] = {}
        """Highest version and sum."""
        self._declined: dict[tuple[bytes, bytes], int] = {}
        """By the group of the peer that brought it, and the source."""

    def __len__(self) -> int:
        return len(self._names)

    def add(self, record: SignedRecord) -> None:
        name = record.source
        records = self._records.get(name)
        if records is None:
            records = self._records[name] = {}
            insort(self._names, name)
        records[record.version] = record
        version, total = self.standing(name)
        self._standing[name] = (max(version, record.version), total ^ sum_of((record,)))

    def remove(self, record: SignedRecord) -> None:
        name = record.source
        records = self._records[name]
        del records[record.version]
        if records:
            self._standing[name] = (max(records), self._standing[name][1] ^ sum_of((record,)))
        else:
            del self._records[name], self._standing[name]
            del self._names[bisect_left(self._names, name)]

    def decline(self, record: SignedRecord, group: bytes) -> None:
        """A genuine record for which this group has no room: none of its peers need send it again, nor older ones of
        its source. Those of other groups are not told, or one group could keep a record from us that others bring."""
        name = (group, record.source)
        version = max(record.version, self._declined.pop(name, 0))
        if len(self._declined) >= SIGNED_RECORDS_DECLINED_REMEMBERED_MAX:
            del self._declined[next(iter(self._declined))]
        self._declined[name] = version

    def held(self, name: bytes) -> tuple[SignedRecord, ...]:
        """A source's records, in no order."""
        return tuple(self._records.get(name, {}).values())

    def has(self, name: bytes, version: int) -> bool:
        """Whether a source's record of this version is held."""
        return version in self._records.get(name, ())

    def standing(self, name: bytes) -> tuple[int, int]:
        """The highest version of a source that is held, and its sum; zeros for none."""
        return self._standing.get(name, (0, 0))

    def version(self, name: bytes) -> int:
        """The highest version of a source that is held; 0 for none."""
        return self.standing(name)[0]

    def newer(self, name: bytes, version: int) -> tuple[SignedRecord, ...]:
        """What is held of a source above a version, in the order of versions."""
        records = self._records.get(name, {})
        return tuple(records[one] for one in sorted(records) if one > version)

    # --- comparing ---

    def entry(self, name: bytes, group: bytes = b"") -> DigestEntry:
        """What a digest for peers of a group says of one source."""
        version, total = self.standing(name)
        declined = self._declined.get((group, name))
        return (name, version, total) if declined is None else (name, max(version, declined), 0)

    def digest(self) -> tuple[DigestEntry, ...]:
        """All that is held, by ascending name."""
        return tuple(self.entry(name) for name in self._names)

    def page(self, first: bytes, entries_max: int, group: bytes) -> tuple[DigestEntry, ...]:
        """The first entries of a digest for peers of a group, from a name on."""
        declined = (name for of, name in self._declined if of == group and name >= first and name not in self._records)
        names = sorted((*self._names[bisect_left(self._names, first) :][:entries_max], *declined))
        return tuple(self.entry(name, group) for name in names[:entries_max])

    def names(self, first: bytes, last: bytes) -> tuple[bytes, ...]:
        """Those that hold something, from `first` to `last`, both included."""
        return tuple(self._names[bisect_left(self._names, first) : bisect_right(self._names, last)])
