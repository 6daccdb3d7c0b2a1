"""Blocks and transactions that peers asked for, served one by one as their send queues drain.

A full send queue pauses the serving of that peer, never the reading of its answers; what it asked for meanwhile waits
in a bounded queue. Blocks are sent in the bytes they are stored in: the newest at once, since every peer asks for them
and netsync still holds them, older ones when the worker has read them.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from minicoin.core.effects import Effect, ReadBlock, Send
from minicoin.core.faults import PeerFault
from minicoin.core.limits import READS_PER_PEER_MAX, SEND_QUEUE_HIGH_BYTES, SERVE_QUEUE_ITEMS_MAX
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import BlockMessage, InventoryVector, InvType, NotFound, Tx

BLOCK_TYPES = frozenset({InvType.BLOCK, InvType.WITNESS_BLOCK})


@dataclass(slots=True)
class _Line:
    """One peer's waiting requests. Most requests are served as they come: tables exist while they hold something."""

    waiting: deque[InventoryVector] | None = None
    reading: list[InventoryVector] | None = None
    """What the worker reads for it, in the form asked for; at most READS_PER_PEER_MAX."""
    sent_bytes: int = 0
    """Since the send queue was last known to be short."""


class Serving:
    """The queues of all peers."""

    def __init__(self, sync: BlockSync) -> None:
        self._sync = sync
        self._lines: dict[ConnId, _Line] = {}

    def on_closed(self, conn: ConnId) -> None:
        """Nobody waits any more."""
        self._lines.pop(conn, None)

    def has_room(self, conn: ConnId) -> bool:
        """Whether one more may be requested."""
        line = self._lines.get(conn)
        return line is None or line.waiting is None or len(line.waiting) < SERVE_QUEUE_ITEMS_MAX

    def served(self) -> Mapping[ConnId, int]:
        """Whom there is a line for, and how long it is."""
        return {conn: len(line.waiting or ()) + len(line.reading or ()) for conn, line in self._lines.items()}

    def request(self, conn: ConnId, vector: InventoryVector) -> None:
        """Queue one block. Raises PeerFault beyond the bound."""
        if not self.has_room(conn):
            raise PeerFault("more requests than it takes answers", score=20)
        line = self._line(conn)
        if line.waiting is None:
            line.waiting = deque()
        line.waiting.append(vector)

    def send_transaction(self, conn: ConnId, transaction: Transaction, *, with_witness: bool) -> Effect:
        """Transactions are small: they go out at once and count towards the queue. Who asked by plain `tx` knows no
        witnesses (BIP144)."""
        self._line(conn).sent_bytes += transaction.size
        if transaction.has_witness and not with_witness:
            transaction = Transaction.parse(transaction.stripped)
        return Send(conn, Tx(transaction))

    def on_send_queue_low(self, conn: ConnId) -> list[Effect]:
        """The peer took what it was sent."""
        line = self._lines.get(conn)
        if line is None:
            return []
        line.sent_bytes = 0
        return self.pump(conn)

    def on_read(self, conn: ConnId, block_hash: BlockHash, block: RawBlock | None) -> list[Effect]:
        """A block came from the store, or is not there."""
        line = self._lines.get(conn)
        if line is None or line.reading is None:
            return []
        asked = next((vector for vector in line.reading if vector.hash == block_hash), None)
        if asked is None:
            return []
        line.reading.remove(asked)
        line.reading = line.reading or None
        return [*self._answer(conn, line, asked, block), *self.pump(conn)]

    def _answer(self, conn: ConnId, line: _Line, asked: InventoryVector, block: RawBlock | None) -> list[Effect]:
        message = NotFound((asked,)) if block is None else BlockMessage(block)
        line.sent_bytes += 0 if block is None else len(block.raw)
        return [Send(conn, message), *self._sync.on_served(conn, BlockHash(asked.hash))]

    def pump(self, conn: ConnId) -> list[Effect]:
        """Send or read what may be sent now; a few reads overlap with the sending."""
        line = self._lines.get(conn)
        effects: list[Effect] = []
        if line is None:
            return effects
        reading = line.reading or []
        while line.waiting and len(reading) < READS_PER_PEER_MAX and line.sent_bytes < SEND_QUEUE_HIGH_BYTES:
            vector = line.waiting.popleft()
            block_hash, is_stripped = BlockHash(vector.hash), vector.type == InvType.BLOCK
            # Behind a read the newest waits as well: who asked in an order gets answers in that order.
            newest = None if is_stripped or reading else self._sync.newest(block_hash)
            if newest is not None:
                effects += self._answer(conn, line, vector, newest)
                continue
            reading.append(vector)
            effects.append(ReadBlock(conn, block_hash, stripped=is_stripped))
        line.waiting, line.reading = line.waiting or None, reading or None
        return effects

    def _line(self, conn: ConnId) -> _Line:
        line = self._lines.get(conn)
        if line is None:
            line = self._lines[conn] = _Line()
        return line
