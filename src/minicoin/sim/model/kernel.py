"""The kernel of the propagation model: announcements, requests and blocks as packed integers in one queue.

Written in the part of Python that numba compiles; engine says what it runs on. Knows no units but microseconds and
bytes, no names but numbers: parameters gives it its tables, propagation reads its answers.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from minicoin.sim import draws
from minicoin.sim.model.engine import SEQUENCE, Heap, compiled, pop, push, uniform, with_room, word
from minicoin.world import bandwidth

Longs = npt.NDArray[np.int64]

FIFO, FIFO_UPLINK, STOP_AND_WAIT = 0, 1, 2
TO_ALL, NOT_TO_SOURCE, NOT_TO_ANNOUNCERS = 0, 1, 2
ANNOUNCE_ALWAYS, FINDER_PUSHES, ALL_PUSH, POOLS_RELAY = 0, 1, 2, 3

# Kinds of events; the first four are messages and index the sizes and counts. ARRIVED marks one past the downlink.
ANNOUNCE, REQUEST, BLOCK, RELAYED, VERIFIED, FOUND = 0, 1, 2, 3, 4, 5
MESSAGE_KINDS: Final = 4
ARRIVED: Final = 8
KIND_BITS, BLOCK_BITS = 4, 20
KIND_MASK, BLOCK_MASK = (1 << KIND_BITS) - 1, (1 << BLOCK_BITS) - 1
PLACE_SHIFT: Final = KIND_BITS + BLOCK_BITS

UNKNOWN, ASKED, HELD = 0, 1, 2


class Net(NamedTuple):
    """Who is linked with whom and how fast; link entries as topology.Adjacency has them."""

    offset: Longs
    peer: npt.NDArray[np.int32]
    reverse: npt.NDArray[np.int32]
    latency: npt.NDArray[np.int32]
    region: npt.NDArray[np.int32]
    means: Longs
    up: Longs
    down: Longs


class Rules(NamedTuple):
    """What is the same for all nodes. Sizes in bytes by kind of message; flags as the constants above."""

    sizes: Longs
    verify_us: int
    control_extra_us: int
    block_extra_us: int
    discipline: int
    announce_to: int
    relay: int
    relay_side_blocks: bool
    pools: int
    regions: int
    latency_per_message: bool
    latency_key: int


class State(NamedTuple):
    """All that changes. `held` and `accepted` are [block * nodes + node]; waiting lists are chains through `next`."""

    held: npt.NDArray[np.int8]
    accepted: Longs
    known: npt.NDArray[np.int32]
    up_free: Longs
    down_free: Longs
    busy: npt.NDArray[np.bool_]
    first: Longs
    last: Longs
    next: Longs
    waiting: Longs
    tip: Longs
    height: Longs
    parent: Longs
    finder: Longs
    sent_bytes: Longs
    sent_count: Longs
    clock: Longs


ln_of_mantissa = compiled(draws.ln_of_mantissa)
exp_of_rest = compiled(draws.exp_of_rest)
departure = compiled(bandwidth.departure)
reception = compiled(bandwidth.reception)
transfer_us = compiled(bandwidth.transfer_us)

LN2_HIGH, LN2_LOW, LOG2_E = draws.LN2_HIGH, draws.LN2_LOW, draws.LOG2_E
LATENCY_MAX = 60_000_000.0


@compiled
def pareto_latency(mean_us: int, u: float) -> int:
    """As geography.pareto_latency_us, operation for operation."""
    mantissa, exponent = math.frexp(u)
    ln_u = exponent * LN2_HIGH + (ln_of_mantissa(mantissa) + exponent * LN2_LOW)
    x = -ln_u / (0.2 * (mean_us / 1000.0))
    power = math.floor(x * LOG2_E + 0.5)
    rest = exp_of_rest((x - power * LN2_HIGH) - power * LN2_LOW)
    return int(min(float(mean_us - 5_000) * math.ldexp(rest, power), LATENCY_MAX))


@compiled
def send(net: Net, rules: Rules, state: State, heap: Heap, now: int, kind: int, block: int, entry: int) -> None:
    """Hand a message to the sender's uplink; its event is due when its last byte is there (all of it, without FIFO)."""
    receiver, sender = net.peer[entry], net.peer[net.reverse[entry]]
    if rules.latency_per_message:
        mean = net.means[net.region[sender] * rules.regions + net.region[receiver]]
        bits = word(rules.latency_key, sender, receiver, state.clock[SEQUENCE] + 1)
        latency = pareto_latency(mean, uniform(bits))
    else:
        latency = net.latency[entry]
    size = rules.sizes[kind]
    state.sent_bytes[sender] += size
    state.sent_count[kind] += 1
    up, down = net.up[sender], net.down[receiver]
    slower = down if up == 0 or (0 < down < up) else up
    if rules.discipline == FIFO:
        state.up_free[sender], _, due = departure(now, state.up_free[sender], transfer_us(size, up), latency)
    elif kind == BLOCK and rules.discipline == FIFO_UPLINK:
        start = max(now, state.up_free[sender])
        state.up_free[sender] = start + transfer_us(size, up)
        due = start + latency + transfer_us(size, slower)
    elif kind in (BLOCK, RELAYED):
        due = now + latency + rules.block_extra_us + transfer_us(size, slower)
    else:
        due = now + latency + rules.control_extra_us
    push(heap, state.clock, due, (entry << PLACE_SHIFT) | (block << KIND_BITS) | kind)


