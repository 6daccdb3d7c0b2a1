"""The ledger: headers, rules, coins, undo, reorganisations. Consensus and nothing else; knows no peer."""
