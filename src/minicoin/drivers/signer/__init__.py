"""A member's signing keys in a process of their own: what the node and that process say to each other, and both ends.

The process signs on a local socket and keeps a record of its own of what it signed (keyholder), so that no node can
have it sign twice: not one that lies, not one that was restored from a backup, not two at a time. ADR 44.
"""
