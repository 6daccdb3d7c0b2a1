"""When blocks are found and by whom, as keyed draws: the full-node engine and the propagation model meet the same."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from minicoin.sim import draws
from minicoin.sim.draws import Purpose


class MiningDraws:
    """Interval and finder of the n-th block of a run."""

    __slots__ = ("_edges", "_interval_key", "_miner_key")

    def __init__(self, seed: int, weights: Sequence[float]) -> None:
        """`seed` as draws.seed64 gives it; `weights` the hash power of miner 0 on, of any positive sum."""
        self._interval_key = draws.draw_key(seed, Purpose.INTERVAL)
        self._miner_key = draws.draw_key(seed, Purpose.MINER)
        edges = list(accumulate(weights))
        self._edges = [edge / edges[-1] for edge in edges]

    def interval_us(self, number: int, mean_us: int) -> int:
        """From the block before to block `number`, in microseconds."""
        return round(draws.exponential(draws.uniform(draws.word(self._interval_key, number)), float(mean_us)))

    def miner(self, number: int) -> int:
        """Who finds block `number`."""
        u = draws.uniform(draws.word(self._miner_key, number))
        return min(bisect_right(self._edges, u), len(self._edges) - 1)
