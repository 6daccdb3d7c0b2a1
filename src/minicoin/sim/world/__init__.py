"""The simulated world: one event queue, hosts that run real nodes, links between them, mining and transaction load."""
