"""Faults that a scenario injects on a timeline, as [[fault]] tables; fault_rates has those that happen at random.

Times count from the end of set-up. Kinds that last end at until_s, or with mining; the others happen once. What each
does to the world is sim.faults' part.
"""

from typing import Annotated, Literal

from pydantic import Field

from minicoin.sim.scenario.fields import (
    Count,
    Factor,
    Mbit,
    PositiveMillis,
    PositiveSeconds,
    PositiveShare,
    Seconds,
    SettingsTable,
    SignedSeconds,
    Switch,
    Version,
)
from minicoin.sim.scenario.targets import ALL, Target


class FaultBase(SettingsTable):
    """What every fault has."""

    at_s: Seconds
    """When it begins."""


class LastingFault(FaultBase):
    """A fault that is there for a while."""

    until_s: PositiveSeconds | None = None
    """When it ends; otherwise with mining."""


class LinkFault(LastingFault):
    """A fault of connections."""

    nodes: Target = ALL
    """Connections of these nodes."""
    peers: Target = ALL
    """Of those, the ones to these nodes."""


class Loss(LinkFault):
    """Packets get lost: what is sent comes one or more retransmissions later (TCP's time-out, doubled each time)."""

    kind: Literal["loss"]
    probability: PositiveShare
    """Of each message."""


class Duplicate(LinkFault):
    """Whole messages behind the handshake arrive again within a second. TCP would not do it: nodes must bear it."""

    kind: Literal["duplicate"]
    probability: PositiveShare
    """Of each message."""


class Reorder(LinkFault):
    """Later messages overtake whole messages behind the handshake. TCP would not do it: nodes must bear it."""

    kind: Literal["reorder"]
    probability: PositiveShare
    """Of each message."""
    by_ms: PositiveMillis = 100.0
    """How late an overtaken message is, at most."""


class DelaySpike(LinkFault):
    """Latency grows."""

    kind: Literal["delay-spike"]
    add_ms: PositiveMillis
    """Added to each message's latency."""


class BandwidthCap(LastingFault):
    """Bandwidth shrinks."""

    kind: Literal["bandwidth-cap"]
    nodes: Target = ALL
    """Whose."""
    up_mbit: Mbit | None = None
    """Uplink at most, in Mbit/s."""
    down_mbit: Mbit | None = None
    """Downlink at most, in Mbit/s."""


class LinkBlock(LinkFault):
    """Connections stay open and carry nothing."""

    kind: Literal["link-block"]
    one_way: Switch = False
    """Only what `nodes` send is held back; otherwise both directions."""


class Partition(LastingFault):
    """The network falls apart: nothing passes between groups, and no new connection either. It heals at until_s."""

    kind: Literal["partition"]
    groups: Annotated[tuple[Target, ...], Field(min_length=2, max_length=100)]
    """The parts, each a target; shares are of all nodes, "rest" is what the others leave. Nodes of no group keep all
    connections."""
    one_way: Switch = False
    """Asymmetric: only what a group sends to later groups is lost, the way back is open."""
    cut: Literal["silent", "reset"] = "silent"
    """silent: packets vanish and connections die of their time-outs; reset: connections between groups are closed."""


class LinkLoss(LastingFault):
    """Pairs of nodes lose the way to each other: their connections break, and they cannot connect again until it ends.
    With a given topology this takes a share of its links; where nodes find each other they find others."""

    kind: Literal["link-loss"]
    share: PositiveShare
    """Of all pairs of nodes, drawn from the seed."""


class Clog(LinkFault):
    """What is sent piles up and is let go at until_s."""

    kind: Literal["clog"]
    order: Literal["fifo", "shuffled"] = "fifo"
    """Order in which the connections are let go: oldest first, or shuffled. Within a connection order is kept."""


class HalfOpenLinks(FaultBase):
    """One side forgets a connection without telling; the other believes it open until it hears nothing."""

    kind: Literal["half-open"]
    nodes: Target = ALL
    """Who forgets."""
    count: Count = 1
    """How many connections of each."""


class Reset(FaultBase):
    """Connections are closed in the middle of whatever they carry."""

    kind: Literal["reset"]
    nodes: Target = ALL
    """Whose."""
    count: Count = 1
    """How many connections of each."""


