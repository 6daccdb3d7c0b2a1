"""What outside may read of the header tree and of synchronisation, as frozen values. Changes nothing, sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from minicoin.core.answers import FinalBlock
from minicoin.core.chain.block_rules import with_reserved_value
from minicoin.core.chain.deployments import DeploymentStatus
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.tips import chain_tips, verification_progress
from minicoin.core.faults import MisuseError
from minicoin.core.limits import QUERY_PAGE_HEADERS_MAX
from minicoin.core.primitives.block import Block, BlockHash, BlockHeader
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.units import Micros, seconds
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class HeaderView:
    """One header and its place. `confirmations` is -1 off the best chain, where `next` is None too."""

    header: BlockHeader
    height: int
    chainwork: int
    median_time: int
    confirmations: int
    next: BlockHash | None
    is_stored: bool

    @property
    def hash(self) -> BlockHash:
        return self.header.hash


@dataclass(frozen=True, slots=True)
class ChainView:
    """The chain as a whole. `failure` says why a worker stopped, empty while all is well."""

    tip: HeaderView
    best_header_height: int
    progress: float
    is_initial: bool
    failure: str


@dataclass(frozen=True, slots=True)
class SignedChain:
    """What is final where members sign the blocks, and which block this run of the node goes by: its operator's anchor,
    or the best block of an earlier run; None for a fresh node without an anchor."""

    height: int
    hash: BlockHash
    anchor_height: int | None
    anchor: BlockHash | None


@dataclass(frozen=True, slots=True)
class NextBlock:
    """What the proof of work asks of a block on the tip that is made now."""

    height: int
    bits: int


@dataclass(frozen=True, slots=True)
class TipView:
    """The end of one branch, with Bitcoin Core's word for its state."""

    height: int
    hash: BlockHash
    branch_length: int
    status: str


@dataclass(frozen=True, slots=True)
class WorkSpan:
    """Work done between two headers: what a hash rate is computed from."""

    work: int
    seconds: int


class ChainQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView, now: Micros) -> None:
        self._node = view
        self._tree = view.tree
        self._now = now

    def height(self) -> int:
        """Of the best block."""
        return self._tree.tip.height

    def best_hash(self) -> BlockHash:
        """The best block."""
        return self._tree.tip.hash

    def hash_at(self, height: int) -> BlockHash | None:
        """The block of the best chain at this height."""
        found = self._tree.at_height(height)
        return None if found is None else found.hash

    def view(self) -> ChainView:
        """Everything getblockchaininfo tells."""
        sync = self._node.sync.snapshot(self._now)
        return ChainView(
            tip=self._view(self._tree.tip),
            best_header_height=self._tree.best_header.height,
            progress=verification_progress(self._tree, self._now),
            is_initial=sync.is_initial,
            failure=self._node.failure,
        )

    def signed_chain(self) -> SignedChain | None:
        """None where no members sign."""
        signers = self._tree.signers
        if signers is None:
            return None
        final = self._tree.ancestor(self._tree.tip, min(self._tree.tip.height, signers.finalized))
        anchor, origin = self._node.policy.anchor, self._node.origin
        if anchor is not None:
            return SignedChain(final.height, final.hash, anchor.height, anchor.block)
        if origin.height:
            return SignedChain(final.height, final.hash, origin.height, origin.hash)
        return SignedChain(final.height, final.hash, None, None)

    def final_block(self, block: BlockHash) -> FinalBlock | None:
        """A block that members signed; None for any other."""
        found, signers = self._tree.get(block), self._tree.signers
        certificate = None if signers is None else signers.certificate(block)
        if found is None or certificate is None:
            return None
        return FinalBlock(block, found.height, len(certificate.signatures))

    def next_block(self) -> NextBlock:
        """What a block on the tip must prove."""
        proof, tip = self._tree.proof, self._tree.tip
        time = max(seconds(self._now), proof.earliest_time(tip))
        return NextBlock(tip.height + 1, proof.next_bits(tip, time))

    def with_reserved_value(self, block: Block) -> Block:
        """A block from a miner, with the coinbase's witness where segwit asks for one and it was left out."""
        parent = self._tree.get(block.header.previous)
        is_segwit = parent is not None and self._tree.rules.rules_at(parent).segwit
        return with_reserved_value(block) if is_segwit else block

    def duplicate_of(self, block: BlockHash) -> str | None:
        """Bitcoin Core's word for a block that is known already, None where it is not."""
        found = self._tree.get(block)
        if found is None:
            return None
        if found.is_failed:
            return "duplicate-invalid"
        return "duplicate" if self._tree.is_active(found) else "duplicate-inconclusive"

    def header_refusal(self, header: BlockHeader) -> BlockRejected | None:
        """What would be said to a header on the tip, its proof of work aside."""
        return self._tree.refusal_without_work(header, self._now)

    def header(self, block: BlockHash) -> HeaderView | None:
        """A header by its hash, on any branch."""
        found = self._tree.get(block)
        return None if found is None else self._view(found)

    def headers_from(self, height: int, count: int) -> tuple[HeaderView, ...]:
        """At most `count` (or a page) headers of the best chain from `height` up."""
        end = min(height + min(count, QUERY_PAGE_HEADERS_MAX), self.height() + 1)
        nodes = (self._tree.at_height(at) for at in range(max(height, 0), end))
        return tuple(self._view(found) for found in nodes if found is not None)

    def confirmations(self, block: BlockHash) -> int:
        """1 for the tip, more below it, -1 off the best chain or unknown."""
        found = self._tree.get(block)
        return -1 if found is None else self._confirmations(found)

    def tips(self) -> tuple[TipView, ...]:
        """The ends of all branches, highest first."""
        return tuple(
            TipView(tip.node.height, tip.node.hash, tip.branch_length, str(tip.status))
            for tip in chain_tips(self._tree)
        )

    def deployments(self, block: BlockHash) -> Sequence[DeploymentStatus]:
        """The state of each soft fork for a child of `block`, which must be known."""
        found = self._tree.get(block)
        if found is None:
            raise MisuseError("unknown block")
        return self._tree.rules.status(found)

    def work_span(self, blocks: int, height: int) -> WorkSpan:
        """Work and time of the last `blocks` blocks up to `height` (-1: the tip); blocks below 1: since the last
        change of the difficulty."""
        last = self._tree.tip if height < 0 else self._tree.at_height(height)
        if last is None or last.height == 0:
            return WorkSpan(0, 0)
        if blocks < 1:
            blocks = last.height % self._tree.network.retarget.interval + 1
        first = self._tree.ancestor(last, max(last.height - min(blocks, QUERY_PAGE_HEADERS_MAX), 0))
        times: list[int] = []
        walk: HeaderNode | None = last
        while walk is not None and walk.height >= first.height:
            times.append(walk.header.time)
            walk = walk.parent
        return WorkSpan(last.chainwork - first.chainwork, max(times) - min(times))

    def _confirmations(self, node: HeaderNode) -> int:
        return self._tree.tip.height - node.height + 1 if self._tree.is_active(node) else -1

    def _view(self, node: HeaderNode) -> HeaderView:
        is_active = self._tree.is_active(node)
        following = self._tree.at_height(node.height + 1) if is_active else None
        return HeaderView(
            header=node.header,
            height=node.height,
            chainwork=node.chainwork,
            median_time=node.median_time_past,
            confirmations=self._confirmations(node),
            next=None if following is None else following.hash,
            is_stored=node.is_stored,
        )
