"""libp2p's ping: 32 bytes out, the same 32 bytes back. Specification: libp2p/specs ping."""

from typing import Final

from minicoin.core.faults import PeerFault
from minicoin.core.units import Micros

PING: Final = "/ipfs/ping/1.0.0"
PING_BYTES: Final = 32


class Pinger:
    """The asking side of one exchange."""

    __slots__ = ("_payload", "_received", "_sent_at")

    def __init__(self, payload: bytes, now: Micros) -> None:
        """`payload` is PING_BYTES random bytes, which the caller sends."""
        self._payload = payload
        self._received = b""
        self._sent_at = now

    def receive(self, data: bytes, now: Micros) -> int | None:
        """The round trip in microseconds once the echo is whole. Raises PeerFault when it is not an echo."""
        self._received += data
        if not self._payload.startswith(self._received):
            raise PeerFault("ping: the answer is not what was sent")
        return now - self._sent_at if self._received == self._payload else None
