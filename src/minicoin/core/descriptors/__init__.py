"""Output descriptors: a text that says which output scripts somebody can spend, and with which keys (BIP380 to 386)."""
