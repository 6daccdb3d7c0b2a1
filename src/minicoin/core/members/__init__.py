"""Changes of the member list on their way: proposed by one bank, approved by others, carried by a block.

A draft is a MemberChange of which each member that stands behind it publishes a copy with its own signature, as a
record of kind `change`. Whoever counts a quorum of them may carry the change in a coinbase; what is carried is
core/chain's to judge, and nothing here makes a block valid or not.
"""
