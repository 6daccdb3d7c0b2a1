"""What a node is to be: its role in the network, and what its operator chose. The network's rules are params'."""
