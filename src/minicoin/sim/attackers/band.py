"""What all peers of one attacker share: the chain it knows, its coins, its count of what took effect.

Its peers tell each other everything at once, as machines of one owner with a good network of their own.
"""

from collections.abc import Callable

from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.units import Micros
from minicoin.sim.attackers.chain import AttackerChain
from minicoin.sim.attackers.peer import ScriptedPeer

Wake = Callable[[ScriptedPeer], None]
"""Has the world perform what a peer wants, after it was told something by another."""


class Band:
    """One attacker."""

    def __init__(self, network: Network, rng: Rng, wake: Wake) -> None:
        self.network = network
        self.rng = rng
        self.chain = AttackerChain(network)
        self.peers: list[ScriptedPeer] = []
        self.fired = 0
        """How often it really did something."""
        self.asked: dict[BlockHash, Micros] = {}
        """Blocks that a peer of the band asked for, and when."""
        self._wake = wake

    def wake(self, peer: ScriptedPeer) -> None:
        """The peer was told something from outside its own events."""
        self._wake(peer)
