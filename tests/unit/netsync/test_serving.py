"""Serving under back-pressure: credits neither stall for ever nor run beyond their bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.node.bench import NETWORK

from minicoin.core.effects import ReadBlock, Send
from minicoin.core.faults import PeerFault
from minicoin.core.limits import READS_PER_PEER_MAX, SEND_QUEUE_HIGH_BYTES, SEND_QUEUE_LOW_BYTES
from minicoin.core.netsync.serving import Serving
from minicoin.core.primitives.block import RawBlock
from minicoin.core.wire.messages import BlockMessage, InventoryVector, InvType, NotFound
from minicoin.testing.chain_maker import ChainMaker

MAKER = ChainMaker(NETWORK)
HEADER = MAKER.next_block(MAKER.new_branch()).header
CONN = 1


class Sync:
    """netsync's part: the newest blocks, and what follows a block that was sent."""

    def __init__(self):
        self.kept = {}
        self.served = []

    def newest(self, block_hash):
        return self.kept.get(block_hash)

    def on_served(self, conn, block_hash):
        self.served.append(block_hash)
        return []


def block(size):
    return RawBlock(HEADER, bytes(size))


def vector(number=0, kind=InvType.WITNESS_BLOCK):
    return InventoryVector(kind, number.to_bytes(32, "big"))


def reads(effects):
    return [effect for effect in effects if isinstance(effect, ReadBlock)]


def test_a_few_reads_overlap_and_answers_start_the_next():
    serving = Serving(Sync())
    for number in range(10):
        serving.request(CONN, vector(number))
    first = reads(serving.pump(CONN))
    assert [effect.block for effect in first] == [vector(number).hash for number in range(READS_PER_PEER_MAX)]
    sent, *more = serving.on_read(CONN, first[0].block, block(200))
    assert sent == Send(CONN, BlockMessage(block(200)))
    assert [effect.block for effect in reads(more)] == [vector(READS_PER_PEER_MAX).hash]


def test_the_newest_needs_no_read_unless_it_is_asked_for_behind_one_or_without_witnesses():
    sync = Sync()
    serving = Serving(sync)
    newest = sync.kept[vector(9).hash] = block(300)
    serving.request(CONN, vector(9))
    assert serving.pump(CONN) == [Send(CONN, BlockMessage(newest))]
    serving.request(CONN, vector(1))
    serving.request(CONN, vector(9))
    assert [effect.block for effect in serving.pump(CONN)] == [vector(1).hash, vector(9).hash]
    serving.on_read(CONN, vector(1).hash, block(200))
    serving.on_read(CONN, vector(9).hash, newest)
    assert sync.served == [vector(9).hash, vector(1).hash, vector(9).hash]
    serving.request(CONN, vector(9, InvType.BLOCK))
    assert [effect.stripped for effect in reads(serving.pump(CONN))] == [True]


def test_the_newest_does_not_overrun_a_full_queue():
    sync = Sync()
    serving = Serving(sync)
    sync.kept[vector(9).hash] = block(SEND_QUEUE_HIGH_BYTES)
    for _ in range(3):
        serving.request(CONN, vector(9))
    assert len(serving.pump(CONN)) == 1
    assert serving.pump(CONN) == []
    assert len(serving.on_send_queue_low(CONN)) == 1


def test_the_form_asked_for_is_read():
    serving = Serving(Sync())
    serving.request(CONN, vector(1, InvType.BLOCK))
    serving.request(CONN, vector(2))
    assert [effect.stripped for effect in reads(serving.pump(CONN))] == [True, False]


def test_a_block_we_do_not_have_is_said_so_and_frees_the_read():
    serving = Serving(Sync())
    for number in range(READS_PER_PEER_MAX + 1):
        serving.request(CONN, vector(number))
    serving.pump(CONN)
    missing, *more = serving.on_read(CONN, vector(0).hash, None)
    assert isinstance(missing.message, NotFound)
    assert len(reads(more)) == 1


def test_a_long_queue_pauses_until_the_peer_took_it():
    serving = Serving(Sync())
    for number in range(20):
        serving.request(CONN, vector(number))
    effects = serving.pump(CONN)
    count = 0
    while pending := reads(effects):
        effects = [made for effect in pending for made in serving.on_read(CONN, effect.block, block(400_000))]
        count += len(pending)
    assert count * 400_000 < SEND_QUEUE_HIGH_BYTES + READS_PER_PEER_MAX * 400_000
    assert reads(serving.pump(CONN)) == []
    assert reads(serving.on_send_queue_low(CONN))


def test_requests_are_bounded(monkeypatch):
    monkeypatch.setattr("minicoin.core.netsync.serving.SERVE_QUEUE_ITEMS_MAX", 5)
    serving = Serving(Sync())
    for number in range(5):
        serving.request(CONN, vector(number))
    with pytest.raises(PeerFault, match="more requests"):
        serving.request(CONN, vector(6))


def test_a_closed_peer_is_forgotten_with_its_reads():
    serving = Serving(Sync())
    serving.request(CONN, vector())
    serving.pump(CONN)
    serving.on_closed(CONN)
    assert serving.on_read(CONN, vector().hash, block(100)) == []
    assert serving.on_send_queue_low(CONN) == serving.pump(CONN) == []


class Socket:
    """The driver's side of the contract: a low-mark event whenever 256 KB were written and the queue is short."""

    def __init__(self):
        self.queued = 0
        self.written = 0

    def write(self, count):
        count = min(count, self.queued)
        self.queued -= count
        self.written += count
        if self.written >= SEND_QUEUE_LOW_BYTES and self.queued < SEND_QUEUE_LOW_BYTES:
            self.written = 0
            return True
        return False


@given(
    st.lists(st.integers(100, 1_500_000), min_size=1, max_size=60),
    st.lists(st.integers(0, 600_000), max_size=200),
    st.lists(st.booleans(), max_size=200),
)
@settings(max_examples=100, deadline=None)
def test_everything_is_served_and_the_queue_stays_short(sizes, writes, order):
    serving, socket = Serving(Sync()), Socket()
    for number in range(len(sizes)):
        serving.request(CONN, vector(number))
    to_read, lows, sent = reads(serving.pump(CONN)), 0, 0
    steps = [*zip(order, writes, strict=False), *[(index % 2 == 0, 600_000) for index in range(20 * len(sizes) + 20)]]
    for is_read, count in steps:
        effects = []
        if is_read and to_read:
            size = sizes[int.from_bytes(to_read[0].block, "big")]
            effects = serving.on_read(CONN, to_read.pop(0).block, block(size))
            socket.queued += size
            sent += 1
        elif socket.write(count):
            lows += 1
        elif lows:
            lows -= 1
            effects = serving.on_send_queue_low(CONN)
        to_read += reads(effects)
        assert len(to_read) <= READS_PER_PEER_MAX
        # Two windows, since a low mark may be on its way, and the reads that overlap.
        assert socket.queued <= 2 * SEND_QUEUE_HIGH_BYTES + SEND_QUEUE_LOW_BYTES + 2 * READS_PER_PEER_MAX * 1_500_000
    assert sent == len(sizes)
