"""The kernel against a second, plainer model of blocks that spread through FIFO queues by announcements.

The naive one has an object per node and a callback per message, and is written from the rule's description.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest

from minicoin.sim import geography, topology
from minicoin.sim.geography import Latencies
from minicoin.sim.model import network
from minicoin.sim.model.parameters import full_node
from minicoin.sim.model.propagation import propagate
from minicoin.world.bandwidth import departure, reception, transfer_us

Deliver = Callable[[int], None]


@dataclass
class Node:
    up: int
    down: int
    peers: list[int]
    up_free: int = 0
    down_free: int = 0
    asked: bool = False
    accepted_at: int | None = None
    told_by: set[int] = field(default_factory=set)


class NaiveNetwork:
    """One block found by one node at time zero."""

    def __init__(
        self, nodes: list[Node], latency: Callable[[int, int], int], sizes: tuple[int, int, int], verify_us: int
    ) -> None:
        self.nodes = nodes
        self.messages = 0
        self._latency = latency
        self._announce, self._request, self._block = sizes
        self._verify_us = verify_us
        self._events: list[tuple[int, int, Deliver]] = []
        self._numbers = count()

    def run(self, finder: int) -> list[int | None]:
        self.nodes[finder].asked = True
        self._accept(finder, 0)
        while self._events:
            now, _, deliver = heapq.heappop(self._events)
            deliver(now)
        return [node.accepted_at for node in self.nodes]

    def _at(self, when: int, deliver: Deliver) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), deliver))

    def _send(self, now: int, sender: int, receiver: int, size: int, deliver: Deliver) -> None:
        source, target = self.nodes[sender], self.nodes[receiver]
        self.messages += 1
        up_time, down_time = transfer_us(size, source.up), transfer_us(size, target.down)
        source.up_free, first, last = departure(now, source.up_free, up_time, self._latency(sender, receiver))

        def there(_: int) -> None:
            done, target.down_free = reception(first, last, target.down_free, down_time)
            if done > last:
                self._at(done, deliver)
            else:
                deliver(last)

        self._at(last, there)

    def _accept(self, node: int, now: int) -> None:
        self.nodes[node].accepted_at = now
        for peer in self.nodes[node].peers:
            if peer not in self.nodes[node].told_by:
                self._send(now, node, peer, self._announce, lambda at, peer=peer: self._announced(peer, node, at))

    def _announced(self, node: int, by: int, now: int) -> None:
        self.nodes[node].told_by.add(by)
        if not self.nodes[node].asked:
            self.nodes[node].asked = True
            self._send(now, node, by, self._request, lambda at: self._requested(by, node, at))

    def _requested(self, node: int, by: int, now: int) -> None:
        self._send(now, node, by, self._block, lambda at: self._arrived(by, node, at))

    def _arrived(self, node: int, source: int, now: int) -> None:
        self.nodes[node].told_by.add(source)
        self._at(now + self._verify_us, lambda at: self._accept(node, at))


@pytest.mark.parametrize("seed", range(4))
def test_the_kernel_agrees_with_a_naive_model(seed: int) -> None:
    place = geography.named("gervais-2016")
    graph = topology.random(60, seed, 3)
    asked = full_node(300_000, 15_000)
    drawn = network.draw_network(place, graph, seed)
    result = propagate(drawn, asked)
    lines = geography.node_lines(place, 60, seed)
    near = topology.adjacency(graph)
    peers = [near.peer[near.offset[v] : near.offset[v + 1]].tolist() for v in range(60)]
    nodes = [Node(up, down, linked) for up, down, linked in zip(lines.up, lines.down, peers, strict=True)]
    sizes = (asked.announce_bytes, asked.request_bytes, asked.block_bytes)
    naive = NaiveNetwork(nodes, Latencies(place, lines.region, seed).between, sizes, asked.verify_us)
    finder = int(result.finder[0])
    assert naive.run(finder) == result.delay_us[0].tolist()
    assert naive.messages == result.announcements + result.requests + result.block_messages
