"""Fills the record of a run: blocks and when each node had them, sampled transactions, traffic, time series.

Listens to the world and changes nothing. What was found before `begin` is not measured.
"""

import numpy as np

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.transaction import Txid
from minicoin.core.units import Micros
from minicoin.sim.measure.record import (
    ABSENT,
    NEVER,
    NO_PARENT,
    BlockRecord,
    IntArray,
    SeriesRecord,
    TrafficRecord,
    TxRecord,
)
from minicoin.world.host import Host
from minicoin.world.world import World


class RunRecorder:
    """An observer of one world. `honest` nodes are those of index 0 to count - 1."""

    def __init__(self, world: World, count: int, *, records_propagation: bool) -> None:
        self.blocks: dict[BlockHash, BlockRecord] = {}
        self.transactions: dict[Txid, TxRecord] = {}
        self.began_at = world.now
        self.block_count = 0
        self._world = world
        self._count = count
        self._records_propagation = records_propagation
        self._is_measuring = False
        self._series: dict[str, tuple[str, list[int], list[float]]] = {}
        self._sent_before: TrafficRecord | None = None

    def begin(self) -> None:
        """Time zero of the measurement."""
        self.began_at = self._world.now
        self._is_measuring = True
        self._sent_before = self._traffic()

    # --- what the world tells ---

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """A host found a block."""
        if not self._is_measuring or block.hash in self.blocks:
            return
        self.block_count += 1
        node = self._world.book.header_node(block.header.previous)
        parent = self.blocks.get(block.header.previous)
        arrivals = self._absence() if self._records_propagation else np.zeros(0, np.int64)
        if host.index < self._count and self._records_propagation:
            arrivals[host.index] = 0
        height = parent.height + 1 if parent is not None else (0 if node is None else node.height) + 1
        self.blocks[block.hash] = BlockRecord(
            index=len(self.blocks),
            hash=hash_to_hex(block.hash),
            parent=NO_PARENT if parent is None else parent.index,
            height=height,
            miner=host.index,
            found_at_us=now - self.began_at,
            size_bytes=len(block.raw),
            transactions=len(Block.parse(block.raw).transactions),
            is_best=False,
            arrivals=arrivals,
        )

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """A host's engine stored a block, or moved."""
        if not self._records_propagation or host.index >= self._count:
            return
        if isinstance(event, ChainMoved):
            for connected in event.update.connected:
                self._arrived(connected.header.hash, host.index, now)
        elif host.node is not None:
            tree = host.node.view.tree
            node = tree.get(event.block)
            # A block that will not move the tip has arrived once it is stored; one that will, once it is verified.
            if node is not None and node.chainwork <= tree.tip.chainwork:
                self._arrived(event.block, host.index, now)

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """A host's engine checked a transaction."""
        record = self.transactions.get(event.verdict.transaction.txid)
        if record is None or event.verdict.rejected is not None or event.verdict.missing:
            return
        if host.index < self._count and record.arrivals[host.index] == NEVER:
            record.arrivals[host.index] = now - self.began_at - record.sent_at_us

    def on_paid(self, txid: Txid, sender: int, now: Micros, *, is_verified: bool = False) -> None:
        """A sampled payment set out, verified by its sender already or not."""
        if self._is_measuring:
            index = len(self.transactions)
            record = TxRecord(index, hash_to_hex(txid), sender, now - self.began_at, self._absence())
            if is_verified:
                record.arrivals[sender] = 0
            self.transactions[txid] = record

    def sample(self, name: str, unit: str, value: float) -> None:
        """One value of a time series, now."""
        _, times, values = self._series.setdefault(name, (unit, [], []))
        times.append(self._world.now - self.began_at)
        values.append(value)

    # --- the end ---

    def finished_blocks(self, best: BlockHash) -> list[BlockRecord]:
        """All blocks; those of the chain that ends at `best` are marked."""
        records = list(self.blocks.values())
        record = self.blocks.get(best)
        while record is not None:
            record.is_best = True
            record = None if record.parent == NO_PARENT else records[record.parent]
        return records

    def series(self) -> list[SeriesRecord]:
        """All time series."""
        return [
            SeriesRecord(name, unit, np.array(times, np.int64), np.array(values, np.float64))
            for name, (unit, times, values) in self._series.items()
        ]

    def traffic(self) -> TrafficRecord:
        """What was sent and received since the beginning."""
        now, before = self._traffic(), self._sent_before
        if before is not None:
            # Hosts and types of messages may have come since.
            rows, types = before.sent_messages.shape
            now.sent_messages[:rows, :types] -= before.sent_messages
            now.sent_bytes[:rows, :types] -= before.sent_bytes
            now.received_messages[:rows, :types] -= before.received_messages
            now.received_bytes[:rows, :types] -= before.received_bytes
        return now

    def _traffic(self) -> TrafficRecord:
        hosts = [host.traffic for host in self._world.hosts]
        names = self._world.connections.transport.kinds.names
        for traffic in hosts:
            traffic.widen(len(names) - 1)
        return TrafficRecord(
            list(names),
            np.array([one.sent_messages for one in hosts], np.int64),
            np.array([one.sent_bytes for one in hosts], np.int64),
            np.array([one.received_messages for one in hosts], np.int64),
            np.array([one.received_bytes for one in hosts], np.int64),
        )

    def _absence(self) -> IntArray:
        up = [host.is_up for host in self._world.hosts[: self._count]]
        return np.where(np.array(up), np.int64(NEVER), np.int64(ABSENT)).astype(np.int64)

    def _arrived(self, block: BlockHash, index: int, now: Micros) -> None:
        record = self.blocks.get(block)
        if record is not None and record.arrivals[index] == NEVER:
            record.arrivals[index] = now - self.began_at - record.found_at_us
