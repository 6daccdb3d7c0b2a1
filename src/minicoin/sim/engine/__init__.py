"""Runs a scenario with the full node code: builds its world, mines, pays, disturbs, looks and records."""
