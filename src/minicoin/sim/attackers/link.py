"""One connection of a scripted peer: how far its handshake has come, and bytes to messages where the world encodes.

A scripted peer takes what it is sent: a pair that is not in the table changes nothing.
"""

from enum import StrEnum
from typing import Final

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import ConnId
from minicoin.core.wire.frame import Dropped, FrameDecoder
from minicoin.core.wire.messages import Message, SendHeaders, Verack, Version, WtxidRelay


class LinkState(StrEnum):
    """How far the handshake has come."""

    AWAIT_VERSION = "await-version"
    AWAIT_VERACK = "await-verack"
    READY = "ready"


NEXT: Final[dict[tuple[LinkState, type], LinkState]] = {
    (LinkState.AWAIT_VERSION, Version): LinkState.AWAIT_VERACK,
    (LinkState.AWAIT_VERACK, Verack): LinkState.READY,
}


class Link:
    """One connection. `remote` is where it was dialled, or whence it came."""

    __slots__ = ("_decoder", "conn", "inbound", "prefers_headers", "remote", "state", "uses_wtxid")

    def __init__(self, conn: ConnId, remote: NodeAddress, magic: bytes, *, inbound: bool) -> None:
        self.conn = conn
        self.remote = remote
        self.inbound = inbound
        self.state = LinkState.AWAIT_VERSION
        self.prefers_headers = False
        self.uses_wtxid = False
        self._decoder = FrameDecoder(magic)

    @property
    def is_ready(self) -> bool:
        return self.state is LinkState.READY

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that are whole with these bytes."""
        self._decoder.feed(chunk)
        messages: list[Message] = []
        while (found := self._decoder.next_message()) is not None:
            if not isinstance(found[0], Dropped):
                messages.append(found[0])
        return messages

    def take(self, message: Message) -> bool:
        """Move the handshake and note features; whether the message ended the handshake."""
        before = self.state
        self.state = NEXT.get((before, type(message)), before)
        match message:
            case SendHeaders():
                self.prefers_headers = True
            case WtxidRelay():
                self.uses_wtxid = True
            case _:
                pass
        return self.is_ready and before is not LinkState.READY
