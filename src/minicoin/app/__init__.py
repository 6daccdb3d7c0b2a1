"""The composition root: command line, configuration, building a node, the lab. Knows everything, decides nothing."""
