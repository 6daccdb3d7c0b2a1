"""Who dials whom: outbound links of n nodes from named sources, deterministic by keyed draws, in numpy so that a
million nodes take seconds.

Owns the graph only; latencies and rates lie in geography. `Topology` holds directed links in order of the dialling
node, `adjacency` both directions of each link as compressed rows. No source makes a loop or a doubled pair.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from minicoin.sim import draws, draws_arrays
from minicoin.sim.draws import Purpose

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]

OUTBOUND_DEFAULT: Final = 8
REDRAWS_MAX: Final = 64
SIMBLOCK_DEGREE_CDF: Final = (
    *(0.025, 0.05, 0.075, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70),
    *(0.80, 0.85, 0.90, 0.95, 0.97, 0.97, 0.98, 0.99, 0.995, 1.0),
)


@dataclass(frozen=True, slots=True)
class Topology:
    """Links `source[i]` dials `target[i]`, sorted by source; `pools` are the mining nodes of sources that have some."""

    nodes: int
    source: Indices
    target: Indices
    pools: tuple[int, ...] = ()

    def outbound(self) -> list[list[int]]:
        """The nodes each node dials, in dialling order."""
        bounds = np.searchsorted(self.source, np.arange(self.nodes + 1)).tolist()
        targets = self.target.tolist()
        return [targets[bounds[node] : bounds[node + 1]] for node in range(self.nodes)]


@dataclass(frozen=True, slots=True)
class Adjacency:
    """Neighbours of node v: peer[offset[v]:offset[v + 1]], outbound ones first; reverse[e] is e seen from there."""

    offset: Ints
    peer: Indices
    reverse: Indices

    @property
    def nodes(self) -> int:
        return len(self.offset) - 1

    def owner(self) -> Indices:
        """The node at whose end each entry lies."""
        return np.repeat(np.arange(self.nodes, dtype=np.int32), np.diff(self.offset))


def adjacency(topology: Topology) -> Adjacency:
    """Both directions of every link."""
    links = len(topology.source)
    owner = np.concatenate((topology.source, topology.target))
    peer = np.concatenate((topology.target, topology.source))
    order = np.argsort(owner, kind="stable")
    place = np.empty(2 * links, dtype=np.int32)
    place[order] = np.arange(2 * links, dtype=np.int32)
    reverse = np.empty(2 * links, dtype=np.int32)
    reverse[place[:links]] = place[links:]
    reverse[place[links:]] = place[:links]
    offset = np.zeros(topology.nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=topology.nodes), out=offset[1:])
    return Adjacency(offset, peer[order], reverse)


def random(nodes: int, seed: int, outbound: int = OUTBOUND_DEFAULT) -> Topology:
    """Every node dials `outbound` others at random, as far as there are others it is not linked with."""
    return static(nodes, seed, np.full(nodes, outbound, dtype=np.int64))


def simblock(nodes: int, seed: int) -> Topology:
    """Out-degrees 1 to 20 in SimBlock's shares, who has which being drawn."""
    shares = np.searchsorted(np.array(SIMBLOCK_DEGREE_CDF), (np.arange(nodes) + 0.5) / nodes) + 1
    ranks = np.argsort(draws_arrays.words(draws.draw_key(seed, Purpose.DEGREE), np.arange(nodes)), kind="stable")
    degrees = np.empty(nodes, dtype=np.int64)
    degrees[ranks] = shares
    return static(nodes, seed, degrees)


