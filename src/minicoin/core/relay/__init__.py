"""Transactions between peers: announcing by inv in trickles, asking one peer at a time. mempool decides validity."""
