"""A computer of the simulated world, put together from parts: lines, disk, clock, perhaps an identity, what it runs.

`Host` is plain state; the world moves it. An attacker is a host that runs a scripted peer instead of a node. A wallet
is the node's, and stands on the disk with its other documents.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from coincurve import PrivateKey

from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.effects import Effect, Reply, SearchNonce
from minicoin.core.events import Event
from minicoin.core.libp2p.identity import Identity
from minicoin.core.node.node import Node
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages import Message
from minicoin.world.clock import Clock
from minicoin.world.ledger import Ledger
from minicoin.world.traffic import UNKNOWN_TYPE, Traffic


class Runner(Protocol):
    """What a host runs: a node, or a scripted peer with the same contract."""

    def handle(self, event: Event, now: Micros) -> None:
        """Take one event."""

    def drain_effects(self) -> list[Effect]:
        """What it wants from the world."""

    def next_deadline(self) -> Micros | None:
        """When it wants to be woken."""


class Disturbance(Protocol):
    """Something wrong with one direction of a connection: says when, how often and in what form a message arrives."""

    def carry(self, end: "LinkEnd", message: Message | bytes, size: int, arrival_us: int) -> None:
        """Take over a message that would have arrived at `arrival_us`; deliver it through the world, or never."""


class Machine(Protocol):
    """What stands between a runner and the bytes of a connection, at one end of it."""

    def send(self, frame: bytes, kind: int) -> None:
        """A frame for the other end, of a message of this type."""

    def receive(self, data: bytes) -> None:
        """Bytes of the other end."""

    def close(self, reason: str, *, is_gated: bool = False) -> None:
        """Say goodbye: the connection ends behind what that takes."""


class LinkEnd:
    """One host's end of a connection. `other` is the far end; what is sent here arrives there."""

    __slots__ = (
        "conn",
        "dialled",
        "disturbance",
        "held",
        "host",
        "is_open",
        "is_told",
        "last_arrival",
        "latency_us",
        "machine",
        "number",
        "other",
        "receiving",
        "remote",
        "runner",
        "unacknowledged",
    )

    def __init__(
        self, host: "Host", conn: ConnId, latency_us: int, *, dialled: NodeAddress | None, remote: NodeAddress
    ) -> None:
        self.host = host
        self.conn = conn
        self.latency_us = latency_us
        self.dialled = dialled
        self.remote = remote
        """Where the other end is, as this one sees it."""
        self.runner = host.runner
        """Who opened it: one that was switched on since knows nothing of it."""
        self.other: LinkEnd = self
        self.machine: Machine | None = None
        """None where messages travel as they are."""
        self.is_open = True
        self.is_told = True
        """Whether its opening is no secret to the runner any more, so that its end must not be either."""
        self.last_arrival = 0
        self.number = 0
        self.unacknowledged = 0
        self.receiving = UNKNOWN_TYPE
        """The type of the frame whose bytes arrive, where bytes do."""
        self.held: list[tuple[Message | bytes, int]] | None = None
        """What waits behind a block of this direction; None where nothing blocks it."""
        self.disturbance: Disturbance | None = None


@dataclass(slots=True)
class Lines:
    """What connects a host to the world. Rates in bytes per second, 0 for unlimited."""

    up_rate: int = 0
    down_rate: int = 0
    region: int = 0
    up_free: int = 0
    """When all that was handed to the uplink has left it."""
    down_free: int = 0


@dataclass(slots=True)
class Disk:
    """What a crash leaves: the ledger and the documents."""

    ledger: Ledger
    documents: dict[str, bytes] = field(default_factory=dict)


class Host:
    """One computer. `index` is its place in the world; `node` is None for scripted peers."""

    __slots__ = (
        "address",
        "admitted",
        "clock",
        "cpu_factor",
        "disk",
        "group",
        "identity",
        "index",
        "is_up",
        "job",
        "judged",
        "judging",
        "lines",
        "links",
        "mined",
        "name",
        "next_inbound",
        "next_request",
        "node",
        "policy",
        "replies",
        "restarts",
        "runner",
        "says",
        "signer",
        "signing_keys",
        "takers",
        "traffic",
        "wake_at",
        "worker_free",
    )

    def __init__(
        self,
        index: int,
        name: str,
        address: NodeAddress,
        lines: Lines,
        disk: Disk,
        *,
        group: str = "",
        identity: Identity | None = None,
    ) -> None:
        self.index = index
        self.name = name
        self.group = group
        self.address = address
        """Where it listens, with its peer id where it has one."""
        self.identity = identity
        self.lines = lines
        self.disk = disk
        self.clock = Clock()
        self.node: Node | None = None
        self.runner: Runner | None = None
        self.is_up = False
        self.links: dict[ConnId, LinkEnd] = {}
        self.traffic = Traffic()
        self.worker_free = 0
        self.wake_at: Micros | None = None
        self.next_inbound = 1
        self.next_request = 1
        self.restarts = 0
        self.cpu_factor = 1.0
        self.job: SearchNonce | None = None
        self.mined: RawBlock | None = None
        self.judged: BlockHash | None = None
        """The last proposed block that its worker found valid."""
        self.judging: RawBlock | None = None
        """The last proposed block that its node had judged, valid or not."""
        self.policy: NodePolicy | None = None
        self.replies: dict[RequestId, Reply] = {}
        self.admitted: frozenset[bytes] | None = None
        """Whose connections go beyond the proof of a peer id; None for anybody's."""
        self.signing_keys: tuple[PrivateKey, ...] = ()
        """Of the member this host signs for, from its next start on."""
        self.signer: VoteSigner | None = None
        self.says: Callable[[ConnId, Message], Message | None] | None = None
        """What a liar sends in place of what its node would, or nothing; None for an honest host."""
        self.takers: dict[RequestId, Callable[[Reply], None]] = {}
        """Who is told of a reply as it comes."""

    def admits(self, peer_id: bytes) -> bool:
        return self.admitted is None or peer_id in self.admitted

    @property
    def height(self) -> int:
        """Of its node's tip; there must be one."""
        assert self.node is not None
        return self.node.view.tree.tip.height

    @property
    def tip(self) -> BlockHash:
        """Its node's tip."""
        assert self.node is not None
        return self.node.view.tree.tip.hash
