"""The handshake as a table. A pair that is not in it is ignored; docs/architecture draws its picture from it.

After READY every message but those of the handshake is heard. Follows the order of BIP339 and BIP155: wtxidrelay
and sendaddrv2 come between version and verack, and end the connection afterwards.
"""

from enum import StrEnum

from minicoin.core.faults import PeerFault
from minicoin.core.wire.messages import (
    FeeFilter,
    Message,
    Ping,
    Pong,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Verack,
    Version,
    WtxidRelay,
)
from minicoin.core.wire.messages_extension import Offer


class SessionState(StrEnum):
    """How far the handshake has come."""

    AWAIT_VERSION = "await-version"
    AWAIT_VERACK = "await-verack"
    READY = "ready"


NEXT: dict[tuple[SessionState, type], SessionState] = {
    (SessionState.AWAIT_VERSION, Version): SessionState.AWAIT_VERACK,
    (SessionState.AWAIT_VERACK, WtxidRelay): SessionState.AWAIT_VERACK,
    (SessionState.AWAIT_VERACK, SendAddrV2): SessionState.AWAIT_VERACK,
    (SessionState.AWAIT_VERACK, Verack): SessionState.READY,
}

HANDSHAKE_ONLY = (Version, Verack, WtxidRelay, SendAddrV2)

NEGOTIATED_EARLY = (WtxidRelay, SendAddrV2)
"""What must be said before verack: afterwards it would change a running connection's rules (BIP155, BIP339)."""

SESSION_TYPES: frozenset[type] = frozenset({*HANDSHAKE_ONLY, SendHeaders, SendCmpct, FeeFilter, Ping, Pong, Offer})
"""What a ready session has a word in; every other message goes to its owner without being shown to it."""


def next_state(state: SessionState, message: Message) -> SessionState:
    """The state behind `message`; the same one where the message has no place here and is ignored.

    As in Bitcoin Core nothing early or said twice is anybody's fault: what comes before version or a second time says
    nothing, and the handshake's time limit bounds how long. Raises PeerFault for a negotiation that comes too late.
    """
    if state is SessionState.READY and isinstance(message, NEGOTIATED_EARLY):
        raise PeerFault(f"{type(message).__name__.lower()} after verack", score=0)
    return NEXT.get((state, type(message)), state)


def is_heard(state: SessionState, message: Message) -> bool:
    """Whether a session in this state takes `message`. Between version and verack it hears what belongs to the
    handshake, and how the peer likes blocks, which some say early; no ping is answered there."""
    match state:
        case SessionState.READY:
            return not isinstance(message, HANDSHAKE_ONLY)
        case SessionState.AWAIT_VERACK:
            return isinstance(message, SendHeaders | SendCmpct) or (state, type(message)) in NEXT
        case SessionState.AWAIT_VERSION:
            return (state, type(message)) in NEXT