@compiled
def send_in_turn(net: Net, rules: Rules, state: State, heap: Heap, now: int, block: int, entry: int) -> None:
    """Send a block, or under stop-and-wait let it wait until the sender's block under way has arrived."""
    if rules.discipline != STOP_AND_WAIT:
        send(net, rules, state, heap, now, BLOCK, block, entry)
        return
    sender = net.peer[net.reverse[entry]]
    if not state.busy[sender]:
        state.busy[sender] = True
        send(net, rules, state, heap, now, BLOCK, block, entry)
        return
    # An entry waits at most once: a second block asked for over the same link meanwhile takes the first one's place.
    if state.waiting[entry] < 0:
        if state.first[sender] < 0:
            state.first[sender] = entry
        else:
            state.next[state.last[sender]] = entry
        state.last[sender] = entry
        state.next[entry] = -1
    state.waiting[entry] = block


@compiled
def send_next(net: Net, rules: Rules, state: State, heap: Heap, now: int, sender: int) -> None:
    """The block under way has arrived: start the next one that waits."""
    entry = state.first[sender]
    if entry < 0:
        state.busy[sender] = False
        return
    state.first[sender] = state.next[entry]
    block = state.waiting[entry]
    state.waiting[entry] = -1
    send(net, rules, state, heap, now, BLOCK, block, entry)


@compiled
def spread(net: Net, rules: Rules, state: State, heap: Heap, now: int, block: int, node: int, found: bool) -> None:
    """Tell the neighbours of a block just found or verified; pools before others, then in order of the links."""
    pushes = rules.relay == ALL_PUSH or (found and rules.relay == FINDER_PUSHES)
    among_pools = node < rules.pools
    for of_pools in range(2 if among_pools else 1):
        for entry in range(net.offset[node], net.offset[node + 1]):
            if state.known[entry] == block or (among_pools and (net.peer[entry] < rules.pools) == (of_pools == 1)):
                continue
            if found and among_pools and of_pools == 0 and rules.relay == POOLS_RELAY:
                send(net, rules, state, heap, now, RELAYED, block, entry)
            elif pushes:
                send_in_turn(net, rules, state, heap, now, block, entry)
            else:
                send(net, rules, state, heap, now, ANNOUNCE, block, entry)


@compiled
def accept(net: Net, rules: Rules, state: State, heap: Heap, now: int, block: int, node: int, found: bool) -> None:
    """The node has the block and believes it: it moves its tip to it when higher, and spreads it."""
    state.accepted[block * len(state.tip) + node] = now
    higher = state.height[block] > state.height[state.tip[node]]
    if higher:
        state.tip[node] = block
    if higher or rules.relay_side_blocks:
        spread(net, rules, state, heap, now, block, node, found)


@compiled
def receive(net: Net, rules: Rules, state: State, heap: Heap, now: int, kind: int, block: int, entry: int) -> None:
    """A message is complete at the receiver of the link entry."""
    node, back = net.peer[entry], net.reverse[entry]
    place = block * len(state.tip) + node
    if kind == ANNOUNCE:
        if rules.announce_to == NOT_TO_ANNOUNCERS:
            state.known[back] = block
        if state.held[place] == UNKNOWN:
            state.held[place] = ASKED
            send(net, rules, state, heap, now, REQUEST, block, back)
        return
    if kind == REQUEST:
        send_in_turn(net, rules, state, heap, now, block, back)
        return
    if kind == BLOCK and rules.discipline == STOP_AND_WAIT:
        send_next(net, rules, state, heap, now, net.peer[back])
    if rules.announce_to != TO_ALL:
        state.known[back] = block
    if state.held[place] == HELD:
        return
    state.held[place] = HELD
    if rules.verify_us > 0:
        push(heap, state.clock, now + rules.verify_us, (node << PLACE_SHIFT) | (block << KIND_BITS) | VERIFIED)
    else:
        accept(net, rules, state, heap, now, block, node, False)


@compiled
def mine(state: State, block: int) -> int:
    """The finder of the block extends its own tip."""
    node: int = state.finder[block]
    state.parent[block] = state.tip[node]
    state.height[block] = state.height[state.tip[node]] + 1
    state.held[block * len(state.tip) + node] = HELD
    return node


@compiled
def run(net: Net, rules: Rules, state: State, heap: Heap, found_at: Longs, links_most: int) -> None:
    """Every event until nothing is under way; block 0 is the genesis that everybody has."""
    for block in range(1, len(found_at)):
        heap = with_room(heap, state.clock, 4)
        push(heap, state.clock, found_at[block], (block << KIND_BITS) | FOUND)
    while state.clock[0] > 0:
        heap = with_room(heap, state.clock, links_most)
        now, event = pop(heap, state.clock)
        kind, block, place = event & KIND_MASK, (event >> KIND_BITS) & BLOCK_MASK, event >> PLACE_SHIFT
        if kind == FOUND:
            accept(net, rules, state, heap, now, block, mine(state, block), True)
        elif kind == VERIFIED:
            accept(net, rules, state, heap, now, block, place, False)
        elif kind >= ARRIVED:
            receive(net, rules, state, heap, now, kind - ARRIVED, block, place)
        elif rules.discipline == FIFO:
            node, size = net.peer[place], rules.sizes[kind]
            first = now - transfer_us(size, net.up[net.peer[net.reverse[place]]])
            done, free = reception(first, now, state.down_free[node], transfer_us(size, net.down[node]))
            state.down_free[node] = free
            if done > now:
                push(heap, state.clock, done, event + ARRIVED)
            else:
                receive(net, rules, state, heap, now, kind, block, place)
        else:
            receive(net, rules, state, heap, now, kind, block, place)
