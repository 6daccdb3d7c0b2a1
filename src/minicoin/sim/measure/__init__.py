"""What is recorded during a run: plain records that a world or a model fills once, at the end."""
