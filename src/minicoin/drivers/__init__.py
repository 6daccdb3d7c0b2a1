"""The real world on trio: sockets, stores, DNS, workers, the clock. Performs the core's effects, returns events."""
