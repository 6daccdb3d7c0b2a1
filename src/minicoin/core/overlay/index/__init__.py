"""The network model of a central index: one node keeps the list of all, the others ask it whom to connect to.

1. A node of role `index` keeps the view: who is a member, by a record that each member signs itself (`core/records`, of
   kind status). So an index can leave members out and name ones of its own making, but nobody in anybody's name.
2. A member joins each index it knows, and hears of joins and leaves as versioned deltas, one batch each second at most.
   It reads the view page by page and in its own time: the first is enough to find neighbours by, and a thousand who
   come at once would keep the index's line busy. A delta that does not follow what it has makes it ask anew. It keeps
   INDEX_KNOWN_MAX records at most, of a large view a part that differs from member to member; what it knows survives a
   stop.
3. A member whose connection to the index ended is in the view for INDEX_LEAVE_GRACE_US more; one that is not connected
   to it at all until its record expires. So nobody is dropped for a connection that broke.
4. Members connect to some drawn at random from what they know, and to the index always. They announce items to all. An
   index announces to as many as a member has neighbours: it is asked where others are, and were it told and asked for
   every block by all, its line would be everybody's. One more peer comes from the address book where it holds any:
   somebody the index did not name. Until an index took it in, a member looks for one through as many as that as
   Bitcoin's nodes would; where the network names no index, those that witnesses follow are followed too. An index is
   nobody's neighbour, though it stands in the views of others; but it hears of everything, so it is asked for what was
   missed (repair).
5. The index gone: those connected stay so, and what they know stays. Who waits for it says so; connmgr dials it again,
   less and less often.
6. What an index says is unconfirmed until a witness agreed: a second index, or a member it did not lead us to (named by
   the operator, in the address book, or remembered from an earlier run; who dials us may have been sent). Witnesses are
   asked whom they are connected to; neighbours show each other their records, so that they can tell. A member that is
   missing in a complete view though a witness is connected to it is a contradiction, and said; so is one that one view
   has and another has not, and so are members of whom half cannot be reached. Differences younger than INDEX_SETTLED_US
   are let be: news takes its time. Nothing is proven against anybody, so nobody is banned; what the witnesses named is
   known as well, and connected to.
7. An index cannot part those who are joined: its leaves close no connection, and what was known of a member that left
   is kept as long as there is room.

`registrar` is the index's side, `parts` what of a large view goes to whom, `member` everybody's, `confirmation` weighs
what witnesses say, `repair` brings what was missed, `model` is the part.
"""
