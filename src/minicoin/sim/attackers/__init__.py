"""Attackers: scripted peers and dishonest miners that speak to real nodes through the simulated world."""
