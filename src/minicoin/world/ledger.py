"""What answers a simulated node's slow work. SharedLedger works out each block once for all nodes that see it.

Whether a block is valid on its parent, and what it spends, is a function of its hash alone, so one engine finds it out
and every node is told the same; a node's own state is which blocks it stored and where it stands.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from minicoin.core.chain.carried import StoredChange
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.proposals import ProposalVerdict
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.summary import find_watched
from minicoin.core.chain.undo import outputs_by_transaction
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.events import WorkFailed
from minicoin.core.faults import MisuseError
from minicoin.core.node.assemble import NodeState
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import Block, BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxOut, Wtxid
from minicoin.core.primitives.verdicts import (
    BlockSummary,
    ChainUpdate,
    DisconnectedBlock,
    InvalidBlock,
    TxVerdict,
    WatchedTransaction,
)
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.core.work import ChainAnswer, ChainJob, perform

_VERDICTS_MAX = 200_000


class Ledger(Protocol):
    """The chain worker of one node."""

    def perform(self, job: ChainJob) -> ChainAnswer | WorkFailed | None:
        """Do one piece of slow work, in the order asked."""

    def state(self, documents: dict[str, bytes]) -> NodeState:
        """What a node starts with that finds this ledger on its disk."""

    def close(self) -> None:
        """The node is gone, in whatever way."""


@dataclass(slots=True)
class BlockBook:
    """Every block of the simulation and the verdicts on it, computed once by one real engine."""

    network: Network
    verifier: ScriptVerifier
    engine: ChainEngine = field(init=False)
    _tree: HeaderTree = field(init=False)
    _blocks: dict[BlockHash, RawBlock] = field(default_factory=dict)
    _spent: dict[BlockHash, tuple[Block, list[list[TxOut]]]] = field(default_factory=dict)
    _changes: list[StoredChange] = field(default_factory=list)
    _connected: dict[BlockHash, BlockSummary | InvalidBlock] = field(default_factory=dict)
    _disconnected: dict[BlockHash, DisconnectedBlock] = field(default_factory=dict)
    _verdicts: dict[tuple[BlockHash, Wtxid, bytes], TxVerdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine = ChainEngine(self.network, MemoryChainStore(), self.verifier)
        self._tree = HeaderTree(self.network)
        genesis = self.network.genesis
        self._blocks[genesis.hash] = RawBlock(genesis.header, genesis.raw)

    def block(self, block: BlockHash) -> RawBlock | None:
        """A block anybody stored."""
        return self._blocks.get(block)

    def header_node(self, block: BlockHash) -> HeaderNode | None:
        """Its place in the tree of all blocks."""
        return self._tree.get(block)

    def add_headers(self, headers: Sequence[BlockHeader], certificates: Sequence[KeptCertificate]) -> None:
        """Headers that a node accepted, with their certificates where members sign: a block may be stored before its
        parent is."""
        if all(header.hash in self._tree for header in headers):
            return
        self._tree.load(headers, certificates)
        self.engine.add_headers(headers, certificates)

    def certificates(self, headers: Iterable[BlockHeader]) -> tuple[KeptCertificate, ...]:
        """Beside these headers, where members sign."""
        return self._tree.certificates(headers)

    def changes(self, tip: BlockHash) -> tuple[StoredChange, ...]:
        """What blocks carried up to a tip, lowest first."""
        node = self.require(tip)
        return tuple(
            carried
            for carried in sorted(self._changes)
            if carried.height <= node.height and node.ancestor(carried.height).hash == carried.block
        )

    def store(self, raw: RawBlock, height: int) -> None:
        """Judge the block by itself. Raises BlockRejected."""
        known = self._blocks.get(raw.hash)
        if known is not None and known.raw == raw.raw:
            return
        (self.engine if known is None else self._strange_engine(raw)).store_block(raw, height)
        if known is None:
            if raw.hash not in self._tree:
                self._tree.load((raw.header,))
            self._blocks[raw.hash] = raw

    def connect(self, block: BlockHash) -> BlockSummary | InvalidBlock:
        """The verdict on the block after its parent, which is valid."""
        known = self._connected.get(block)
        if known is None:
            parent = self.require(block).parent
            if parent is None:
                raise MisuseError("the genesis block is connected from the start")
            self._stand_at(parent.hash)
            update, invalid = self.engine.activate(parent.hash, (block,))
            known = self._connected[block] = update.connected[0] if invalid is None else invalid
            if isinstance(known, BlockSummary):
                self._changes += (StoredChange(known.height, block, change) for change in known.changes)
        return known

    def disconnect(self, block: BlockHash) -> DisconnectedBlock:
        """What leaving the block gives back."""
        known = self._disconnected.get(block)
        if known is None:
            summary = self.connect(block)
            if isinstance(summary, InvalidBlock):
                raise MisuseError("an invalid block was never connected")
            transactions = Block.parse(self._blocks[block].raw).transactions[1:]
            # No engine works out again what a block paid that it leaves.
            known = self._disconnected[block] = DisconnectedBlock(replace(summary, fees_sat=0), transactions)
        return known

    def watched(self, block: BlockHash, scripts: frozenset[bytes]) -> tuple[WatchedTransaction, ...]:
        """The transactions of a connected block that touch one of these scripts."""
        known = self._spent.get(block)
        if known is None:
            parsed = Block.parse(self._blocks[block].raw)
            known = self._spent[block] = parsed, outputs_by_transaction(parsed, self.engine.undo_of(block))
        return find_watched(*known, scripts)

    def verify(
        self, transaction: Transaction, parents: tuple[tuple[Outpoint, TxOut], ...], tip: BlockHash
    ) -> TxVerdict:
        """The verdict on a transaction at a tip."""
        key = (tip, transaction.wtxid, b"".join(outpoint for outpoint, _ in parents))
        known = self._verdicts.get(key)
        if known is None:
            self._stand_at(tip)
            known = self.engine.verify_transaction(transaction, parents)
            if len(self._verdicts) >= _VERDICTS_MAX:
                self._verdicts.clear()
            self._verdicts[key] = known
        return known

    def verify_proposal(self, raw: RawBlock, height: int, tip: BlockHash) -> ProposalVerdict:
        """The verdict on a proposed block at a tip."""
        self._stand_at(tip)
        return self.engine.verify_proposal(raw, height)

    def path(self, start: BlockHash, end: BlockHash) -> tuple[HeaderNode, tuple[HeaderNode, ...]]:
        """(fork, the blocks from above it to `end`)."""
        return self._tree.path(self.require(start), self.require(end))

    def _strange_engine(self, raw: RawBlock) -> ChainEngine:
        """One that has the block's ancestry and no block: a body that is not the header's own says nothing of the hash,
        and the engine that has the right one looks at no other."""
        node: HeaderNode | None = self.require(raw.header.previous)
        ancestry: list[BlockHeader] = []
        while node is not None and node.parent is not None:
            ancestry.append(node.header)
            node = node.parent
        engine = ChainEngine(self.network, MemoryChainStore(), self.verifier)
        ancestry.reverse()
        engine.add_headers(ancestry, self._tree.certificates(ancestry))
        return engine

    def _stand_at(self, block: BlockHash) -> None:
        if self.engine.tip == block:
            return
        fork, path = self.path(self.engine.tip, block)
        _, invalid = self.engine.activate(fork.hash, tuple(node.hash for node in path))
        if invalid is not None:
            raise MisuseError(f"block {invalid.hash.hex()} was valid once and is not any more: {invalid.detail}")

    def require(self, block: BlockHash) -> HeaderNode:
        """The place of a block that somebody stored."""
        node = self._tree.get(block)
        if node is None:
            raise MisuseError(f"nobody stored block {block.hex()}")
        return node


class SharedLedger:
    """One node's place among the blocks of the book: what it stored, where it stands, what its wallet looks for. The
    engine that its own jobs are performed on."""

    __slots__ = ("_book", "_headers", "_root", "_scripts", "_stored", "_tip")

    def __init__(self, book: BlockBook, chain: Iterable[BlockHash] = ()) -> None:
        """`chain`: blocks the node has from the start, lowest first, valid one after the other."""
        self._book = book
        root = book.network.genesis.hash
        for block in chain:
            root = block
        self._tip = root
        self._root = book.require(root)
        """It and its ancestors are stored from the start. Ten thousand nodes need no table each of what is equal."""
        self._stored: dict[BlockHash, None] = {}
        """The others."""
        self._headers: dict[BlockHash, BlockHeader] = {}
        self._scripts: frozenset[bytes] = frozenset()

    def perform(self, job: ChainJob) -> ChainAnswer | None:
        return perform(self, job)

    @property
    def height(self) -> int:
        """Of the block it stands at."""
        node = self._book.header_node(self._tip)
        return 0 if node is None else node.height

    def store_block(self, raw: RawBlock, height: int, certificate: KeptCertificate | None = None) -> None:
        """Raises BlockRejected. The header is remembered all the same."""
        self.add_headers((raw.header,), () if certificate is None else (certificate,))
        if not self._has(raw.hash):
            self._book.store(raw, height)
            self._stored[raw.hash] = None

    def read_block(self, block: BlockHash, *, stripped: bool = False) -> RawBlock | None:
        """A block that this node stored."""
        if not self._has(block):
            return None
        raw = self._book.block(block)
        if raw is None or not stripped:
            return raw
        return RawBlock(raw.header, Block.parse(raw.raw).stripped)

    def verify_transaction(
        self, transaction: Transaction, parents: tuple[tuple[Outpoint, TxOut], ...] = ()
    ) -> TxVerdict:
        """The verdict at this node's tip."""
        return self._book.verify(transaction, parents, self._tip)

    def verify_proposal(self, raw: RawBlock, height: int) -> ProposalVerdict:
        """The verdict at this node's tip."""
        return self._book.verify_proposal(raw, height, self._tip)

    def watch(self, scripts: frozenset[bytes]) -> None:
        """Replace what its wallet looks for."""
        self._scripts = scripts

    def rescan(
        self, scripts: frozenset[bytes], start_height: int, count: int | None = None
    ) -> Iterator[tuple[int, BlockHash, tuple[WatchedTransaction, ...]]]:
        """Of every block from a height on, as core.chain's engine has it."""
        start, end = max(start_height, 1), self.height + 1
        tip = self._book.header_node(self._tip)
        for height in range(start, end if count is None else min(end, start + count)):
            assert tip is not None
            block = tip.ancestor(height).hash
            yield height, block, self._book.watched(block, scripts)

    def add_headers(self, headers: Iterable[BlockHeader], certificates: Iterable[KeptCertificate] = ()) -> None:
        """Remember headers."""
        told = tuple(headers)
        self._book.add_headers(told, tuple(certificates))
        for header in told:
            self._headers[header.hash] = header

    def state(self, documents: dict[str, bytes]) -> NodeState:
        headers = dict(self._headers)
        stored = (*(self._root.ancestor(height).hash for height in range(self._root.height + 1)), *self._stored)
        for block in stored:
            node = self._book.header_node(block)
            if node is not None and node.height:
                headers.setdefault(block, node.header)
        # Parents first: heights are known for stored blocks only, so follow the links.
        ordered = tuple(_in_order(headers, self._book.network.genesis.hash))
        return NodeState(
            ordered,
            stored,
            self._tip,
            documents,
            self._book.certificates(ordered),
            self._book.changes(self._tip),
        )

    def close(self) -> None:
        """Memory is let go of."""

    def activate(self, fork: BlockHash, path: tuple[BlockHash, ...]) -> tuple[ChainUpdate, InvalidBlock | None]:
        """Down to `fork`, then along `path` as far as it is valid."""
        disconnected: list[DisconnectedBlock] = []
        connected: list[BlockSummary] = []
        invalid: InvalidBlock | None = None
        while self._tip != fork:
            left = self._book.disconnect(self._tip)
            disconnected.append(replace(left, summary=self._seen(left.summary)) if self._scripts else left)
            node = self._book.header_node(self._tip)
            if node is None or node.parent is None:
                raise MisuseError(f"{fork.hex()} is no ancestor of the node's tip")
            self._tip = node.parent.hash
        for block in path:
            if not self._has(block):
                raise MisuseError(f"block {block.hex()} is not stored")
            found = self._book.connect(block)
            if isinstance(found, InvalidBlock):
                invalid = found
                break
            connected.append(self._seen(found) if self._scripts else found)
            self._tip = block
        return ChainUpdate(self._tip, self.height, tuple(disconnected), tuple(connected)), invalid

    def _has(self, block: BlockHash) -> bool:
        if block in self._stored:
            return True
        node = self._book.header_node(block)
        return node is not None and node.is_ancestor_of(self._root)

    def _seen(self, summary: BlockSummary) -> BlockSummary:
        """As a node sees it that watches scripts."""
        watched = self._book.watched(summary.hash, self._scripts)
        return replace(summary, watched=watched) if watched else summary


def _in_order(headers: dict[BlockHash, BlockHeader], genesis: BlockHash) -> list[BlockHeader]:
    ordered: dict[BlockHash, BlockHeader] = {}
    for start in headers.values():
        chain: list[BlockHeader] = []
        header: BlockHeader | None = start
        while header is not None and header.hash not in ordered:
            chain.append(header)
            header = headers.get(header.previous)
        if chain and (chain[-1].previous in ordered or chain[-1].previous == genesis):
            ordered.update((link.hash, link) for link in reversed(chain))
    return list(ordered.values())
