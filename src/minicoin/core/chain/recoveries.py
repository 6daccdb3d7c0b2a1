"""Which recovery holds where: a function of the height, since a chain without the blocks that they name is refused.

The operator's configuration names them (ADR 45). Behind the block that a recovery names its list signs, for a domain of
its own, until a change or a further recovery; the block that it binds, where it binds one, is the next.
"""

from typing import Final

from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.recovery import Recovery, domain_of, epoch_at


class Recoveries:
    """Those of one configuration, each behind the one that it follows."""

    def __init__(self, network_id: bytes, named: tuple[Recovery, ...]) -> None:
        self._network_id: Final = network_id
        self.named: Final = named

    def at(self, height: int) -> Recovery | None:
        """The last one in front of this height."""
        return next((one for one in reversed(self.named) if one.height < height), None)

    def behind(self, height: int) -> tuple[Recovery, ...]:
        """Those that name the block of this height: mostly none."""
        return tuple(one for one in self.named if one.height == height)

    def epoch(self, height: int) -> bytes:
        """The hash of the one that holds at this height; NO_RECOVERY where none does."""
        return epoch_at(self.named, height)

    def domain(self, height: int) -> bytes:
        """What votes of this height are signed for."""
        return domain_of(self._network_id, self.epoch(height))

    def named_block(self, height: int) -> BlockHash | None:
        """The only block that may stand at this height, if one of them names it."""
        return next((one.block for one in self.named if one.height == height), None)

    def bound(self, height: int) -> BlockHash | None:
        """The only block that may be decided at this height, if a lock binds."""
        locks = (one.bound for one in self.behind(height - 1))
        return next((lock.block for lock in locks if lock is not None), None)
