"""What synchronisation knows of one peer: the best header it showed, what it owes us, what it is owed.

Most peers owe nothing most of the time: tables exist while they hold something.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.limits import LACKS_PER_PEER_MAX
from minicoin.core.netsync.presync import Presync
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import ConnId, Micros

PROTOCOL_VERSION = 70016
"""What getheaders and getblocks carry; peers ignore it."""

_NOTHING_OWED: Final[Mapping[BlockHash, Micros]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Lag:
    """What a peer that shows less work than our tip is to show, and until when."""

    benchmark: HeaderNode
    due: Micros
    was_asked: bool = False


@dataclass(frozen=True, slots=True)
class SyncPeerView:
    """What synchronisation knows of one peer, at one moment. Heights are -1 where nothing is known yet."""

    best_known_height: int
    last_common_height: int
    presynced_height: int
    """How far a chain of it was heard that has not shown its work yet."""
    in_flight: tuple[int, ...]
    """The heights of the blocks of the window it was asked for, ascending."""
    owed_count: int
    """All blocks it was asked for, either way."""
    announced_count: int
    """Blocks of its inv that it will be asked for."""
    is_classic: bool
    prefers_headers: bool


@dataclass(slots=True)
class SyncPeer:
    """One ready peer."""

    conn: ConnId
    inbound: bool
    services: Services
    is_automatic: bool = False
    """It fills a slot of ours that nobody named it for."""
    is_full_relay: bool = False
    is_trusted: bool = False
    """The operator vouches for it (noban): its headers are kept whatever work they show."""
    prefers_headers: bool = False
    best_known: HeaderNode | None = None
    """The header with most work that it announced or served, as far as we know it."""
    announced_unknown: BlockHash | None = None
    """The last block it announced whose header we do not have."""
    last_common: HeaderNode | None = None
    """The best header we sent or announced to it: it knows its ancestors."""

    headers_asked_at: Micros | None = None
    was_asked_headers: bool = False
    """Its turn came: it was asked where its chain stands."""
    was_asked_early: bool = False
    """It was asked for headers before its turn, because of a block it announced."""
    is_header_synced: bool = False
    """It answered a getheaders with less than a full message, or gave no headers at all in time."""
    presync: Presync | None = None
    """Its chain, as long as that is heard for its work and not kept."""

    is_classic: bool = False
    """It sent no headers in time: getblocks and inv are used instead."""
    classic_continues: bool = False
    """The last inv brought something new, so another getblocks follows once its blocks are here."""

    classic_from: HeaderNode | None = None
    """Where the last getblocks started."""

    stalls: int = 0
    """How often a block it owed held up others that were here."""
    broken_promises: int = 0
    """Blocks it was asked for that had to be asked of somebody else; forgiven with the next one it delivers."""
    has_delivered: bool = False
    """It gave us a block, asked or not, first or not."""
    best_delivered: HeaderNode | None = None
    """The one with most work of those it gave us."""
    is_protected: bool = False
    """It is one of those that stay connected however far they fall behind."""
    lag: Lag | None = None
    waiting_since: Micros = Micros(0)
    """When it delivered its last block, or was asked while it owed none."""

    continue_hash: BlockHash | None = None
    """The last hash of a full inv we served: when it is fetched, our tip is announced so that the peer goes on."""

    serves_blocks: bool = field(init=False)
    serves_witness: bool = field(init=False)

    _in_flight: dict[BlockHash, Micros] | None = None
    _classic_asked: dict[BlockHash, Micros] | None = None
    _classic_wanted: deque[BlockHash] | None = None
    _lacks: dict[BlockHash, None] | None = None

    def __post_init__(self) -> None:
        self.serves_blocks = bool(self.services & (Services.NETWORK | Services.NETWORK_LIMITED))
        self.serves_witness = bool(self.services & Services.WITNESS)

    @property
    def in_flight(self) -> Mapping[BlockHash, Micros]:
        """The blocks of the window it was asked for, and when; the oldest request first."""
        return _NOTHING_OWED if self._in_flight is None else self._in_flight

    @property
    def classic_asked(self) -> Mapping[BlockHash, Micros]:
        """The blocks it was asked for on the classic path, and when; the oldest request first."""
        return _NOTHING_OWED if self._classic_asked is None else self._classic_asked

    @property
    def classic_wanted(self) -> Sequence[BlockHash]:
        """What its inv named and it was not asked for yet."""
        return () if self._classic_wanted is None else self._classic_wanted

    @property
    def presynced_height(self) -> int:
        """How far its chain was heard for its work; -1 where that is done, or was not needed."""
        height = None if self.presync is None else self.presync.height
        return -1 if height is None else height

    @property
    def owes_blocks(self) -> bool:
        """Whether it was asked for any, either way."""
        return self._in_flight is not None or self._classic_asked is not None

    @property
    def owed_blocks(self) -> int:
        """Blocks it was asked for, either way."""
        return len(self.in_flight) + len(self.classic_asked)

    def view(self, tree: HeaderReader) -> SyncPeerView:
        """The peer from outside."""
        nodes = [tree.get(block) for block in self.in_flight]
        return SyncPeerView(
            best_known_height=-1 if self.best_known is None else self.best_known.height,
            last_common_height=-1 if self.last_common is None else self.last_common.height,
            presynced_height=self.presynced_height,
            in_flight=tuple(sorted(node.height for node in nodes if node is not None)),
            owed_count=self.owed_blocks,
            announced_count=len(self.classic_wanted),
            is_classic=self.is_classic,
            prefers_headers=self.prefers_headers,
        )

    def take_owed(self, block: BlockHash, now: Micros) -> bool:
        """The block came: whether it was asked for."""
        was_owed = self.drop_asked(block, now)
        was_owed = self.drop_classic_asked(block) or was_owed
        if was_owed:
            self.stalls = self.broken_promises = 0
            self.waiting_since = now
        return was_owed

    def note_asked(self, block: BlockHash, now: Micros) -> None:
        """It was asked for a block of the window, perhaps again."""
        if self._in_flight is None:
            self._in_flight = {}
            self.waiting_since = now
        self._in_flight.pop(block, None)
        self._in_flight[block] = now

    def drop_asked(self, block: BlockHash, now: Micros) -> bool:
        """It owes this block of the window no more; whether it did. If it was the first in turn, the next one's time
        begins."""
        if self._in_flight is None or block not in self._in_flight:
            return False
        if next(iter(self._in_flight)) == block:
            self.waiting_since = now
        del self._in_flight[block]
        self._in_flight = self._in_flight or None
        return True

    def note_classic_asked(self, block: BlockHash, now: Micros) -> None:
        """It was asked for a block of its inv."""
        if self._classic_asked is None:
            self._classic_asked = {}
        self._classic_asked[block] = now

    def drop_classic_asked(self, block: BlockHash) -> bool:
        """It owes this block of its inv no more; whether it did."""
        if self._classic_asked is None or self._classic_asked.pop(block, None) is None:
            return False
        self._classic_asked = self._classic_asked or None
        return True

    def want_classic(self, block: BlockHash) -> None:
        """Its inv named a block that it will be asked for."""
        if self._classic_wanted is None:
            self._classic_wanted = deque()
        self._classic_wanted.append(block)

    def next_classic(self) -> BlockHash | None:
        """The next of them, now to be asked for."""
        if self._classic_wanted is None:
            return None
        block = self._classic_wanted.popleft()
        self._classic_wanted = self._classic_wanted or None
        return block

    def note_lack(self, block: BlockHash) -> None:
        """It does not have the block, or not a good copy: it is not asked for it again."""
        if self._lacks is None:
            self._lacks = {}
        self._lacks[block] = None
        if len(self._lacks) > LACKS_PER_PEER_MAX:
            del self._lacks[next(iter(self._lacks))]

    def forget_lack(self, block: BlockHash) -> None:
        """It announced the block anew: it has it now, or a good copy."""
        if self._lacks is not None and self._lacks.pop(block, 0) is None:
            self._lacks = self._lacks or None

    def has_lack(self, block: BlockHash) -> bool:
        """Whether it failed to give this block."""
        return self._lacks is not None and block in self._lacks

    def learn(self, node: HeaderNode) -> None:
        """It has `node` and therefore its ancestors. Of equal work the last one counts: it may have changed its mind,
        and so it may where we found its chain invalid."""
        best = self.best_known
        if best is None or node.chainwork >= best.chainwork or (best.is_failed and not node.is_failed):
            self.best_known = node
