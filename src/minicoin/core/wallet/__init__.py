"""Keys, coins and payments of one wallet: a state machine on the loop, told of blocks and transactions by node."""
