"""A bounded memory of identifiers: the oldest is forgotten first."""


class RecentSet:
    """At most `limit` byte strings, in order of arrival."""

    __slots__ = ("_limit", "_members")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members: dict[bytes, None] = {}

    def __contains__(self, member: bytes) -> bool:
        return member in self._members

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: bytes) -> None:
        self._members[member] = None
        if len(self._members) > self._limit:
            del self._members[next(iter(self._members))]

    def discard(self, member: bytes) -> None:
        self._members.pop(member, None)

    def clear(self) -> None:
        self._members.clear()
