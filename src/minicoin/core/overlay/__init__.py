"""The network model, chosen per network: whom to be connected to, and how an item travels.

1. An overlay is a part of the node: it hears of peers and of time, may have messages, deadlines and chance of its own,
   and what it wants beside connections is what it returns, effects.
2. Whom to be connected to it says when asked, whenever that may have changed: a deadline of its own came, it took a
   message, a peer became ready or left, addresses were learned. connmgr executes it, within what the operator allows.
3. How an item travels it says for each item: to which peers, and whether they are told of it or sent it unasked. relay
   and netsync know the mechanics, and leave out whoever has the item. By which model a peer speaks to us is its choice.
4. What only it can say of an item, it sends in a message of its own ahead of it, on the same connection: the receiver's
   model has it when the item comes.
5. A dial that failed it is told of, whoever wanted it, so that it may want somebody else.
6. It says to whom a letter for a peer goes next, where it knows (`route`), and where a peer is (`find`). A model that
   knows no way says so: then the letter is passed on to some neighbours, and the answer is a maybe.
7. It decides on what it is shown, a bounded part of the address book, and keeps its own state bounded.
8. The model is no rule of the network: nodes of two models stay connected and exchange Bitcoin's messages.

`contract` is the interface; a model is a module or a package of its own, and models do not know each other: what
several of them do alike is `repair`. `forms` names them with what there is to choose of each, `table` with what makes
them, so that who only reads a network file loads no model.
"""
