"""The simulated world: virtual time, links, faults, scenarios, checkers and reports around the very node code that runs
for real, and a light propagation model for networks too large for it. Everything is drawn from one seed."""
