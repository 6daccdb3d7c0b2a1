"""The laboratory: scenarios, faults, attackers, checkers and reports around the very node code that runs for real, in
the simulated world, and a light propagation model for networks too large for it. Everything is drawn from one seed."""
