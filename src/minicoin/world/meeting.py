"""Connections that begin behind the handshake: both ends hear at once, at no cost of time or line, what the other says
in it, and go on from there. Most of what a simulated network does before its first block is shaking hands.

Both nodes go the way they always go: what they hear are the messages of a handshake, in its order. Only what they say
in it is not sent, since the other has heard it. That is exact where both are honest nodes of one version:

- Each is pinged and answers. The pong carries no nonce, so no round trip was measured, as there was none.
- Of two nodes on one tip each asks for headers and hears that there is nothing beyond it. On different tips the
  question is left to travel.
- What else they say to each other (addresses, messages of their network model) travels as always.
"""

from typing import Final

from minicoin.core.effects import Effect, Send
from minicoin.core.events import ConnectionOpened, Event, MessageReceived
from minicoin.core.node.node import Node
from minicoin.core.wire.messages import (
    FeeFilter,
    GetHeaders,
    Headers,
    Message,
    Ping,
    Pong,
    SendAddrV2,
    SendHeaders,
    Verack,
    Version,
    WtxidRelay,
)
from minicoin.core.wire.messages_extension import Offer
from minicoin.world.host import LinkEnd
from minicoin.world.loop import Loop

_SETTLED: Final[frozenset[type]] = frozenset(
    {Version, WtxidRelay, SendAddrV2, Verack, SendHeaders, Offer, Ping, FeeFilter}
)
_ASKED: Final[frozenset[type]] = frozenset({GetHeaders, Headers})
"""Settled besides, where both stand on one tip."""


def may_meet(near: LinkEnd) -> bool:
    """Whether both ends run honest nodes; one that dials itself is to find out."""
    return near.host.node is not None and near.other.host.node is not None and near.host is not near.other.host


def meet(loop: Loop, far: LinkEnd, near: LinkEnd) -> None:
    """The ends of a fresh connection hear of it, the accepting one first. Where that one closes it, the dialler hears
    of a connection on which nothing was said."""
    dialler, accepter = near.host.node, far.host.node
    assert dialler is not None and accepter is not None
    level = _where_both_stand(dialler, accepter)
    settled = _SETTLED | _ASKED if level else _SETTLED
    now = near.host.clock.read(loop.queue.now)
    greeting = dialler.view.greeting(near.conn, near.remote, now)
    theirs = _hear(loop, far, _opened(far, (*greeting, Pong(0), *level)), settled)
    if not far.is_open:
        _hear(loop, near, _opened(near, ()), frozenset())
        return
    said = (message for message in theirs if type(message) is not Ping)
    for message in _hear(loop, near, _opened(near, (*said, Pong(0), *level)), settled):
        # What its greeting did not hold.
        if type(message) in (GetHeaders, FeeFilter):
            _hear(loop, far, MessageReceived(far.conn, message, 0), settled)


def _where_both_stand(dialler: Node, accepter: Node) -> tuple[Message, ...]:
    """What each is answered that asks the other for headers; nothing where that is for them to find out."""
    tip = dialler.view.tree.tip
    if tip is not accepter.view.tree.tip and tip.hash != accepter.view.tree.tip.hash:
        return ()
    return (Headers((tip.header,) if tip.height else ()),)


def _opened(end: LinkEnd, heard: tuple[Message, ...]) -> ConnectionOpened:
    return ConnectionOpened(end.conn, end.remote, end.dialled is None, end.host.address, heard)


def _hear(loop: Loop, end: LinkEnd, event: Event, settled: frozenset[type]) -> list[Message]:
    """Let an end hear this; what it says of these kinds, which is not sent."""
    said: list[Message] = []

    def is_sent(effect: Effect) -> bool:
        if type(effect) is not Send or effect.conn != end.conn or type(effect.message) not in settled:
            return True
        said.append(effect.message)
        return False

    loop.handle_in_part(end.host, event, is_sent)
    return said
