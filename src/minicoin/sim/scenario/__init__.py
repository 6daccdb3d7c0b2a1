"""Scenario files: what may be written in them, reading them with clear errors, and their documentation."""
