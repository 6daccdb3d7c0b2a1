"""The mining pools of Gervais et al. (CCS 2016): what part of all work each of them has."""

from typing import Final

POOL_SHARES: Final = (
    *(0.289, 0.196, 0.159, 0.133, 0.066, 0.054, 0.029, 0.016),
    *(0.012, 0.012, 0.012, 0.009, 0.005, 0.005, 0.002, 0.002),
)
