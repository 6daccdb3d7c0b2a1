"""Following the chain with most work: headers first, blocks from many peers, the classic path, serving both."""
