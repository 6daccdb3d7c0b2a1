"""How the members of a consortium agree on the next block: the rounds, and the part of a node that plays them.

The rounds are pure (Tendermint's algorithm); the part around them speaks with other signers, has votes written down and
signed, and hands decided blocks to the chain. core/signers owns the bytes, core/chain what a valid block is.
"""
