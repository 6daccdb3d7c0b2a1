"""Values as canonical bytes and back, for recordings and digests: equal values, equal bytes, whatever the hash seed."""
