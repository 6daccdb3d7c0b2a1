"""Records: small signed values that nodes keep for each other, such as where a node can be reached, or an alert.

1. A record is (kind, key, version, value, expiry) and its signatures. A row of `kinds` says who may sign a kind, with
   how many signatures, how long a value may be and how long it may live. What breaks its row is refused as it is read.
2. A signature covers the network's id, so that no record moves from one network to another. A forged one is the fault
   of whoever brought it: everybody checks before passing on. A record by somebody who may not sign it is ignored,
   since network files may differ in whom they name.
3. A version is the signer's time in microseconds, and above all he has signed before; so it goes on rising through a
   crash. In one place, which is (kind, signer, key), the newer replaces the older, and equal is old. Who signs two
   values with one version is heard by each node in the one it met first, until his next.
4. Nobody's record takes another's place. Where a bound is met the newcomer is refused, and room comes back as records
   expire: a key costs nothing, so a rule by which records push each other out is one by which strangers push ours out.
   Number, bytes and rate are bounded per signer, per source group of the peers that bring them, and in all. What the
   network's own keys sign is counted apart, and waits for no room.
5. Reconciliation is Scuttlebutt's (van Renesse et al., 2008): a digest names each source with its highest version, and
   what is newer goes back in the order of versions, so that no live record below the highest is left out. A source is
   a signer, or a kind whose signers sign together. News may go ahead of older records that were missed, which the
   highest version would hide: so a digest sums up a source's records as well, and where sums differ all of them go.
6. Where a group's peers bring more than their room, what is beyond it is remembered by source and version (`declined`)
   and named in digests, so that nobody sends it again.
7. Evidence against a member is signed by nobody: it is believed by the signatures within it, under the list of its
   height, and looked at before it is held or passed on. Of a member and height the first is held; nodes may hold
   different ones, so digests leave the value out.

`store` holds them and owns the bounds; `document` writes them down; `reconcile` compares what two nodes hold,
`messages` carries it, and `flow` is the part of the node that says when, in the modes of `exchange_policy`.
"""
