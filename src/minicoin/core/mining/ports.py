"""What a miner needs of the node around it: the chain it mines on, who takes its blocks, who hears from it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Effect
from minicoin.core.mempool.reading import MempoolReader
from minicoin.core.params.network import Network
from minicoin.core.part import Outbox
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.units import Micros


class MinerPolicy(Protocol):
    """What the operator chose."""

    @property
    def block_weight_max(self) -> int: ...
    @property
    def block_version(self) -> int | None: ...
    @property
    def mining_interval_us(self) -> int: ...
    @property
    def connect(self) -> Sequence[NodeAddress] | None: ...
    @property
    def add_nodes(self) -> Sequence[NodeAddress]: ...
    @property
    def seed_nodes(self) -> Sequence[NodeAddress]: ...


class HeardPeer(Protocol):
    """A peer that told where its chain stands, or has not yet."""

    @property
    def is_header_synced(self) -> bool: ...


class BlockTaker(Protocol):
    """Takes a block of ours as it takes those of peers, and knows what they have."""

    @property
    def awaited(self) -> BlockHash | None:
        """The next block on the way to the best header, while it is not here."""

    def peers(self) -> Iterable[HeardPeer]: ...

    def submit(self, block: RawBlock, now: Micros) -> list[Effect]:
        """Raises BlockRejected."""


class MinerNode(Outbox, Protocol):
    """The node around it."""

    @property
    def network(self) -> Network: ...
    @property
    def policy(self) -> MinerPolicy: ...
    @property
    def tree(self) -> HeaderTree: ...
    @property
    def mempool(self) -> MempoolReader: ...
    @property
    def sync(self) -> BlockTaker: ...
