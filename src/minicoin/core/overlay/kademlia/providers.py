"""Who said that it has something: for a key the peers that provide it, as libp2p's kad-dht keeps them.

A record is believed of its sender alone, for KAD_PROVIDER_LIFE_US after it last said so. Bounded by key (the oldest
gives way), by provider (its oldest), and in all: when there is no room, what expires first goes. A network group has a
share only, so that free identities do not push everybody else's out. Specification: libp2p/specs kad-dht.
"""

from dataclasses import dataclass

from minicoin.core.limits import (
    KAD_PROVIDER_LIFE_US,
    KAD_PROVIDER_RECORDS_MAX,
    KAD_PROVIDER_RECORDS_PER_GROUP_MAX,
    KAD_PROVIDERS_PER_KEY_MAX,
)
from minicoin.core.overlay.kademlia.keyspace import Contact
from minicoin.core.units import Micros


@dataclass(frozen=True, slots=True)
class _Record:
    provider: Contact
    expires: Micros


class ProviderStore:
    """Providers by key. The order of the table is the order in which its records expire."""

    __slots__ = ("_groups", "_keys", "_records")

    def __init__(self) -> None:
        self._records: dict[tuple[bytes, bytes], _Record] = {}
        self._keys: dict[bytes, dict[bytes, None]] = {}
        self._groups: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._records)

    def add(self, key: bytes, provider: Contact, now: Micros) -> None:
        """The provider says that it has what the key names."""
        self._expire(now)
        self._remove((key, provider.peer_id))
        if self._groups.get(provider.group, 0) >= KAD_PROVIDER_RECORDS_PER_GROUP_MAX:
            self._remove(next(name for name, each in self._records.items() if each.provider.group == provider.group))
        of_key = self._keys.get(key, {})
        if len(of_key) >= KAD_PROVIDERS_PER_KEY_MAX:
            self._remove((key, next(iter(of_key))))
        if len(self._records) >= KAD_PROVIDER_RECORDS_MAX:
            self._remove(next(iter(self._records)))
        self._records[key, provider.peer_id] = _Record(provider, Micros(now + KAD_PROVIDER_LIFE_US))
        self._keys.setdefault(key, {})[provider.peer_id] = None
        self._groups[provider.group] = self._groups.get(provider.group, 0) + 1

    def get(self, key: bytes, now: Micros) -> tuple[Contact, ...]:
        """Those that said so and whose word has not expired."""
        self._expire(now)
        return tuple(self._records[key, peer_id].provider for peer_id in self._keys.get(key, ()))

    def _expire(self, now: Micros) -> None:
        while self._records:
            name = next(iter(self._records))
            if self._records[name].expires > now:
                return
            self._remove(name)

    def _remove(self, name: tuple[bytes, bytes]) -> None:
        record = self._records.pop(name, None)
        if record is None:
            return
        key, peer_id = name
        of_key = self._keys[key]
        del of_key[peer_id]
        if not of_key:
            del self._keys[key]
        left = self._groups[record.provider.group] - 1
        if left:
            self._groups[record.provider.group] = left
        else:
            del self._groups[record.provider.group]
