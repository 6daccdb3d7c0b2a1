"""The network of Gervais et al. (CCS 2016): mining pools that know each other and hundreds of nodes, and everybody else
in classes of few to many links. Owns that one topology and the pools' places and lines; their shares are pool_shares'.

Their construction, rebuilt from its description: each node has a least and a largest number of links; pools pick
partners first, then the nodes in order, among those that have room.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from minicoin.sim import draws, topology
from minicoin.sim.draws import Purpose
from minicoin.sim.pool_shares import POOL_SHARES
from minicoin.sim.topology import Topology

POOL_REGIONS: Final = (
    *("AP", "AP", "AP", "NA", "AP", "NA", "EU", "EU"),
    *("NA", "NA", "NA", "EU", "NA", "NA", "NA", "NA"),
)
POOL_MBIT: Final = 100
POOL_LINKS: Final = (700, 800)
DEGREE_CHANCES: Final = (0.10, 0.50, 0.80, 0.93, 0.99, 1.0)
# The least number of links of a node of class k (from 1) lies below the k-th bound; it accepts k more, which makes the
# published classes 1-4, 5-9, 10-14, 15-19, 20-29 and 30-125.
LEAST_DEGREES: Final = (1, 4, 8, 12, 16, 25, 119)
TRIES_PER_LINK: Final = 10


def gervais(nodes: int, seed: int) -> Topology:
    """Nodes 0..15 are the pools; in small networks a pool links with an eighth of all."""
    builder = _Builder(nodes, seed)
    pools = range(len(POOL_SHARES))
    for a in pools:
        for b in range(a + 1, len(POOL_SHARES)):
            builder.link(a, b)
    builder.dial(pools)
    builder.dial(range(len(POOL_SHARES), nodes))
    return replace(topology.edges(nodes, builder.links), pools=tuple(pools))


class _Builder:
    """Links under construction: who is linked with whom, and who still has room."""

    def __init__(self, nodes: int, seed: int) -> None:
        if nodes <= 2 * len(POOL_SHARES):
            raise ValueError(f"the pools of this topology need more than {2 * len(POOL_SHARES)} nodes, not {nodes}")
        self.links: list[tuple[int, int]] = []
        self._key = draws.draw_key(seed, Purpose.TOPOLOGY)
        self._peers: list[dict[int, None]] = [{} for _ in range(nodes)]
        self._bounds = _bounds(nodes, seed)
        self._with_room = list(range(nodes))

    def link(self, a: int, b: int) -> None:
        """`a` dials `b`."""
        self.links.append((a, b))
        self._peers[a][b] = None
        self._peers[b][a] = None

    def dial(self, diallers: Iterable[int]) -> None:
        """Give each dialler its least number of links, as far as chance finds partners with room."""
        for node in diallers:
            least = self._bounds[node][0]
            for attempt in range(TRIES_PER_LINK * least):
                if len(self._peers[node]) >= least:
                    break
                index = draws.below(draws.word(self._key, node, attempt), len(self._with_room))
                peer = self._with_room[index]
                if len(self._peers[peer]) >= self._bounds[peer][1]:
                    self._with_room[index] = self._with_room[-1]
                    self._with_room.pop()
                elif peer != node and peer not in self._peers[node]:
                    self.link(node, peer)


def _bounds(nodes: int, seed: int) -> list[tuple[int, int]]:
    """(least, largest) number of links of each node."""
    key = draws.draw_key(seed, Purpose.DEGREE)
    pool = (min(POOL_LINKS[0], nodes // 8), min(POOL_LINKS[1], nodes // 7))
    bounds = [pool] * len(POOL_SHARES)
    for node in range(len(POOL_SHARES), nodes):
        u = draws.uniform(draws.word(key, node))
        rank = next(rank for rank, chance in enumerate(DEGREE_CHANCES, 1) if u < chance or rank == len(DEGREE_CHANCES))
        low, high = LEAST_DEGREES[rank - 1], LEAST_DEGREES[rank]
        least = low + draws.below(draws.word(key, node, 1), high - low)
        bounds.append((least, least + rank))
    return bounds
