"""Signatures over transactions and messages: what is hashed, what satisfies a script. Holds no key of its own."""
