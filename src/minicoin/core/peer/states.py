"""The handshake as a table. A pair that is not in it is the peer's fault; docs/architecture draws its picture from it.

After READY every message but those of the handshake is allowed. Follows the order of BIP339 and BIP155: wtxidrelay
and sendaddrv2 come between version and verack.
"""

from enum import StrEnum

from minicoin.core.faults import PeerFault
from minicoin.core.wire.messages import (
    FeeFilter,
    Message,
    Ping,
    Pong,
    SendAddrV2,
    SendHeaders,
    Verack,
    Version,
    WtxidRelay,
)


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

SESSION_TYPES: frozenset[type] = frozenset({*HANDSHAKE_ONLY, SendHeaders, FeeFilter, Ping, Pong})
"""What a ready session has a word in; every other message goes to its owner without being shown to it."""


def next_state(state: SessionState, message: Message) -> SessionState:
    """The state behind `message`. Raises PeerFault for a message that has no place here."""
    if state is SessionState.READY:
        if isinstance(message, Version):
            raise PeerFault("duplicate version message", score=1)
        if isinstance(message, HANDSHAKE_ONLY):
            raise PeerFault(f"{type(message).__name__.lower()} after the handshake", score=10)
        return state
    found = NEXT.get((state, type(message)))
    if found is not None:
        return found
    if isinstance(message, Version):
        raise PeerFault("duplicate version message", score=1)
    if state is SessionState.AWAIT_VERACK:
        # Between version and verack old peers may send anything early (btcd and Core ignore it): no harm done.
        return state
    raise PeerFault(f"{type(message).__name__.lower()} before version", score=10)
