"""minicoin: a peer-to-peer blockchain network. Rings: app -> drivers, sim, rpc, dashboard, testing -> core."""

from typing import Final

__version__: Final = "0.1.0.dev0"
