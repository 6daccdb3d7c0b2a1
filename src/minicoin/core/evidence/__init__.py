"""Evidence against members: kept, passed on, shown, and told until an operator has seen it.

1. What convicts is found by the rounds (two votes for one slot), by the chain (two certificates of a height) and by
   admission (two contents of a version); or a peer brings it as a record. It is looked at before it is kept, whoever
   it comes from, and kept at most once for each member and height.
2. It is written down as soon as it is known, and stays: nothing of it expires or is taken back.
3. It expels nobody. What to do is the members' to decide; until an operator has acknowledged it, the node warns.
4. Two certificates of a height stop a signer, also after a restart, and whether it saw them itself or was shown.

`state` is what is known and its document; `flow` is the part of the node around it.
"""
