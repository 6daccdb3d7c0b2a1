"""Checkers that look at a simulated network from outside and say what must not be."""
