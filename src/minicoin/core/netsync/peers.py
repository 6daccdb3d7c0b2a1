"""What synchronisation knows of one peer: the best header it showed, what it owes us, what it is owed."""

from collections import deque
from dataclasses import dataclass, field

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.limits import LACKS_PER_PEER_MAX
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import ConnId, Micros

PROTOCOL_VERSION = 70016
"""What getheaders and getblocks carry; peers ignore it."""


@dataclass(slots=True)
class SyncPeer:
    """One ready peer."""

    conn: ConnId
    inbound: bool
    services: Services
    prefers_headers: bool = False
    best_known: HeaderNode | None = None
    """The header with most work that it announced or served, as far as we know it."""
    announced_unknown: BlockHash | None = None
    """The last block it announced whose header we do not have."""
    last_common: HeaderNode | None = None
    """The best header we sent or announced to it: it knows its ancestors."""

    headers_asked_at: Micros | None = None
    is_header_synced: bool = False
    """It answered a getheaders with less than a full message, or gave no headers at all in time."""
    unconnecting_headers: int = 0
    low_work_headers: int = 0

    is_classic: bool = False
    """It sent no headers in time: getblocks and inv are used instead."""
    classic_wanted: deque[BlockHash] = field(default_factory=deque)
    classic_asked: dict[BlockHash, Micros] = field(default_factory=dict)
    classic_continues: bool = False
    """The last inv brought something new, so another getblocks follows once its blocks are here."""

    classic_from: HeaderNode | None = None
    """Where the last getblocks started."""

    in_flight: dict[BlockHash, Micros] = field(default_factory=dict)
    lacks: dict[BlockHash, None] = field(default_factory=dict)
    stalls: int = 0

    continue_hash: BlockHash | None = None
    """The last hash of a full inv we served: when it is fetched, our tip is announced so that the peer goes on."""

    @property
    def owed_blocks(self) -> int:
        """Blocks it was asked for, either way."""
        return len(self.in_flight) + len(self.classic_asked)

    @property
    def serves_blocks(self) -> bool:
        return bool(self.services & (Services.NETWORK | Services.NETWORK_LIMITED))

    @property
    def serves_witness(self) -> bool:
        return bool(self.services & Services.WITNESS)

    def take_owed(self, block: BlockHash) -> bool:
        """The block came: whether it was asked for."""
        was_owed = block in self.in_flight or block in self.classic_asked
        self.in_flight.pop(block, None)
        self.classic_asked.pop(block, None)
        if was_owed:
            self.stalls = 0
        return was_owed

    def note_lack(self, block: BlockHash) -> None:
        """It does not have the block, or not a good copy: it is not asked for it again."""
        self.lacks[block] = None
        if len(self.lacks) > LACKS_PER_PEER_MAX:
            del self.lacks[next(iter(self.lacks))]

    def learn(self, node: HeaderNode) -> None:
        """It has `node` and therefore its ancestors."""
        if self.best_known is None or node.chainwork > self.best_known.chainwork:
            self.best_known = node
