"""The node: one event in, effects out. Composes the parts below, routes messages, keeps the written order of flows."""
