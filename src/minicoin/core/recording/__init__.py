"""A node's life as bytes: what it began with, every event it handled, the state at checkpoints; and its replay."""
