"""The commands about a peer id: where its node is, and telling it something. Both need ids, which libp2p proves.

Every node that keeps its network's own messages has the part that carries letters (core/directed); whoever asks another
is told why there is none and what to do.
"""

from collections.abc import Iterable
from typing import assert_never

from minicoin.core import commands
from minicoin.core.answers import Reason
from minicoin.core.directed.delivery import Addressee, Directed, DirectedSetup
from minicoin.core.effects import Effect
from minicoin.core.node.overlay_flow import OverlayFlow
from minicoin.core.node.parts import CommonParts
from minicoin.core.units import Micros, RequestId


def make_directed(
    shared: CommonParts, addressee: Addressee | None, overlay: OverlayFlow, now: Micros
) -> Directed | None:
    """The letters of a node that is an addressee."""
    if addressee is None:
        return None
    setup = DirectedSetup(
        addressee,
        shared.network.network_id,
        ways=overlay,
        group=shared.book.group,
        outbox=shared,
        rng=shared.rng.stream("letters"),
    )
    return Directed(setup, now)


class PeerIdCommands:
    """Of one node, whatever its role."""

    def __init__(self, parts: CommonParts, overlay: OverlayFlow, directed: Directed | None) -> None:
        self._parts = parts
        self._overlay = overlay
        self._directed = directed

    def handle(self, request: RequestId, command: commands.PeerIdCommand, now: Micros) -> Iterable[Effect]:
        """One command. Raises MisuseError."""
        own_id = self._parts.policy.peer_id
        if not own_id:
            self._parts.refuse(request, Reason.UNABLE, self._why_no_ids())
            return ()
        if command.target == own_id:
            self._parts.refuse(request, Reason.INVALID, "that is the peer id of this node itself")
            return ()
        match command:
            case commands.FindPeer(target):
                return self._overlay.find(request, target, now)
            case commands.Tell():
                if self._directed is not None:
                    return self._directed.tell(request, command, now)
                self._parts.refuse(request, Reason.UNABLE, self._why_no_letters())
                return ()
            case _:
                assert_never(command)

    def _why_no_ids(self) -> str:
        network = self._parts.network
        if network.is_bitcoin:
            return f"nodes of {network.name} have no peer ids: use a network of your own (minicoin network new)"
        return "this node has no peer id, as on plain TCP: start it on libp2p, where peers prove who they are"

    def _why_no_letters(self) -> str:
        network = self._parts.network
        if not network.own_messages:
            return f"nodes of {network.name} pass on no letters: set own_messages = true in its network file"
        return "a node that is recorded signs nothing: start it without --record"

    def on_stop(self, text: str) -> None:
        """Nobody who waits will hear otherwise."""
        if self._directed is not None:
            self._directed.on_stop(text)
