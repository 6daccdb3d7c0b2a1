"""The node's wallet at work: between chain, mempool, disk and commands; no answer or announcement before the disk."""
