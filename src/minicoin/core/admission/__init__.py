"""Admission: who may connect to this node, while it runs, as the members of the network sign it.

1. The network file has version 0. A later version holds where a quorum of the list of the height that it names signed
   it (signers/admission). The highest a node has seen is the one it goes by, across restarts, and never an older one.
   Nor may its height be lower than that of the version before: a list that is long gone decides nothing new.
2. A member signs one content of a version. What it signs is on disk before the key is asked. Where its members sign
   different contents none comes to a quorum, and the next proposal is a version above all that were seen.
3. Drafts and single signatures travel as records of one member each (`admission-draft`); whoever holds a quorum of
   equal ones makes the record of them (`admission`), which anybody can check. How a record came is of no consequence.
4. Two contents of one version, each signed by a quorum, are shown as what they are: the first that a node met holds
   until the next version, the second is kept as evidence, and names who signed both.
5. What is new is told to everybody, and then holds: connections of those that it leaves out are closed, with the
   reason, no dial goes there, and who is let in may come. A node that is left out itself says so.
6. An expelled bank stays a member until a change of members takes it out: until then it counts in n. So what a draft
   would leave of the list is said before it is signed (`consequences`).

`state` holds what is known and its document, `flow` is the part of the node. Enforcing is connmgr's, and at the door
the transport's; exchanging is records'; the key is asked by an effect.
"""
