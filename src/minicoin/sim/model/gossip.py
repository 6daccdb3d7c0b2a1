"""Rumours on a complete graph in rounds: push, pull, push-pull until all know, and Demers' push that loses interest.

Theory's yardstick for the gossip overlay; it knows no links, sizes or time but rounds. Demers et al., PODC 1987;
Karp et al., FOCS 2000.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from minicoin.sim import draws, draws_arrays
from minicoin.sim.draws import Purpose

Style = Literal["push", "pull", "push-pull"]


@dataclass(frozen=True, slots=True)
class RumourSpread:
    """How one rumour went: rounds, transmissions of it per node, share of the nodes that never heard it."""

    rounds: int
    transmissions_per_node: float
    residue: float


def spread_to_all(nodes: int, style: Style, seed: int) -> RumourSpread:
    """Every round each node calls a random other; the rumour crosses as the style allows, until all know it."""
    key = draws.draw_key(seed, Purpose.GOSSIP)
    knows = np.zeros(nodes, dtype=np.bool_)
    knows[0] = True
    rounds = transmissions = 0
    while not knows.all():
        partner = _partners(key, np.arange(nodes), nodes, rounds)
        following = knows.copy()
        if style != "pull":
            following[partner[knows]] = True
            transmissions += int(knows.sum())
        if style != "push":
            pulled = ~knows & knows[partner]
            following[pulled] = True
            transmissions += int(pulled.sum())
        knows = following
        rounds += 1
    return RumourSpread(rounds, transmissions / nodes, 0.0)


def push_with_coin(nodes: int, k: int, seed: int) -> RumourSpread:
    """Who has heard the rumour tells a random other each round and loses interest with chance 1/k, whoever it met."""
    key = draws.draw_key(seed, Purpose.GOSSIP)
    knows = np.zeros(nodes, dtype=np.bool_)
    knows[0] = True
    active = np.zeros(1, dtype=np.int64)
    rounds = transmissions = 0
    while len(active):
        partner = np.unique(_partners(key, active, nodes, rounds))
        transmissions += len(active)
        heard = partner[~knows[partner]]
        knows[heard] = True
        coin = draws_arrays.below(draws_arrays.words(key, active, rounds, 1), k)
        active = np.concatenate((active[coin > 0], heard))
        rounds += 1
    return RumourSpread(rounds, transmissions / nodes, 1.0 - float(knows.mean()))


def _partners(key: int, callers: npt.NDArray[np.int64], nodes: int, number: int) -> npt.NDArray[np.int64]:
    """A random other node for each caller."""
    drawn = draws_arrays.below(draws_arrays.words(key, callers, number), nodes - 1)
    return drawn + (drawn >= callers)
