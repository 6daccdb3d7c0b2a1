"""What a feefilter message says: our least feerate, rounded so that it does not mark this node. BIP133.

The exact rate at which a full mempool closes is a fingerprint: whoever reads it off two connections knows that one node
is behind both. So it is rounded to steps of a tenth, up or down by chance, as Bitcoin Core does. The relay floor itself
marks nobody and is sent as it is: rounded up it would shut out what just pays it. A node that is still catching up
takes no transactions and asks for none by the highest step.
"""

from bisect import bisect_left
from typing import Final

from minicoin.core.rng import Rng

_STEP: Final = 1.1
_LOWEST: Final = 50.0
_HIGHEST: Final = 1e7


def _make_steps() -> tuple[float, ...]:
    steps = [0.0]
    step = _LOWEST
    while step <= _HIGHEST:
        steps.append(step)
        step *= _STEP
    return tuple(steps)


_STEPS: Final = _make_steps()
FEEFILTER_NOTHING: Final = int(_STEPS[-1])
"""Bitcoin Core's value for "no transactions, please" (MAX_MONEY, rounded), in satoshi per 1,000 virtual bytes."""


def round_feerate(feerate: int, floor: int, rng: Rng) -> int:
    """The feerate to tell a peer, never below `floor`."""
    if feerate <= floor:
        return floor
    if feerate >= FEEFILTER_NOTHING:
        return FEEFILTER_NOTHING
    at = bisect_left(_STEPS, feerate)
    if at == len(_STEPS) or (at > 0 and rng.below(3) != 0):
        at -= 1
    return max(int(_STEPS[at]), floor)
