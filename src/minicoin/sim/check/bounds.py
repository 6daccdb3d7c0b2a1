"""Whether every queue, table and buffer stays within its limit: those of core/limits, and the world's own."""

from collections.abc import Iterator, Sequence
from typing import Final

from minicoin.core.limits import (
    ADDRESS_BUCKET_SLOTS,
    ADDRESS_NEW_BUCKETS,
    ADDRESS_TRIED_BUCKETS,
    BANS_MAX,
    BLOCK_WINDOW,
    BLOCKS_IN_FLIGHT_PER_PEER_MAX,
    DIALS_IN_FLIGHT_MAX,
    INVENTORY_PER_MESSAGE_MAX,
    ORPHAN_BLOCKS_MAX,
    ORPHAN_POINTS_MAX,
    OVERLAY_SLOTS_MAX,
    SEND_QUEUE_BYTES_MAX,
    UNPARSED_BLOCKS_MAX,
    VERIFICATIONS_IN_FLIGHT_MAX,
    VERIFICATIONS_WAITING_MAX,
)
from minicoin.core.node.node import Node
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.check.view import Finding, View
from minicoin.world.host import Host

# Events under way for one node: messages on its links, answers of its worker, timers. Far above what a quiet point has.
BACKLOG_PER_NODE_MAX: Final = 20_000
# Headers that a node keeps beside those of all blocks there are; attackers' come on top.
STRAY_HEADERS_MAX: Final = 100_000
# A look at ten thousand nodes every few seconds would cost more than the run.
NODES_PER_LOOK_MAX: Final = 50
_BOOK_MAX: Final = (ADDRESS_NEW_BUCKETS + ADDRESS_TRIED_BUCKETS) * ADDRESS_BUCKET_SLOTS

Measure = tuple[str, int, int]
"""What, how much of it there is, how much there may be."""


def measure_node(host: Host, node: Node, now: Micros) -> Iterator[Measure]:
    """Everything of one node that has a limit and can be seen from outside."""
    seen, policy = node.view, host.policy
    assert policy is not None, "a host that runs a node was started with a policy"
    pool = seen.mempool.snapshot(now)
    yield "bytes in the mempool", pool.usage_bytes, seen.mempool.policy.bytes_max
    yield "orphan transactions in points", pool.orphan_points, ORPHAN_POINTS_MAX
    yield "transactions at verification", pool.verifying_count, VERIFICATIONS_IN_FLIGHT_MAX + VERIFICATIONS_WAITING_MAX
    sync = seen.sync.snapshot(now)
    yield "orphan blocks", sync.orphans, ORPHAN_BLOCKS_MAX
    yield "blocks in flight", sync.in_flight, BLOCK_WINDOW
    yield "blocks wanted", sync.wanted, BLOCK_WINDOW
    yield "blocks waiting for the worker", sync.storing, UNPARSED_BLOCKS_MAX
    peers = [peer for ready in seen.ready_peers() if (peer := seen.sync.view(ready.conn)) is not None]
    in_flight = max((len(peer.in_flight) for peer in peers), default=0)
    yield "blocks in flight from one peer", in_flight, BLOCKS_IN_FLIGHT_PER_PEER_MAX
    owed = max((peer.owed_count for peer in peers), default=0)
    yield "blocks owed by one peer", owed, 2 * BLOCKS_IN_FLIGHT_PER_PEER_MAX
    announced = max((peer.announced_count for peer in peers), default=0)
    yield "blocks announced by one peer", announced, INVENTORY_PER_MESSAGE_MAX
    sessions = seen.directions()
    inbound = sum(sessions.values())
    yield "inbound connections", inbound, policy.inbound_slots
    slots = seen.connections.snapshot()
    yield "overlay connections", sum(slot.kind is SlotKind.OVERLAY for slot in slots), OVERLAY_SLOTS_MAX
    chosen = sum(slot.kind is SlotKind.OVERLAY and slot.conn in sessions for slot in slots)
    dialled = len(sessions) - inbound - chosen
    named = len(policy.connect or ()) + len(policy.add_nodes) + len(policy.seed_nodes)
    yield "outbound connections", dialled, policy.outbound_slots + named + DIALS_IN_FLIGHT_MAX
    yield "peers that are served", len(seen.served()), len(sessions)
    yield "addresses", seen.book.size, _BOOK_MAX
    yield "bans", len(seen.connections.bans.listing()), BANS_MAX
    yield "headers", len(seen.tree), seen.tree.best_header.height + STRAY_HEADERS_MAX
    held = max((sum(size for _, size in end.held) for end in host.links.values() if end.held), default=0)
    yield "bytes held back on one connection", held, SEND_QUEUE_BYTES_MAX
    if host.lines.up_rate:
        queued = (host.lines.up_free - now + host.clock.offset_us) * host.lines.up_rate // SECOND_US
        yield "bytes in the uplink's queue", queued, SEND_QUEUE_BYTES_MAX * max(1, len(host.links))


class Bounds:
    """All nodes of a small network at every look, in a large one some in turn, and all at the end."""

    name = "bounds"

    def __init__(self) -> None:
        self._next = 0

    def look(self, view: View) -> Iterator[Finding]:
        hosts = view.honest
        count = min(NODES_PER_LOOK_MAX, len(hosts))
        first, self._next = self._next, self._next + count
        yield from self._measure(view, [hosts[index % len(hosts)] for index in range(first, first + count)])

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self._measure(view, view.honest)

    def _measure(self, view: View, hosts: Sequence[Host]) -> Iterator[Finding]:
        world = view.world
        for host in hosts:
            if host.node is None:
                continue
            for what, count, most in measure_node(host, host.node, host.clock.read(world.now)):
                if count > most:
                    yield Finding((host.index,), f"{count} {what}, at most {most}")
        most = BACKLOG_PER_NODE_MAX * len(world.hosts)
        if len(world.queue) > most:
            yield Finding((), f"{len(world.queue)} events under way in the world, at most {most}")
