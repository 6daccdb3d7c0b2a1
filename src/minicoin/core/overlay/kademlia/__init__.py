"""The network model `kademlia`: each node has a place in a key space, knows many nodes near to it and few far away, and
so reaches any place in a number of steps that grows with the logarithm of the network.

1. A node's place is the SHA-256 of its peer id, distance is XOR, and the contacts of one distance are a bucket of at
   most k (keyspace, table; libp2p/specs kad-dht, after Maymounkov and Mazieres 2002). Ids must be proven, so the model
   needs libp2p.
2. Only servers stand in tables and are told of: nodes that take connections and answer. Who cannot, or whose operator
   says so, is a client: it asks, it is sent items by the servers that it is connected to, and nobody depends on it.
   Clients in tables, behind routers that let nobody in, are what ruins lookups.
3. A peer enters the table when its transport has proven its id and it has given a sign of life: it said that it is a
   server, or answered. Who is merely named by others is only asked. Of one network group few may stand in a table; a
   group is what addrmgr says (/16 of IPv4, /32 of IPv6), and on private networks each host, and on the loopback each
   port, is one of its own: laboratories are not bound by it unless their scenario gives hosts public addresses.
4. Where somebody is, an iterative lookup finds out (lookup, searches). Questions are libp2p's messages (dht_message);
   between nodes of ours they travel on the connection there is, or on one that is made for them and let go (questions).
5. A node is connected to one contact of each bucket that is not empty, beta of them where items go to beta, and to the
   nearest (neighbours): the edges of the tree, and the ways that letters take.
6. Blocks and transactions go down the tree of buckets, with their height ahead of them (tree).
7. What the tree did not bring is pulled (overlay/repair): each few seconds a random neighbour is asked what we missed,
   by turns a server and a client, for it may be connected to servers that we do not hear of.
   A tree has no second way to a node: who was not there when an item passed, or stands behind somebody who let it fall,
   would never hear of it (dusk-network/dusk-blockchain 1258 is the story of such a network).
8. A letter goes from node to node, each nearer to its addressee; the nearest node of all knows whether it is there.
9. Peers of another model are told of items as Bitcoin's nodes tell each other, and asked nothing.

Everything is bounded (KAD limits), per peer, per network group and in all. What breaks a message's form is a fault of
the peer; an answer to nothing, a question too many, a question to a client is not answered.
"""
