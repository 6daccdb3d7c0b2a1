"""Unconfirmed transactions: admission, conflicts, eviction, orphans, selection for blocks, rebroadcast."""
