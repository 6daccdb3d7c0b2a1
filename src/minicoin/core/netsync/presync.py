"""One peer's chain of headers that has not shown its work yet: heard twice, kept only the second time.

Headers are cheap where work is, and 2,000 of them come in one message. So a chain that is longer than a message and has
less work than the tree asks for (HeaderTree.work_floor) is not kept as it comes:

1. *First time:* each header is checked by itself (its own work, that it follows the one before, that its bits are no
   larger a step than the rules allow) and its work counted. One bit of a salted hash is kept each 641 headers.
2. *Once the work is there* the same headers are asked for again from the start. They wait in a buffer while the bits
   are compared; a header leaves it for the tree once enough bits above it agreed. Without them a peer could show a
   real chain the first time and feed us cheap headers the second.
3. *When the second coming reaches the work again* all that waits is released: no more can be forged than that work
   buys.

Whatever does not fit ends it, without blame: an honest peer may have changed its chain meanwhile. The rules and numbers
are Bitcoin Core's (headerssync); asking, and how many peers may be at it, are headers.py's. Checks that a header meets
its own target, and that the headers of a message follow each other, were made by the caller.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.proof import HeaderProof
from minicoin.core.limits import (
    BLOCK_TIME_AHEAD_S,
    PRESYNC_BIT_EVERY_HEADERS,
    PRESYNC_BLOCKS_PER_SECOND_MAX,
    PRESYNC_BUFFER_HEADERS,
)
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.units import Micros, seconds


@dataclass(frozen=True, slots=True)
class PresyncAnswer:
    """What a message led to."""

    fits: bool
    """False: the chain is not what it was, and nothing is known of these headers."""
    goes_on: bool = False
    """More is to be asked for, from `last` on."""
    ready: tuple[BlockHeader, ...] = ()
    """Headers that have earned their place in the tree."""


class Presync:
    """The state of one peer's chain above `start`, the last header of it that the tree has."""

    def __init__(self, start: HeaderNode, least_work: int, proof: HeaderProof, salt: bytes, now: Micros) -> None:
        self.start = start
        self._least_work = least_work
        self._proof = proof
        self._salt = salt
        self._offset = int.from_bytes(salt[:4], "big") % PRESYNC_BIT_EVERY_HEADERS
        age_s = max(seconds(now) - start.median_time_past + BLOCK_TIME_AHEAD_S, 0)
        self._bits_max = PRESYNC_BLOCKS_PER_SECOND_MAX * age_s // PRESYNC_BIT_EVERY_HEADERS + 1
        self._bits = bytearray()
        self._bit_count = 0
        self._bits_compared = 0
        self._is_second = False
        self._has_all_work = False
        self._waiting: deque[BlockHeader] = deque()
        self._rewind()

    @property
    def last(self) -> BlockHash:
        """Where the next question begins."""
        return self._last.hash

    @property
    def height(self) -> int | None:
        """How far the first hearing has come; None in the second."""
        return None if self._is_second else self._height

    def follows(self, header: BlockHeader) -> bool:
        """Whether the header continues what was heard."""
        return header.previous == self._last.hash

    def take(self, headers: Sequence[BlockHeader], *, is_full: bool) -> PresyncAnswer:
        """One message; `is_full` if there may be more behind it."""
        if not self.follows(headers[0]):
            return PresyncAnswer(fits=False)
        return self._hear_again(headers, is_full) if self._is_second else self._hear(headers, is_full)

    # --- inside ---

    def _rewind(self) -> None:
        start = self.start
        self._work = start.chainwork
        self._height = start.height
        self._last = start.header
        self._before = None if start.parent is None else start.parent.header

    def _hear(self, headers: Sequence[BlockHeader], is_full: bool) -> PresyncAnswer:
        for header in headers:
            if not self._step(header):
                return PresyncAnswer(fits=False)
            if self._height % PRESYNC_BIT_EVERY_HEADERS == self._offset:
                if self._bit_count >= self._bits_max:
                    return PresyncAnswer(fits=False)
                self._push_bit(self._bit_of(header))
        if self._work >= self._least_work:
            self._is_second = True
            self._rewind()
            return PresyncAnswer(fits=True, goes_on=True)
        return PresyncAnswer(fits=True, goes_on=is_full)

    def _hear_again(self, headers: Sequence[BlockHeader], is_full: bool) -> PresyncAnswer:
        for header in headers:
            if not self._step(header):
                return PresyncAnswer(fits=False)
            # Bits end where the work was reached; the chain may have grown since.
            self._has_all_work = self._has_all_work or self._work >= self._least_work
            if not self._has_all_work and not self._agrees(header):
                return PresyncAnswer(fits=False)
            self._waiting.append(header)
        ready: list[BlockHeader] = []
        while self._waiting and (self._has_all_work or len(self._waiting) > PRESYNC_BUFFER_HEADERS):
            ready.append(self._waiting.popleft())
        return PresyncAnswer(fits=True, goes_on=is_full and not self._has_all_work, ready=tuple(ready))

    def _step(self, header: BlockHeader) -> bool:
        if not self._proof.permits(self._height + 1, header, self._last, self._before):
            return False
        self._before, self._last = self._last, header
        self._height += 1
        self._work += self._proof.work(header)
        return True

    def _bit_of(self, header: BlockHeader) -> int:
        return sha256(self._salt + header.hash).digest()[0] & 1

    def _push_bit(self, bit: int) -> None:
        if self._bit_count % 8 == 0:
            self._bits.append(0)
        self._bits[-1] |= bit << self._bit_count % 8
        self._bit_count += 1

    def _agrees(self, header: BlockHeader) -> bool:
        """Whether the bit that was kept of this height, if any, is this header's."""
        if self._height % PRESYNC_BIT_EVERY_HEADERS != self._offset:
            return True
        at = self._bits_compared
        self._bits_compared += 1
        return at < self._bit_count and self._bits[at // 8] >> at % 8 & 1 == self._bit_of(header)
