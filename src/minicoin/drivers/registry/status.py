"""How a node stands to its registry, as operators see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """One moment. Times are Unix seconds; None for never or not now."""

    kind: str
    endpoint: str
    connected_since: int | None
    unreachable_since: int | None
    last_heard: int | None
    """Also by an earlier run of this node."""
    is_announced: bool
    """Our own entry stands there."""
    nodes: int
    """Of others, that are kept."""
    nodes_listed: int
    """Of those, that the registry names at present."""
    records: int
    ignored: int
    """Values of others that could not be used, since the start."""
    max_age_s: int
    error: str
    """What went wrong last; empty when all is in order."""
    warnings: tuple[str, ...]
