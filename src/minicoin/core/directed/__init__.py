"""Directed delivery: a line of text to the node of one peer id, answered by the addressee's signed receipt.

1. A letter goes hop by hop, at most LETTER_HOPS_MAX of them. Whom it is given to next the network model says
   (`core/overlay`: a route to a peer id); nobody needs a table of ways here.
2. A hop has LETTER_HOP_US, shared by its tries: with three next hops 2 + 1.5 + 1.5 s. Were every try given as much,
   three silent super nodes at each of three hops would keep the sender waiting for 45 s. The sender hears an end after
   LETTER_HOPS_MAX of them whatever happens, by its own clock.
3. A try ends with the word of the next hop: it took the letter, or it has nobody to give it to, which it says at once
   so that the time is left for the others. A connection that ends is such a word, too. Who took it has a budget of its
   own.
4. `delivered` is said on the receipt of the addressee alone, its signature over the letter's id and hash checked at
   every node on the way back. The addressee signs once the letter is on its disk: a promise that a crash cannot break.
5. `failed` is no receipt by the deadline. The letter may have arrived all the same, and the receipt been lost: nobody
   can know. So a letter has an id, drawn or given by the sender; the same text to the same peer with the same id is the
   same letter, is shown once, and gets its receipt again.
6. Where the model knows no way (`random`, `gossip`), the letter is handed to a few neighbours, which do so in turn; who
   saw it ignores it. That the addressee was among them nobody says but its receipt: without one the answer is `maybe`.
7. A letter names its sender by the key that signed it, so every node on the way can refuse what is forged, and blame
   the neighbour it has it from: no honest one passes it on. So with receipts. Letters are signed, not sealed: who
   passes one on can read it.
8. All is bounded: a letter's length, how many wait per peer, per source group and in all, how many come in a second
   (`limits`). A letter too many is answered like one without a way, so that the sender tries another neighbour.

`letter` owns what is signed, `messages` its forms on the wire, `passage` one letter under way and its tries, `inbox`
what came for us, `rates` how many may come.
"""
