"""The network model `gossip`: nobody is special, everybody knows a few, and what is new is told to some of them.

1. Membership. Each node keeps a view of at most GOSSIP_VIEW_MAX others, whatever the size of the network, and renews it
   by shuffles: each few seconds it sends one random partner what it says of itself and what some other partners do, and
   hears as much in return (peer sampling after Jelasity et al. 2007, in its healing form: the stalest gives way). What
   is renewed all the time is a sample of the network, which is all that rules 2 to 4 need.
2. What a node says of itself is versioned by (incarnation, sequence), signed where it has an identity, and carries its
   age through all hands. Silent for the expiry it is dead; the dead are remembered a while, since stale gossip about
   them is still on its way and must not revive them (as in Hyperledger Fabric). A newer version does.
3. No source may fill the view: of one source group, and about one group of addresses, it holds a part at most, and a
   node passes on only whom it is connected to. So an invented member gets no further than to those whom its inventor
   is connected to, and there it takes the inventor's part: more would take more places in the network. Where all pass
   on all they heard, a single flooder fills every view by way of the honest (measured on small networks).
4. Connections go to neighbours drawn from the view. As long as fewer than the minimum of them are ready, the address
   book's draw stands in. A slow timer replaces one at a time, the new one ready before the old one leaves, so that the
   graph stays random and nobody can plan a place beside somebody.
5. A block or transaction is pushed whole to `fanout` random partners when it is first seen, and never again (infect and
   die). Of each item a share 1 - c stays ignorant, with c = 1 - exp(-fanout c); latency is bought with copies.
6. Pulling repairs the rest: each few seconds a node asks some random partners what it missed. The answer is Bitcoin's:
   an inv of the last blocks, and of what the mempool took since the last answer, a page at a time; getdata follows as
   always. Whoever is further behind than that follows headers first, as every node does.
7. Who is asked for is sought by asking: a question travels so many hops, to a few partners at each; an answer goes back
   the way that the question came. No answer proves nothing, and is not given as proof.
8. Records (core/records) go by push, pull, push-pull or anti-entropy, in rounds to random peers: a setting, so that
   they can be compared.
9. Partners are peers that offered these messages. All others hear of items as Bitcoin's nodes do.

Everything here is bounded: tables by GOSSIP limits, what a peer may ask by an allowance each. What a peer could not
have passed on honestly, a forged statement, is its fault; what comes late, unasked or too often is dropped.
"""
