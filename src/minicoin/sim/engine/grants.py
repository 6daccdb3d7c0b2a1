"""The coins of a network that members sign: block 1 pays them, and nobody mines any afterwards.

They are like those of the funding chain: anybody may spend them. Which transaction they lie in is known when the
members have made block 1, in set-up.
"""

from typing import Final

from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.limits import ALLOCATION_OUTPUTS_MAX
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.transaction import make_outpoint
from minicoin.core.units import COIN_SAT, SECOND_US, Micros
from minicoin.sim.engine.funding import PAY_SCRIPT, FundedCoin
from minicoin.world.host import Host
from minicoin.world.world import World

GRANT_SAT: Final = 1_000 * COIN_SAT
_MADE_US: Final = 60 * SECOND_US


def grants(coins: int) -> tuple[tuple[bytes, int], ...]:
    """So many outputs of block 1, or as many as it may have."""
    return ((PAY_SCRIPT, GRANT_SAT),) * min(coins, ALLOCATION_OUTPUTS_MAX)


class GrantWatch:
    """Hears of the blocks that are proposed on the genesis block: one of them becomes block 1."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._proposed: dict[BlockHash, RawBlock] = {}
        world.observers.append(self)

    def wait(self, hosts: list[Host], count: int) -> tuple[FundedCoin, ...]:
        """The coins, once all of these have them; none where that does not come."""
        if not self._world.wait(_MADE_US, lambda: all(host.height for host in hosts)):
            return ()
        node = hosts[0].node
        assert node is not None
        first = node.view.tree.at_height(1)
        assert first is not None
        coinbase = Block.parse(self._proposed[first.hash].raw).transactions[0]
        self._world.observers.remove(self)
        return tuple(FundedCoin(make_outpoint(coinbase.txid, place), GRANT_SAT) for place in range(count))

    # --- what the world tells ---

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        if block.header.previous == self._world.network.genesis.hash:
            self._proposed[block.hash] = block

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """Where nodes stand is asked of them."""

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """Verdicts are the nodes' business."""
