"""Block templates and the nonce search. Which transactions go in is the mempool's choice; when to mine is node's."""
