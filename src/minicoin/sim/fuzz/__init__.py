"""Random scenarios with random faults, checked from outside; what fails is shrunk to a small scenario file."""
