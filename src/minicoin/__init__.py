"""minicoin: a peer-to-peer blockchain network. Rings: app -> drivers, sim, rpc, dashboard, testing -> core."""
