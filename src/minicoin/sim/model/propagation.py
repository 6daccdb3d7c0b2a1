"""Runs the propagation model and says what came out: delays of every block at every node, stale blocks, traffic.

The result always calls itself a model and carries its assumptions; what it leaves out is the full-node world's to say.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from minicoin.sim.model import kernel, network
from minicoin.sim.model.engine import COMPILES, EVENTS, new_heap
from minicoin.sim.model.kernel import Net, Rules, State
from minicoin.sim.model.network import DrawnNetwork
from minicoin.sim.model.parameters import Parameters

Longs = npt.NDArray[np.int64]

US_PER_SECOND: Final = 1_000_000
ENGINE: Final = "model"


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One run. delay_us[b, v]: from the finding of block b to v's acceptance (after verification), -1 if never."""

    parameters: Parameters
    nodes: int
    links: int
    delay_us: Longs
    found_us: Longs
    finder: Longs
    parent: Longs
    is_stale: npt.NDArray[np.bool_]
    sent_bytes: Longs
    announcements: int
    requests: int
    block_messages: int
    relayed_messages: int
    events: int

    @property
    def stale_rate(self) -> float:
        """Share of the blocks found that are not in the best chain at the end."""
        return float(self.is_stale.mean())

    @property
    def messages_per_node(self) -> float:
        """Messages sent per node and block."""
        total = self.announcements + self.requests + self.block_messages + self.relayed_messages
        return total / self.nodes / len(self.found_us)

    def arrivals_us(self) -> Longs:
        """Delays of all blocks at all nodes but their finders, where they arrived, sorted."""
        others = self.delay_us.copy()
        others[np.arange(len(self.finder)), self.finder] = -1
        return np.sort(others[others >= 0])

    def percentile_s(self, share: float) -> float:
        """The delay that this share of all (block, node) pairs does not exceed, in seconds."""
        arrivals = self.arrivals_us()
        if len(arrivals) == 0:
            return 0.0
        rank = min(len(arrivals) - 1, max(0, int(np.ceil(share * len(arrivals))) - 1))
        return float(arrivals[rank]) / US_PER_SECOND

    def mean_block_percentile_s(self, share: float) -> float:
        """The mean over blocks of each block's percentile over all nodes: how SimBlock's logs are read."""
        return float(np.nanquantile(self._delays_s(), share, axis=1).mean())

    def node_mean_percentile_s(self, share: float) -> float:
        """The percentile over nodes of each node's mean over blocks, before verification: what Gervais et al. print."""
        means = np.nanmean(self._delays_s() - self.parameters.verify_us / US_PER_SECOND, axis=0)
        return float(np.quantile(means, share))

    def expected_stale_rate(self) -> float:
        """Sum of h_i h_j (1 - e^(-t_ij / T)): the chance that somebody finds a rival before having heard of a block."""
        hashes = np.array(self.parameters.hash_shares or (1.0,) * self.nodes)
        waits = self.delay_us[:, : len(hashes)] / self.parameters.interval_us
        missed = np.where(waits < 0, 1.0, 1.0 - np.exp(-np.maximum(waits, 0.0)))
        return float((missed @ (hashes / hashes.sum())).mean())

    def _delays_s(self) -> npt.NDArray[np.float64]:
        return np.where(self.delay_us < 0, np.nan, self.delay_us / US_PER_SECOND)

    def digest(self) -> str:
        """SHA-256 of all delays and all traffic: equal for equal runs, whatever engine computed them."""
        parts = (self.delay_us, self.found_us, self.parent, self.sent_bytes)
        return hashlib.sha256(b"".join(part.astype("<i8").tobytes() for part in parts)).hexdigest()

    def summary(self) -> dict[str, object]:
        """The result as JSON values."""
        return {
            "engine": ENGINE,
            "assumptions": self.parameters.assumptions(),
            "digest": self.digest(),
            "nodes": self.nodes,
            "links": self.links,
            "blocks": len(self.found_us),
            "block_bytes": self.parameters.block_bytes,
            "p50_s": self.percentile_s(0.50),
            "p90_s": self.percentile_s(0.90),
            "p99_s": self.percentile_s(0.99),
            "reached": len(self.arrivals_us()) / max(1, (self.nodes - 1) * len(self.found_us)),
            "stale_blocks": int(self.is_stale.sum()),
            "stale_rate": self.stale_rate,
            "bytes_sent": int(self.sent_bytes.sum()),
            "bytes_sent_most": int(self.sent_bytes.max()),
            "hottest_node": int(self.sent_bytes.argmax()),
            "announcements": self.announcements,
            "requests": self.requests,
            "block_messages": self.block_messages,
            "relayed_messages": self.relayed_messages,
            "messages_per_node": self.messages_per_node,
            "events": self.events,
        }


def propagate(drawn: DrawnNetwork, parameters: Parameters) -> ModelResult:
    """Mine and spread `parameters.blocks` blocks through the network."""
    rules = network.make_rules(drawn, parameters)
    found_at = network.found_times(parameters, drawn.seed)
    state = network.empty_state(drawn, rules, network.finders(parameters, drawn.nodes, drawn.seed))
    links_most = int(np.diff(drawn.net.offset).max(initial=0)) + 4
    state = _run(drawn.net, rules, state, found_at, links_most)
    blocks = parameters.blocks
    accepted = state.accepted.reshape(blocks + 1, drawn.nodes)[1:]
    counts = state.sent_count.tolist()
    return ModelResult(
        parameters=parameters,
        nodes=drawn.nodes,
        links=len(drawn.net.peer) // 2,
        delay_us=np.where(accepted >= 0, accepted - found_at[1:, None], -1),
        found_us=found_at[1:],
        finder=state.finder[1:],
        parent=state.parent[1:],
        is_stale=_stale(state)[1:],
        sent_bytes=state.sent_bytes,
        announcements=counts[kernel.ANNOUNCE],
        requests=counts[kernel.REQUEST],
        block_messages=counts[kernel.BLOCK],
        relayed_messages=counts[kernel.RELAYED],
        events=int(state.clock[EVENTS]),
    )


def _run(net: Net, rules: Rules, state: State, found_at: Longs, links_most: int) -> State:
    """Run the kernel; plain Python works on lists, several times faster than on numpy's elements."""
    if COMPILES:
        kernel.run(net, rules, state, new_heap(), found_at, links_most)
        return state
    lists = State(*(part.tolist() for part in state))
    listed_net = Net(*(part.tolist() for part in net))
    listed_rules = rules._replace(sizes=rules.sizes.tolist())
    kernel.run(listed_net, listed_rules, lists, new_heap(), found_at.tolist(), links_most)
    back = cast(Callable[..., State], State)
    return back(*(np.array(part, dtype=cast(Longs, old).dtype) for part, old in zip(lists, state, strict=True)))


def _stale(state: State) -> npt.NDArray[np.bool_]:
    """Blocks off the best chain: the highest block that anybody adopted, the lowest number among equals."""
    stale = np.ones(len(state.parent), dtype=np.bool_)
    block = int(state.height.argmax())
    while block >= 0:
        stale[block] = False
        block = int(state.parent[block])
    return stale
