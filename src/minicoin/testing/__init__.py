"""A kit for tests of programs that use or speak to minicoin: chains with real signatures, made in memory, and a node of
a simulated world as such a program sees it."""
