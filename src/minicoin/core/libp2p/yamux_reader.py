"""Cuts a byte stream into Yamux headers and body pieces. Keeps no more than an incomplete header.

Bodies are handed on as they arrive, so a frame that claims gigabytes costs nothing before the session has checked it.
"""

from collections.abc import Iterator

from minicoin.core.libp2p.yamux_frames import DATA, HEADER, HEADER_BYTES

Header = tuple[int, int, int, int, int]
"""Version, type, flags, stream id, length."""


class FrameReader:
    """Yields a Header for each frame, and after that of a data frame its body in one or more pieces."""

    __slots__ = ("_partial", "body_left")

    def __init__(self) -> None:
        self._partial = b""
        self.body_left = 0
        """Bytes of the current body that have not been yielded."""

    def read(self, data: bytes) -> Iterator[Header | bytes]:
        """The caller may stop in the middle when it gives up on the session."""
        at, size = 0, len(data)
        while at < size:
            if self.body_left:
                end = min(size, at + self.body_left)
                self.body_left -= end - at
                yield data if end - at == size else data[at:end]
                at = end
                continue
            if self._partial or size - at < HEADER_BYTES:
                end = at + HEADER_BYTES - len(self._partial)
                self._partial += data[at:end]
                at = end
                if len(self._partial) < HEADER_BYTES:
                    return
                header: Header = HEADER.unpack(self._partial)
                self._partial = b""
            else:
                header = HEADER.unpack_from(data, at)
                at += HEADER_BYTES
            if header[1] == DATA:
                self.body_left = header[4]
            yield header
