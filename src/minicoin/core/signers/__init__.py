"""What the members of a consortium sign: lists, votes, certificates and changes of the list, as canonical bytes.

Every number is little-endian, every hash in internal order, every key x-only (BIP340), so that each value has one form
and one signature. Nothing here holds a key, a clock or a chain: core/consensus runs the rounds, core/chain asks for
certificates.
"""