class FragmentedRead(LinkFault):
    """Bytes arrive in small pieces, cut anywhere. Encodes the messages of these connections."""

    kind: Literal["fragmented-read"]
    max_bytes: Annotated[int, Field(strict=True, ge=1, le=65_536)] = 7
    """Largest piece; sizes are drawn from 1 to this."""


class FlippedByte(LinkFault):
    """One byte of a message changes on its way. On plain links it is encoded, and its checksum must catch that, without
    a ban; on others the receiver closes the connection, since the message is not authentic."""

    kind: Literal["flipped-byte"]
    probability: PositiveShare
    """Of each message."""


class Crash(FaultBase):
    """Nodes stop at once and start again."""

    kind: Literal["crash"]
    nodes: Target
    """Which."""
    with_disk: Switch = True
    """Whether chain, addresses and wallet survive; otherwise the node starts from the genesis block."""
    restart_after_s: PositiveSeconds = 10.0
    """How long they are down."""


class TornWrite(FaultBase):
    """The store's next write is cut short and the node crashes; it restarts on what is there. Needs an own ledger."""

    kind: Literal["torn-write"]
    nodes: Target
    """Which."""
    damage: Literal["torn", "truncated"] = "torn"
    """torn: the write ends in bytes that are not what was meant; truncated: it just ends early."""
    restart_after_s: PositiveSeconds = 10.0
    """How long they are down."""


class FullDisk(LastingFault):
    """Writes fail until there is room again; nodes that gave up are started anew then. Needs an own ledger."""

    kind: Literal["full-disk"]
    nodes: Target
    """Which."""


class ClockSkew(LastingFault):
    """A clock is wrong and may run at a wrong rate."""

    kind: Literal["clock-skew"]
    nodes: Target
    """Whose."""
    offset_s: SignedSeconds = 0.0
    """How far ahead (or, below 0, behind)."""
    drift_ppm: Annotated[float, Field(strict=True, ge=-500_000, le=500_000, allow_inf_nan=False)] = 0.0
    """Microseconds gained each second."""


class ClockJump(FaultBase):
    """A clock jumps forward or back, once. Back restarts the node, since nodes read the wall clock at their start."""

    kind: Literal["clock-jump"]
    nodes: Target
    """Whose."""
    by_s: SignedSeconds
    """How far."""


class SlowCpu(LastingFault):
    """Verification takes longer."""

    kind: Literal["slow-cpu"]
    nodes: Target
    """Whose."""
    factor: Factor
    """How many times longer."""


class ChurnSpell(LastingFault):
    """Nodes leave and come back for a while, whatever [churn] says."""

    kind: Literal["churn"]
    nodes: Target
    """Which."""
    session_s: PositiveSeconds
    """Mean time that a node stays, exponential."""
    rejoin_s: PositiveSeconds
    """Mean time that a node is away, exponential."""
    with_disk: Switch = True
    """Whether a node that returns still has its chain and addresses."""


class VersionSkew(FaultBase):
    """Nodes restart with another feature set."""

    kind: Literal["version-skew"]
    nodes: Target
    """Which."""
    version: Version
    """As in [[nodes.group]]."""


class NodeLoss(LastingFault):
    """Nodes vanish together, as when a data centre or the index server goes; with until_s they come back."""

    kind: Literal["node-loss"]
    nodes: Target
    """Which."""
    with_disk: Switch = True
    """Whether a node that returns still has its chain and addresses."""


class RegistryLies(LastingFault):
    """A registry lies, to each node something else: nodes where others are, nodes that do not exist, everybody gone,
    and records that are old, forged or of strangers. Needs nodes that look for others (topology.source = "addrman") and
    know each other by peer id."""

    kind: Literal["registry-lies"]
    nodes: Target = ALL
    """Whom."""
    every_s: PositiveSeconds = 5.0
    """Seconds from one time to the next."""


Fault = Annotated[
    Loss
    | Duplicate
    | Reorder
    | DelaySpike
    | BandwidthCap
    | LinkBlock
    | Partition
    | LinkLoss
    | Clog
    | HalfOpenLinks
    | Reset
    | FragmentedRead
    | FlippedByte
    | Crash
    | TornWrite
    | FullDisk
    | ClockSkew
    | ClockJump
    | SlowCpu
    | ChurnSpell
    | VersionSkew
    | NodeLoss
    | RegistryLies,
    Field(discriminator="kind"),
]
