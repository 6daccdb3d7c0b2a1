"""Drafts: what members have signed and a quorum has not yet. Nothing here decides; what holds is the chain's to say, or
the record's that a quorum signed.

- `changes` are carried by blocks, one behind the other: of the member list, of settings that validity depends on.
  Whoever stands behind one publishes it with its own signature as a record; a block takes the first that is ready.
- `statements` are records: who may connect, and the rest of the configuration. Each member publishes its draft, whoever
  holds a quorum of equal ones makes the record, and the highest version holds. A member signs one content of a version.

`change_desk` and `statement_desk` have this node's member sign.
"""
