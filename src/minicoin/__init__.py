"""minicoin: a peer-to-peer blockchain network. Rings: app -> drivers, sim, rpc, dashboard, testing -> core."""

__version__ = "0.1.0.dev0"