def static(nodes: int, seed: int, degrees: Sequence[int] | Ints) -> Topology:
    """Random partners for a given list of out-degrees.

    Links that would repeat a pair or bite their tail are drawn anew, so that partners stay uniform; in a network too
    small or too dense for that the rest takes the nearest free node, or stays undialled when there is none.
    """
    wanted = np.minimum(np.asarray(degrees, dtype=np.int64), nodes - 1)
    if len(wanted) != nodes:
        raise ValueError(f"{len(wanted)} degrees were given for {nodes} nodes")
    source = np.repeat(np.arange(nodes, dtype=np.int64), wanted)
    key = draws.draw_key(seed, Purpose.TOPOLOGY)
    numbers = np.arange(len(source), dtype=np.int64)
    target = draws_arrays.below(draws_arrays.words(key, numbers), nodes)
    bad = _unusable(source, target, nodes)
    for attempt in range(1, REDRAWS_MAX):
        if len(bad) == 0:
            break
        target[bad] = draws_arrays.below(draws_arrays.words(key, bad, attempt), nodes)
        bad = _unusable(source, target, nodes)
    if len(bad):
        return _fill(nodes, source, target, bad)
    return Topology(nodes, source.astype(np.int32), target.astype(np.int32))


def _unusable(source: Ints, target: Ints, nodes: int) -> Ints:
    """Links that are loops or repeat an earlier pair."""
    pairs = np.minimum(source, target) * nodes + np.maximum(source, target)
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    repeated = np.zeros(len(pairs), dtype=np.bool_)
    repeated[order[1:]] = ordered[1:] == ordered[:-1]
    return np.flatnonzero(repeated | (source == target)).astype(np.int64)


def _fill(nodes: int, source: Ints, target: Ints, bad: Ints) -> Topology:
    """Settle the links that chance did not: the nearest free node upwards, or none."""
    open_links = dict.fromkeys(bad.tolist())
    ends = list(zip(source.tolist(), target.tolist(), strict=True))
    taken = {(min(pair), max(pair)) for index, pair in enumerate(ends) if index not in open_links}
    kept = []
    for index, (dialler, drawn) in enumerate(ends):
        if index not in open_links:
            kept.append((dialler, drawn))
            continue
        around = ((drawn + step) % nodes for step in range(nodes))
        free = next((v for v in around if v != dialler and (min(v, dialler), max(v, dialler)) not in taken), None)
        if free is not None:
            taken.add((min(free, dialler), max(free, dialler)))
            kept.append((dialler, free))
    return edges(nodes, kept)


def edges(nodes: int, links: Sequence[tuple[int, int]]) -> Topology:
    """Explicit links (dialler, dialled)."""
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    if len(ends) and not (ends.min() >= 0 and ends.max() < nodes):
        raise ValueError(f"a link names a node outside 0..{nodes - 1}")
    source, target = ends[:, 0], ends[:, 1]
    if len(bad := _unusable(source, target, nodes)):
        raise ValueError(f"link {tuple(ends[bad[0]].tolist())} is a loop or repeats an earlier pair")
    order = np.argsort(source, kind="stable")
    return Topology(nodes, source[order].astype(np.int32), target[order].astype(np.int32))


def complete(nodes: int) -> Topology:
    """Everybody with everybody; the lower index dials."""
    return edges(nodes, [(a, b) for a in range(nodes) for b in range(a + 1, nodes)])


def ring(nodes: int) -> Topology:
    """Each node dials the next, the last the first."""
    return edges(nodes, [(a, (a + 1) % nodes) for a in range(nodes)] if nodes > 2 else [(0, 1)][: nodes - 1])


def line(nodes: int) -> Topology:
    """Each node but the last dials the next."""
    return edges(nodes, [(a, a + 1) for a in range(nodes - 1)])


def star(nodes: int) -> Topology:
    """Every node dials node 0."""
    return edges(nodes, [(a, 0) for a in range(1, nodes)])


def named(source: str, nodes: int, seed: int) -> Topology:
    """The topology of that name with its defaults."""
    if source not in SOURCES:
        raise ValueError(f"unknown topology {source!r}: choose one of {', '.join(SOURCES)}")
    return SOURCES[source](nodes, seed)


SOURCES: Final[dict[str, Callable[[int, int], Topology]]] = {
    "random": random,
    "simblock": simblock,
    "complete": lambda nodes, seed: complete(nodes),
    "ring": lambda nodes, seed: ring(nodes),
    "line": lambda nodes, seed: line(nodes),
    "star": lambda nodes, seed: star(nodes),
}
