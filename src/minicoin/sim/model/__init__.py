"""The propagation model: blocks spreading through up to a million nodes with uplink queues and forks, but without node
code. It answers what the full-node world is too slow for, is always labelled a model, and lists what it assumes."""
