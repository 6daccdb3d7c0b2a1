"""The nodes that a registry names: who is listed at present, who was, how old its word of them is, and who may be told.

A node that this one has met is known by that. Of the others a registry's word is all there is: it counts as long as
the registry lists them, and for `max_age_s` once it is gone; where it stands and does not list them, it does not count.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from minicoin.core.limits import REGISTRY_NODES_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.registry.kept import Kept, KeptNode


class RegistryNodes:
    """Of one registry, by peer id."""

    def __init__(self, kept: Kept, max_age_s: int) -> None:
        self._nodes: dict[bytes, KeptNode] = dict(kept.nodes)
        self._listed: dict[bytes, None] = {}
        self._max_age_s = max_age_s
        self._news: dict[bytes, None] = dict.fromkeys(self._nodes)
        self._withdrawn: list[NodeAddress] = []
        self.changes = 0
        """How often what is kept has changed."""

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def listed_count(self) -> int:
        """How many the registry names at present."""
        return len(self._listed)

    @property
    def all(self) -> dict[bytes, KeptNode]:
        """What is to be kept."""
        return dict(self._nodes)

    # --- what the registry says ---

    def on_listed(self, peer: bytes, addresses: tuple[NodeAddress, ...], now_s: int) -> bool:
        """The registry names it; false where there is no room."""
        known = self._nodes.get(peer)
        if known is None and len(self._nodes) >= REGISTRY_NODES_MAX and not self._make_room():
            return False
        self._listed[peer] = None
        self._withdraw(known.addresses if known is not None and not known.is_met else (), addresses)
        self._nodes[peer] = KeptNode(addresses, now_s, known is not None and known.is_met)
        self._news[peer] = None
        self.changes += 1
        return True

    def on_gone(self, peer: bytes) -> None:
        """The registry names it no more."""
        if peer in self._listed:
            del self._listed[peer]
            self._leave(peer)

    def on_whole(self, peers: Collection[bytes]) -> None:
        """The registry names these and no others."""
        for peer in [peer for peer in self._nodes if peer not in peers]:
            self._listed.pop(peer, None)
            self._leave(peer)

    def on_alive(self, now_s: int) -> None:
        """The registry was heard from: whoever is listed still is."""
        for peer in self._listed:
            self._nodes[peer] = replace(self._nodes[peer], heard_s=now_s)

    def on_lost(self) -> None:
        """The registry cannot be heard any more. What it said last goes on to count, with its age."""
        self._listed.clear()

    # --- what we know ourselves ---

    def on_met(self, peers: Iterable[bytes]) -> None:
        """There are connections with these."""
        for peer in peers:
            node = self._nodes.get(peer)
            if node is not None and not node.is_met:
                self._nodes[peer] = replace(node, is_met=True)
                self.changes += 1

    def expire(self, now_s: int) -> None:
        """Forget whom only the registry named, where that is too old."""
        for peer, node in list(self._nodes.items()):
            if not node.is_met and peer not in self._listed and now_s - node.heard_s > self._max_age_s:
                self._forget(peer)

    # --- what the core is told ---

    def take_news(self, count_max: int) -> tuple[KeptNode, ...]:
        """At most so many nodes, of which the core has not been told."""
        told = list(self._news)[:count_max]
        for peer in told:
            del self._news[peer]
        return tuple(self._nodes[peer] for peer in told)

    def take_withdrawn(self) -> tuple[NodeAddress, ...]:
        """Addresses that the core was told and that no longer count."""
        withdrawn, self._withdrawn = self._withdrawn, []
        return tuple(withdrawn)

    def _leave(self, peer: bytes) -> None:
        node = self._nodes.get(peer)
        if node is not None and not node.is_met:
            self._forget(peer)

    def _forget(self, peer: bytes) -> None:
        node = self._nodes.pop(peer)
        self._news.pop(peer, None)
        self._withdraw(node.addresses, ())
        self.changes += 1

    def _withdraw(self, before: Iterable[NodeAddress], now: Collection[NodeAddress]) -> None:
        self._withdrawn += [address for address in before if address not in now]

    def _make_room(self) -> bool:
        """Forget whoever has not been listed for longest."""
        unlisted = [peer for peer in self._nodes if peer not in self._listed]
        if not unlisted:
            return False
        self._forget(min(unlisted, key=lambda peer: self._nodes[peer].heard_s))
        return True
