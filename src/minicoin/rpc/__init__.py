"""JSON-RPC with Bitcoin Core's names, shapes and codes: one table of methods, and the HTTP server that offers them."""
