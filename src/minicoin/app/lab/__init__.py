"""`minicoin lab`: a private network of real node processes on loopback, driven over RPC, shown live."""
