"""What a scan of the coins for certain scripts is asked and answers. Plain values."""

from dataclasses import dataclass, field

from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint
from minicoin.core.primitives.verdicts import Coin


@dataclass(slots=True)
class ScanProgress:
    """A scan under way, seen by who asked for it: how far it is, and whether it shall end. Each has one writer."""

    percent: int = 0
    coins_seen: int = 0
    is_aborted: bool = False


@dataclass(frozen=True, slots=True)
class CoinScan:
    """The coins of a scan as of one block, and the block that each of them stands in."""

    tip: BlockHash
    height: int
    found: tuple[tuple[Outpoint, Coin], ...] = field(repr=False)
    block_of_height: dict[int, BlockHash] = field(repr=False)
