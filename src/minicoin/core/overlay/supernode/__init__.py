"""Super nodes and leaves: a few nodes with good lines carry the network, the others sit at some of them.

1. Which a node is its operator says, or leaves to `election` (role `auto`). A super node is whoever signs a status as
   one: any node may, so a leaf never depends on one alone. Its parents are in distinct network groups, one of them is
   remembered from the last run, and what they say of the chain is compared.
2. A leaf learns of super nodes from its first one, or from whomever the address book draws. It chooses the best of a
   few by what they publish: free places, load, how long their neighbours take to answer them; were it the best of all,
   all leaves would come to the same one. In a rush what was published tells little and the best of a few are the same
   few for everybody, so a leaf without parents takes any. One that has not caught up is nobody's second parent.
3. A super node has so many places and admits so many leaves in a second. Who is refused hears when to come again, and
   whom to try instead; where that is in some seconds the leaf waits there, without another handshake. When a super
   node goes its leaves come back over some seconds, each at a time of its own: it was the rush of those who came back
   at once that killed the ones left over when this went wrong elsewhere. A dial that fails is known at once; beside
   one that is silent a leaf without parents tries the next, a few at a time. A part of the places is for leaves
   without any parent, and a leaf that has others makes room for one that has none.
4. Super nodes keep the directory: where each leaf sits, by the leaf's own signed word. What is new of it, and of their
   statuses, they name to each other in batches, and ask for what they lack: over a dozen links each would come a dozen
   times. A new one asks for all of it page by page. All of it is at every super node, so that a letter takes three
   hops: own super node, the addressee's, the addressee.
5. Items flood among super nodes by announcement, and from them to leaves. A leaf gives its own to its first parent and
   announces it to the others, so that one parent that keeps it back harms nobody; what it hears from one it announces.
6. A parent whose tip lags or contradicts ours at two looks in a row, or that does not answer, is given up as soon as
   another is there. A leaf that knows no super node lives as one of Bitcoin's nodes until it does, and says so; it
   changes its peers one by one, for leaves that know each other only would stay so.
7. A few statuses, by chance, are records for everybody, too: by them a node that knows no super node hears of some.
   Peers that do not speak the model's messages are peers like others.
8. Whoever brings a forged record is to blame, since everybody checks before passing on. Expired and replayed ones are
   ignored, for clocks differ; a leaf that tells where others sit, or takes a leaf for a super node, is refused.

`leaf` and `super` are the two roles, `auto` is either in its turn, `circle` is what they share; `admission`,
`directory`, `supers`, `news`, `lacks`, `dials`, `finds`, `tips`, `memory` and `election` are the rules one by one;
`entries` is what is signed, `messages` what is said.
"""
