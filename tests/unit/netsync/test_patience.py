"""How long a block may take: doubled by haste, shortened by each block in time, within its two ends."""

from minicoin.core.limits import BLOCK_STALL_US, TIP_PATIENCE_PARTS
from minicoin.core.netsync.patience import Patience
from minicoin.core.units import SECOND_US


def test_haste_doubles_it_up_to_a_part_of_the_spacing() -> None:
    patience = Patience(600 * SECOND_US)
    assert patience.us == BLOCK_STALL_US
    patience.on_hasty()
    assert patience.us == 2 * BLOCK_STALL_US
    for _ in range(20):
        patience.on_hasty()
    assert patience.us == 600 * SECOND_US // TIP_PATIENCE_PARTS


def test_blocks_in_time_bring_it_back_to_where_it_began() -> None:
    patience = Patience(600 * SECOND_US)
    patience.on_hasty()
    patience.on_in_time()
    assert patience.us == 2 * BLOCK_STALL_US * 85 // 100
    for _ in range(20):
        patience.on_in_time()
    assert patience.us == BLOCK_STALL_US


def test_on_a_fast_network_it_stays_what_it_is() -> None:
    patience = Patience(SECOND_US)
    patience.on_hasty()
    assert patience.us == BLOCK_STALL_US
