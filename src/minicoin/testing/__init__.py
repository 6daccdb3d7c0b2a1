"""A kit for tests of programs that use or speak to minicoin: chains with real signatures, made in memory."""
