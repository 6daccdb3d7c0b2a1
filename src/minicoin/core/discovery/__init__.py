"""How a node learns addresses and makes its own known: DNS seeds, getaddr, gossip of addr messages."""
