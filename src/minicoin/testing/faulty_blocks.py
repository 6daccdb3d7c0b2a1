"""Blocks that break exactly one rule each, on top of any branch with spendable coins, with the reason that Bitcoin
Core gives for refusing them. Merkle root, commitment and work are right unless they are the fault.
"""

from typing import Final

from minicoin.testing.block_faults import BLOCK_FAULTS
from minicoin.testing.fault_parts import Fault
from minicoin.testing.spend_faults import SPEND_FAULTS

FAULTS: Final[dict[str, Fault]] = {**BLOCK_FAULTS, **SPEND_FAULTS}
"""Every fault by name."""
