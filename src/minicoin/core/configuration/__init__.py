"""Configuration: what members set while their network runs (core/params/settings tells which settings there are).

1. What validity depends on is changed by a block (core/chain/settings_history); `chain_settings` proposes and approves
   such changes, and gives our next proposal the one that a quorum has signed.
2. The rest is a record that a quorum of the list of the height it names signed (core/drafts/statements): the highest
   version holds, across restarts, and never an older one. It is whole: a setting that it does not name is the node's
   own again. Where it comes from is of no consequence: peers, a registry, a disk.
3. What is new is applied at once, all of it in one event: to the mempool, to blocks that are put together, to
   connections; to the time-outs of the rounds from the next height on.
4. What a node's operator chose holds above what members set, on that node; `config show` says so.
5. A setting that this version does not know, or a value that it cannot keep to, is kept, shown and passed on. The
   others hold: none depends on another. Nobody proposes or approves such a one here.

6. Where founders sign settings and no members do, each setting is a record of theirs (`founders`).

`form` is the record's, `settable` what of a node can be set, `in_force` whose word holds, `flow` the part of the node.
"""
