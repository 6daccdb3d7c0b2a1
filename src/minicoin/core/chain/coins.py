"""The coins at the engine's tip: a write-back cache of packed coins over a CoinStore.

Coins created and spent between two flushes never reach the store. Owns no rule; the engine decides what to spend.
"""

from collections.abc import Iterator

from minicoin.core.chain.coin_hash import CoinSetTotals, count_coins
from minicoin.core.chain.store import ChainStore
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint


class CoinsCache:
    """Invariant: a coin exists when it is in `added`, or in the store and not in `removed`."""

    def __init__(self, store: ChainStore) -> None:
        self.store = store
        self._added: dict[Outpoint, bytes] = {}
        self._removed: dict[Outpoint, None] = {}

    @property
    def changes(self) -> int:
        """How many coins differ from the store."""
        return len(self._added) + len(self._removed)

    def get(self, outpoint: Outpoint) -> bytes | None:
        """The packed coin, or None when it does not exist or is spent."""
        packed = self._added.get(outpoint)
        if packed is not None or outpoint in self._removed:
            return packed
        return self._below(outpoint)

    def _below(self, outpoint: Outpoint) -> bytes | None:
        """The coin without the changes kept here."""
        return self.store.coin(outpoint)

    def spend(self, outpoint: Outpoint) -> bytes | None:
        """Take the coin out of the set; None, and nothing happens, when it does not exist."""
        packed = self._added.pop(outpoint, None)
        if packed is not None:
            return packed
        if outpoint in self._removed:
            return None
        packed = self._below(outpoint)
        if packed is not None:
            self._removed[outpoint] = None
        return packed

    def add(self, outpoint: Outpoint, packed: bytes) -> None:
        """Put a coin that is known not to exist into the set."""
        self._added[outpoint] = packed

    def replace(self, outpoint: Outpoint, packed: bytes) -> None:
        """Put a coin into the set that may overwrite one: coinbases could repeat before BIP34."""
        if outpoint not in self._added and outpoint not in self._removed and self._below(outpoint) is not None:
            self._removed[outpoint] = None
        self._added[outpoint] = packed

    def flush(self, tip: BlockHash) -> None:
        """Write every change to the store, which stands at `tip` from then on."""
        self.store.commit(self._added, self._removed, tip)
        self._added.clear()
        self._removed.clear()

    def items(self) -> Iterator[tuple[Outpoint, bytes]]:
        """Every coin, in the order of the keys."""
        fresh = iter(sorted(self._added.items()))
        pending = next(fresh, None)
        for outpoint, packed in self.store.coins():
            while pending is not None and pending[0] < outpoint:
                yield pending
                pending = next(fresh, None)
            if outpoint not in self._removed and outpoint not in self._added:
                yield outpoint, packed
        while pending is not None:
            yield pending
            pending = next(fresh, None)

    def totals(self) -> CoinSetTotals:
        """Count, sum and hash of the whole set at once."""
        counting = count_coins(self.items(), "hash_serialized_3")
        while True:
            try:
                next(counting)
            except StopIteration as end:
                totals: CoinSetTotals = end.value
                return totals


class CoinsView(CoinsCache):
    """Changes on top of a cache that is left alone, and must not change meanwhile."""

    def __init__(self, base: CoinsCache) -> None:
        super().__init__(base.store)
        self._base = base

    def _below(self, outpoint: Outpoint) -> bytes | None:
        return self._base.get(outpoint)

    def flush(self, tip: BlockHash) -> None:
        raise AssertionError("a view is never written")
