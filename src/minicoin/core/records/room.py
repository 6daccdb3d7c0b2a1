"""How much: what each source group and all together may hold of the records that any node may sign."""

from dataclasses import dataclass

from minicoin.core.limits import (
    SIGNED_RECORD_BYTES_PER_GROUP_MAX,
    SIGNED_RECORDS_BYTES_MAX,
    SIGNED_RECORDS_MAX,
    SIGNED_RECORDS_PER_GROUP_MAX,
)


@dataclass(frozen=True, slots=True)
class RoomUse:
    """What is taken."""

    records: int
    bytes: int


class Room:
    """The room of one kind. Who comes when it is taken is refused; nobody is moved."""

    __slots__ = ("_by_group", "bytes", "records")

    def __init__(self) -> None:
        self._by_group: dict[bytes, RoomUse] = {}
        self.records = 0
        self.bytes = 0

    def of(self, group: bytes) -> RoomUse:
        """What one source group holds."""
        return self._by_group.get(group, RoomUse(0, 0))

    def has(self, group: bytes, records: int, size: int) -> bool:
        """Whether so much more fits."""
        use = self.of(group)
        return (
            self.records + records <= SIGNED_RECORDS_MAX
            and self.bytes + size <= SIGNED_RECORDS_BYTES_MAX
            and use.records + records <= SIGNED_RECORDS_PER_GROUP_MAX
            and use.bytes + size <= SIGNED_RECORD_BYTES_PER_GROUP_MAX
        )

    def take(self, group: bytes, records: int, size: int) -> None:
        """So much more is held; less where negative."""
        use = self.of(group)
        now = RoomUse(use.records + records, use.bytes + size)
        if now.records:
            self._by_group[group] = now
        else:
            self._by_group.pop(group, None)
        self.records += records
        self.bytes += size
