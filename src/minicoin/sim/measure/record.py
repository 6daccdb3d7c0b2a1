"""The record of one finished run, as plain values and numpy arrays.

Owns the meaning of every measured number; the world (or the model) fills it once at the end from its own counters,
`sim.result` derives figures from it and writes it down. Times are integer microseconds of virtual time since the run
began; only the fields named *_wall_s are real time, and nothing that is digested may depend on those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A scenario in its canonical form, and what a result says in JSON."""

Engine = Literal["full", "model"]
ErrandKind = Literal["letter", "search"]

NEVER: Final = -1
"""In `arrivals`: the node was up when the item came into being, and did not have it when the run ended."""

ABSENT: Final = -2
"""In `arrivals`: the node was down (or no node of ours) when the item came into being, so it says nothing about
propagation, whether it caught up later or not."""

NO_PARENT: Final = -1
"""In `BlockRecord.parent`: the parent was there before measuring began."""

NO_NODE: Final = -1
"""In `BlockRecord.miner` and `TxRecord.sender`: made by no node of the run."""


@dataclass(slots=True)
class NodeRecord:
    """One node as the scenario placed it. `index` is its position in every per-node array."""

    index: int
    name: str
    region: str
    group: str
    role: str
    up_bytes_per_s: int
    """0 = unlimited; likewise down."""
    down_bytes_per_s: int
    hash_share: float
    """Its share of all hash power, 0..1."""
    outbound: int
    """Connections it had dialled, at the end of the run."""
    inbound: int
    is_attacker: bool = False
    """A scripted peer or a node that breaks the rules; left out of propagation figures."""


@dataclass(slots=True)
class BlockRecord:
    """One block found while measuring.

    `arrivals[node]` is the time from `found_at_us` until that node had *arrived* at the block: the answer of its chain
    engine (verified and connected, or stored on a side chain) was handled by the node, modelled verification time
    included. In a model it is the time at which the node would begin to announce it. The miner has 0 in its own block.
    """

    index: int
    hash: str
    """As people read it: 64 hex digits, the last byte first."""
    parent: int
    """Index of the parent's record, or NO_PARENT."""
    height: int
    miner: int
    """Index of the node that found it, or NO_NODE."""
    found_at_us: int
    size_bytes: int
    transactions: int
    is_best: bool
    """In the best chain at the end, as most nodes see it."""
    arrivals: IntArray
    """Microseconds after `found_at_us`, NEVER or ABSENT; one entry per node. A shorter array leaves out the last nodes,
    which are then ABSENT (scripted attackers come last); an empty one says that propagation was not recorded."""


@dataclass(slots=True)
class TxRecord:
    """One sampled transaction. `arrivals[node]`: from `sent_at_us` until it was accepted to that node's mempool."""

    index: int
    txid: str
    sender: int
    sent_at_us: int
    arrivals: IntArray


@dataclass(slots=True)
class PublishedRecord:
    """One signed value of the load. `arrivals[node]`: from `published_at_us` until that node held it, or a newer one in
    its place."""

    index: int
    kind: str
    key: str
    publisher: int
    published_at_us: int
    arrivals: IntArray


@dataclass(slots=True)
class TrafficRecord:
    """Messages and bytes (whole frames, as on the wire) per node and type: arrays of shape (nodes, types).

    Sent counts what entered a node's uplink; received what was handed to the node. What a link lost is the difference.
    """

    types: list[str] = field(default_factory=list)
    sent_messages: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    sent_bytes: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    received_messages: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    received_bytes: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int64))


@dataclass(slots=True)
class FaultRecord:
    """One fault of the scenario (or one kind of random fault)."""

    kind: str
    started_us: int
    ended_us: int | None
    """None: it lasted until the end of the run."""
    targets: list[str]
    """Names of nodes, links or groups, for people."""
    fired: int
    """How often it really did something: messages lost, nodes crashed, bytes flipped. 0 = it never took effect."""


@dataclass(slots=True)
class JoinRecord:
    """A node that was switched on while measuring. Times from then on, or NEVER."""

    node: int
    started_us: int
    ready_us: int
    """Until a first handshake was over."""
    level_us: int
    """Until it had caught up with a neighbour."""


@dataclass(slots=True)
class ErrandRecord:
    """A letter to a peer id, or a search for one."""

    kind: ErrandKind
    sender: int
    addressee: int
    sent_at_us: int
    was_up: bool
    """Whether the addressee ran when it was sent."""
    outcome: str
    """As the sender was told; of a search whether the answer was found, uncertain or unknown."""
    took_us: int
    """Until it was told; NEVER where it was not."""
    cost: int
    """Hops of a letter to its end; peers that a search asked."""


@dataclass(slots=True)
class ViolationRecord:
    """A checker found something that must not be."""

    checker: str
    at_us: int
    nodes: list[int]
    text: str


@dataclass(slots=True)
class SeriesRecord:
    """One quantity over time, e.g. `connections_mean`, `mempool_max`, `tips`."""

    name: str
    unit: str
    time_us: IntArray
    values: FloatArray


@dataclass(slots=True)
class RunRecord:
    """Everything that is known of a finished run."""

    engine: Engine
    scenario: str
    """Its name."""
    scenario_hash: str
    canonical: Mapping[str, Json]
    """The scenario with all defaults filled in, as it was hashed."""
    seed: int
    python_version: str
    minicoin_version: str
    digest: str
    """Hex digest over the trace of the run."""
    event_count: int
    """Events handled while measuring; those before are `setup_events`."""
    virtual_us: int
    """How long the measured part lasted in virtual time."""
    setup_events: int = 0
    setup_wall_s: float = 0.0
    run_wall_s: float = 0.0
    question: str = ""
    """What the scenario asks."""
    replay: str = ""
    """The one line that runs it again."""
    interrupted: str = ""
    """Not empty: the run was ended before its time, and why and when. The record holds what was measured until then."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know to judge the figures, e.g. that verdicts on identical blocks were shared."""
    assumptions: list[str] = field(default_factory=list)
    """What a model leaves out; empty for the full engine."""
    nodes: list[NodeRecord] = field(default_factory=list)
    blocks: list[BlockRecord] = field(default_factory=list)
    transactions: list[TxRecord] = field(default_factory=list)
    published: list[PublishedRecord] = field(default_factory=list)
    traffic: TrafficRecord = field(default_factory=TrafficRecord)
    joins: list[JoinRecord] = field(default_factory=list)
    errands: list[ErrandRecord] = field(default_factory=list)
    faults: list[FaultRecord] = field(default_factory=list)
    violations: list[ViolationRecord] = field(default_factory=list)
    series: list[SeriesRecord] = field(default_factory=list)
