"""The values everybody speaks of: transactions, blocks, targets, addresses, and what workers take and give."""
