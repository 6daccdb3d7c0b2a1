"""Injected faults: what goes wrong with links, clocks, disks and computers, when, and proof that it did."""
