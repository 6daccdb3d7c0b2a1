"""Byte and text encodings that are not messages: CompactSize, hex of hashes, base58check, bech32."""
