"""What peers announce and ask for by hash: blocks to netsync, transactions through the mempool and on by relay."""
