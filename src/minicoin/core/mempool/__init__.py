"""Unconfirmed transactions: admission, conflicts, eviction, orphans, selection for blocks, what no peer has yet."""
