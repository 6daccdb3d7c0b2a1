"""The chain on disk: append-only block files, an LMDB index with the coins, and blk*.dat import and export."""
