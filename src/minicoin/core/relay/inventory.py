"""What a peer is known to have: a bounded memory in which the oldest entry leaves first."""


class KnownInventory:
    """An insertion-ordered set of hashes with a bound."""

    __slots__ = ("_limit", "_seen")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: dict[bytes, None] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, key: bytes) -> None:
        """Remember `key`, moving it to the young end."""
        self._seen.pop(key, None)
        self._seen[key] = None
        if len(self._seen) > self._limit:
            del self._seen[next(iter(self._seen))]

    def discard(self, key: bytes) -> None:
        """Forget `key`."""
        self._seen.pop(key, None)
