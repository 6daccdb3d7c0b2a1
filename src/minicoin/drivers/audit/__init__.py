"""The audit log: what a consortium's node saw and did that its bank may have to account for, in a file that only grows.

1. *A chain of hashes.* An entry is one line of canonical JSON: sequence number, time, height, kind, fields, and the
   SHA-256 of the line before. Who changes, adds or takes away a line in the middle breaks the chain at that place. A
   cut at the end does not show from the file alone: a hash that was noted before (`audit export` prints the head's)
   is looked for by `audit verify --holds`.
2. *What follows from it.* The first entry says what the network was founded with, others what changed it: members,
   admissions and evidence with all bytes and signatures, settings and configurations with who signed. So the member
   list, admission and configuration of any height follow from the log alone (`replay`).
3. *What is durable before what.* Nothing waits for the log: a vote leaves when the sign state, which has it, is on
   disk, and a change holds when the chain has it. Entries are written and fsynced together, at most 250 ms after they
   were told. What a crash took from the end is filled in at the next start, marked `filled`: changes from the chain,
   admissions, configurations and evidence from their documents, votes from the sign state and the certificates. Votes
   of heights in between may be lost for good; a `gap` says of which.
4. *Bounded where strangers choose.* Refused peers are counted: the first of an address group in ten minutes is an
   entry, the rest a sum; likewise refused proposals.
5. *Nothing is deleted.* A file that is full is followed by the next number, whose first entry carries the hash over and
   says how far the log has come. Who wants room moves the oldest away; what is then the first says that it is not the
   beginning.
6. *The node does not depend on it.* Where it cannot be written or read (full disk, a broken file, another network's),
   the node goes on, and warns. It tries again by itself where that may help, and tells then what was lost.

`entry` is one line and `standing` how far a log has come; `files` reads and appends; `writer` does so in a thread.
`telling` makes entries of notices and `refusals` counts; `filling` finds what is missing. `verify` and `replay` read.
"""
