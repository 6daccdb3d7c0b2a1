"""What checkers look at: the honest nodes that are up, where they stand, and the blocks they stand on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.node.node import Node
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.world.host import Host
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.world import World


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be."""

    nodes: tuple[int, ...]
    text: str


class Checker(Protocol):
    """Looks, and changes nothing."""

    name: str

    def look(self, view: "View") -> Iterator[Finding]:
        """At a quiet point of the run."""

    def finish(self, view: "View") -> Iterator[Finding]:
        """At the end, when all faults are healed."""


class View:
    """One world at one moment."""

    def __init__(self, world: World, honest: Sequence[Host]) -> None:
        self.world = world
        self.honest = honest

    def running(self) -> Iterator[tuple[Host, Node]]:
        """The honest nodes that are up."""
        for host in self.honest:
            if host.node is not None:
                yield host, host.node

    def tips(self) -> dict[BlockHash, tuple[HeaderNode, list[Host]]]:
        """Every tip that honest nodes stand on, with those that do."""
        found: dict[BlockHash, tuple[HeaderNode, list[Host]]] = {}
        for host, node in self.running():
            tip = node.view.tree.tip
            found.setdefault(tip.hash, (tip, []))[1].append(host)
        return found

    def is_honest(self, host: Host) -> bool:
        """Whether a host is one of them."""
        return host.index < len(self.honest) and self.honest[host.index] is host

    def read_block(self, host: Host, block: BlockHash) -> RawBlock | None:
        """A block as this host would serve it."""
        ledger = host.disk.ledger
        if isinstance(ledger, OwnLedger):
            return ledger.engine.read_block(block)
        return self.world.book.block(block)
