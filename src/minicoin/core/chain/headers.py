"""The header tree: every known header, and the only chooser of the best chain.

Owns which nodes exist and what is known of their blocks. What a header must be is header_rules'; the engine owns what
is in the blocks; netsync decides what to fetch and which headers to take.

1. *The best header* has most work among those on which nothing invalid lies, the first that came on ties. The tip
   counts as the best among its equals: whoever sent the other header may not have its block.
2. *The engine should stand* at the block of most work among those whose ancestors are all stored and not invalid
   (`best_candidate`), the first that could be connected on ties, whatever order blocks came in. An operator may prefer
   another among equals; a restart forgets that.
3. *It is sent one way at a time*, and says how far it came: the active chain is where it stands, not where it should.
4. *A block that breaks a rule* makes itself and all its descendants invalid, those that come later too. `reconsider`
   takes that back for a branch, and leaves other branches their own faults.
5. *Kept for good* are headers whose blocks are stored, and those of the best chain; beside them STRAY_HEADERS_MAX at
   most, from whomever they came, so that none can be piled up connection after connection (strays.py).
6. *Where members sign*, a header enters behind its certificate only (certified.py), so that there is one chain.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from minicoin.core.chain.certified import make_certified
from minicoin.core.chain.deployments import RuleBook
from minicoin.core.chain.header_node import (
    CONNECTED,
    FAILED,
    INVALID,
    INVALID_ANCESTOR,
    SAVED,
    STORED,
    VALID,
    HeaderNode,
    children,
    descendants,
    find_common_ancestor,
    highest_good,
)
from minicoin.core.chain.header_rules import check_checkpoint, check_child, check_clock, check_version
from minicoin.core.chain.proof import HeaderProof, make_header_proof
from minicoin.core.chain.strays import choose_strays
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import MisuseError
from minicoin.core.limits import NEAR_TIP_BLOCKS, STRAY_HEADERS_KEPT, STRAY_HEADERS_MAX
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, ChainUpdate
from minicoin.core.signers.certificate import Certificate, KeptCertificate
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import Recovery
from minicoin.core.units import Micros


@dataclass(frozen=True, slots=True)
class HeaderTreeSnapshot:
    """The tree from outside."""

    headers: int
    leaves: int
    best_header: BlockHash
    best_header_height: int
    best_candidate: BlockHash
    tip: BlockHash
    tip_height: int


class HeaderTree:
    """All headers of one network, the genesis block's (stored and valid) from the start."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.signers = make_certified(network, self._height_of)
        """Who signs and what is final; None on networks whose blocks members do not sign."""
        self.proof: HeaderProof = make_header_proof(network, self.signers)
        self.rules = RuleBook(network)
        self._checkpoints = dict(network.checkpoints)
        header = network.genesis.header
        genesis = HeaderNode(header, None, self.proof.work(header))
        genesis.status = STORED | CONNECTED | VALID | SAVED
        self.genesis = genesis
        self._nodes: dict[BlockHash, HeaderNode] = {genesis.hash: genesis}
        self._leaves: dict[BlockHash, HeaderNode] = {genesis.hash: genesis}
        self._active: list[HeaderNode] = [genesis]
        self._best_header = genesis
        self._best_candidate = genesis
        self._sequence = 0
        self._first_sequence = 0
        self._unstored = 0
        self._sent_to: HeaderNode | None = None
        self._is_halted = False

    # --- reading ---

    def __contains__(self, block: BlockHash) -> bool:
        return block in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, block: BlockHash) -> HeaderNode | None:
        """The node of a block, or None where its header is not known."""
        return self._nodes.get(block)

    @property
    def best_header(self) -> HeaderNode:
        """The header of most work on which nothing invalid lies; the tip, where another has no more."""
        return self._best_header

    @property
    def tip(self) -> HeaderNode:
        """Where the engine stands; without one, the best header that the node took for its tip."""
        return self._active[-1]

    @property
    def sent_to(self) -> HeaderNode | None:
        """Where the engine was sent and has not told yet how far it came; None while it stands still."""
        return self._sent_to

    @property
    def may_send(self) -> bool:
        """Whether the engine can be sent somewhere now."""
        return self._sent_to is None and not self._is_halted

    def may_extend(self, node: HeaderNode) -> bool:
        """Whether a block that is not stored yet would be the best candidate, right on the tip, and the engine is free
        to go there."""
        return node.parent is self.tip and self.may_send and node.chainwork > self._best_candidate.chainwork

    def best_candidate(self) -> HeaderNode:
        """Where the engine should stand: most work among the nodes all of whose ancestors are stored and not invalid,
        the first that could be connected on ties."""
        return self._best_candidate

    def at_height(self, height: int) -> HeaderNode | None:
        """The block of the active chain at this height."""
        return self._active[height] if 0 <= height < len(self._active) else None

    def is_active(self, node: HeaderNode) -> bool:
        """Whether the node is on the active chain."""
        return self.at_height(node.height) is node

    def ancestor(self, node: HeaderNode, height: int) -> HeaderNode:
        """The ancestor of `node` at `height`: O(1) on the active chain, O(log height) elsewhere."""
        if height <= node.height < len(self._active) and self._active[node.height] is node and height >= 0:
            return self._active[height]
        return node.ancestor(height)

    def median_time_past(self, node: HeaderNode) -> int:
        """What the time of a child of `node` must exceed."""
        return node.median_time_past

    def snapshot(self) -> HeaderTreeSnapshot:
        """Counts and choices."""
        best, tip = self._best_header, self.tip
        return HeaderTreeSnapshot(
            len(self._nodes),
            len(self._leaves),
            best.hash,
            best.height,
            self._best_candidate.hash,
            tip.hash,
            tip.height,
        )

    def nodes(self) -> Iterable[HeaderNode]:
        """Every header in the order it came; nothing may be added meanwhile."""
        return self._nodes.values()

    def leaves(self) -> Iterator[HeaderNode]:
        """Every header that nothing builds on."""
        return iter(list(self._leaves.values()))

    # --- growing ---

    def certify(
        self, certificate: Certificate, next_members: MemberList | None, recoveries: tuple[Recovery, ...] = ()
    ) -> None:
        """Take the certificate of a header that is about to be added; `next_members` where the list of the next height
        is another, `recoveries` those that whoever shows it follows. Raises BlockRejected."""
        if self.signers is None:
            raise MisuseError(f"nobody certifies the blocks of {self.network.name}")
        self.signers.check_followed(recoveries, certificate.height)
        self.signers.certify(certificate, next_members)

    def add(self, header: BlockHeader, now: Micros) -> HeaderNode:
        """Check a header and give its node; a known one is given back. Raises BlockRejected."""
        known = self._nodes.get(header.hash)
        if known is not None:
            if known.status & FAILED:
                raise BlockRejected(BlockReason.MARKED_INVALID, str(header))
            return known
        self.proof.check_header(header)
        parent = self._nodes.get(header.previous)
        if parent is None:
            raise BlockRejected(BlockReason.UNKNOWN_PARENT, hash_to_hex(header.previous), is_permanent=False)
        if parent.status & FAILED:
            raise BlockRejected(BlockReason.INVALID_PARENT, str(parent.header))
        height = parent.height + 1
        if self.signers is not None:
            self.signers.require(header.hash, height)
        self._check_context(header, parent, now)
        if self.signers is not None:
            self.signers.take(header.hash, height)
        return self._insert(header, parent)

    def load(self, headers: Iterable[BlockHeader], certificates: Iterable[KeptCertificate] = ()) -> None:
        """Take headers that were checked before, parents first; the genesis header may be among them. Where members
        sign each comes with its certificate, in the same order, and the genesis header is not among them."""
        if self.signers is None:
            for header in headers:
                self._load(header)
            return
        for header, kept in zip(headers, certificates, strict=True):
            parent = self._nodes.get(header.previous)
            if parent is not None and not self.signers.load(kept, header.hash, parent.height + 1):
                # A recovery leaves it behind, and what builds on it.
                return
            self._load(header)

    def _load(self, header: BlockHeader) -> None:
        if header.hash in self._nodes:
            return
        parent = self._nodes.get(header.previous)
        if parent is None:
            raise MisuseError(f"the stored header {header} has no stored parent")
        self._insert(header, parent).status |= SAVED

    def _insert(self, header: BlockHeader, parent: HeaderNode) -> HeaderNode:
        node = HeaderNode(header, parent, self.proof.work(header))
        node.sibling = parent.child
        parent.child = node
        if parent.status & FAILED:
            node.status = INVALID_ANCESTOR
        self._nodes[node.hash] = node
        self._unstored += 1
        self._leaves.pop(parent.hash, None)
        self._leaves[node.hash] = node
        if node.chainwork > self._best_header.chainwork and not node.status & FAILED:
            self._best_header = node
        return node

    def refusal_without_work(self, header: BlockHeader, now: Micros) -> BlockRejected | None:
        """What add() would say to a header on the tip if it met its target; changes nothing."""
        try:
            self._check_context(header, self.tip, now)
        except BlockRejected as refusal:
            return refusal
        return None

    def _check_context(self, header: BlockHeader, parent: HeaderNode, now: Micros) -> None:
        height = parent.height + 1
        check_child(header, parent, self.proof)
        if self.signers is None:
            check_clock(header, now)
        check_version(header, height, self.rules)
        check_checkpoint(header, height, self._checkpoints)

    def certificates(self, headers: Iterable[BlockHeader]) -> tuple[KeptCertificate, ...]:
        """What is kept beside these headers, which are in the tree: nothing where members do not sign."""
        if self.signers is None:
            return ()
        kept = (self.signers.kept(header.hash) for header in headers)
        return tuple(one for one in kept if one is not None)

    def take_unsaved(self, node: HeaderNode) -> tuple[BlockHeader, ...]:
        """The headers up to `node` that the store was not given yet, parents first; from now on it was."""
        path: list[BlockHeader] = []
        walk: HeaderNode | None = node
        while walk is not None and not walk.status & SAVED:
            walk.status |= SAVED
            path.append(walk.header)
            walk = walk.parent
        return tuple(reversed(path))

    # --- what is worth keeping ---

    def work_floor(self) -> int:
        """The work that a chain must show before its headers are kept: the network's minimum, and our tip's less 144
        blocks of its difficulty, so that forks near the tip are welcome."""
        tip = self.tip
        near_tip = tip.chainwork - NEAR_TIP_BLOCKS * self.proof.work(tip.header)
        return max(near_tip, self.network.minimum_chainwork)

    def has_too_many_strays(self) -> bool:
        """Whether forget_strays() has something to do."""
        if self._unstored <= STRAY_HEADERS_MAX:
            return False
        ahead = self._best_header.height - find_common_ancestor(self.tip, self._best_header).height
        return self._unstored - ahead > STRAY_HEADERS_MAX

    def forget_strays(
        self, kept: Iterable[HeaderNode], weakly_kept: Sequence[HeaderNode]
    ) -> dict[BlockHash, HeaderNode]:
        """Forget headers that lead nowhere until STRAY_HEADERS_KEPT are left, or `kept` forbids it; what was forgotten.
        strays.py tells in which order."""
        ahead = self._best_header.height - find_common_ancestor(self.tip, self._best_header).height
        excess = self._unstored - ahead - STRAY_HEADERS_KEPT
        protected = {node.hash: node for node in kept}
        gone = choose_strays(self._leaves.values(), self._best_header, protected, weakly_kept, excess)
        parents = {node.parent.hash: node.parent for node in gone.values() if node.parent is not None}
        for block in gone:
            del self._nodes[block]
            self._leaves.pop(block, None)
        self._unstored -= len(gone)
        for parent in parents.values():
            if parent.hash not in gone:
                self._keep_children(parent, gone)
        return gone

    def _keep_children(self, parent: HeaderNode, gone: dict[BlockHash, HeaderNode]) -> None:
        left = [child for child in children(parent) if child.hash not in gone]
        parent.child = left[0] if left else None
        for child, sibling in zip(left, [*left[1:], None], strict=False):
            child.sibling = sibling
        if not left:
            self._leaves[parent.hash] = parent

    def forget_unstored(self) -> None:
        """Forget the certified headers above the highest block that is stored. Only where members sign, whose headers
        are one chain."""
        if self.signers is None:
            raise MisuseError(f"the headers of {self.network.name} are many branches")
        top = self._best_header
        while not top.is_stored and top.parent is not None:
            del self._nodes[top.hash]
            self._leaves.pop(top.hash, None)
            self._unstored -= 1
            top = top.parent
        top.child = None
        self._leaves[top.hash] = top
        self._best_header = top
        self.signers.forget_above(top.height)

    # --- what is known of the blocks ---

    def mark_stored(self, block: BlockHash) -> None:
        """The block's bytes are on disk: it, and stored blocks that waited for it, become candidates."""
        node = self._require(block)
        self._note_stored(node)
        if node.parent is not None and not node.status & CONNECTED and node.parent.status & CONNECTED:
            self._connect(node)

    def mark_invalid(self, block: BlockHash) -> None:
        """The block breaks a rule (or the user says so): neither it nor its descendants are candidates."""
        node = self._require(block)
        if node is self.genesis:
            raise MisuseError("the genesis block cannot be invalid")
        node.status |= INVALID
        for descendant in descendants(node):
            descendant.status |= INVALID_ANCESTOR
        self._choose_again()

    def prefer(self, block: BlockHash) -> None:
        """Treat the block as the first that could be connected among those of its work. A later call outdoes an
        earlier one; a restart forgets both."""
        node = self._require(block)
        if node.chainwork >= self.tip.chainwork:
            self._first_sequence -= 1
            node.sequence = self._first_sequence
            self._choose_again()

    def is_preferred(self, node: HeaderNode, other: HeaderNode) -> bool:
        """Whether the operator put `node` before `other`, which has the same work."""
        return node.sequence < 0 and node.sequence < other.sequence and node.chainwork == other.chainwork

    def reconsider(self, block: BlockHash) -> None:
        """Forget that the block, its ancestors or its descendants were invalid."""
        node = self._require(block)
        top = node
        above: HeaderNode | None = node
        while above is not None and above.status & FAILED:
            above.status &= ~FAILED
            top, above = above, above.parent
        for descendant in descendants(node):
            descendant.status &= ~FAILED
        # Other branches of the ancestors keep their own faults, and lose inherited ones.
        for descendant in descendants(top):
            assert descendant.parent is not None
            if descendant.parent.status & FAILED:
                descendant.status |= INVALID_ANCESTOR
            else:
                descendant.status &= ~INVALID_ANCESTOR
        self._choose_again()

    def send(self, node: HeaderNode) -> None:
        """The engine is on its way there, until set_tip() or stay()."""
        if not self.may_send:
            raise MisuseError("the engine is sent one way at a time")
        self._sent_to = node

    def stay(self) -> None:
        """The engine stands where it stood: the block that it was sent to was refused."""
        self._sent_to = None

    def halt(self) -> None:
        """The engine is sent nowhere any more."""
        self._is_halted = True

    def set_tip(self, block: BlockHash, stored: BlockHash | None = None) -> None:
        """The engine stands at `block`: it and its ancestors are valid and were stored (pruned or not). Where there is
        no engine, a tip's headers count as that: they are kept for good, like blocks, for they had the most work.
        `stored` reached the disk on this way, and is the tip, or was found invalid."""
        self._sent_to = None
        if stored is not None:
            self.mark_stored(stored)
        node = self._require(block)
        branch: list[HeaderNode] = []
        walk: HeaderNode = node
        while not self.is_active(walk):
            branch.append(walk)
            assert walk.parent is not None
            walk = walk.parent
        del self._active[walk.height + 1 :]
        for step in reversed(branch):
            self._note_stored(step)
            step.status |= VALID
            if not step.status & CONNECTED:
                self._connect(step)
        self._active.extend(reversed(branch))
        self._prefer_tip()

    def follow(self, update: ChainUpdate, stored: BlockHash | None = None) -> None:
        """The engine went that way; `stored` as in set_tip()."""
        self.set_tip(update.tip, stored)
        if self.signers is not None:
            self.signers.follow(update)

    def _note_stored(self, node: HeaderNode) -> None:
        self._unstored -= not node.status & STORED
        node.status |= STORED

    def _connect(self, node: HeaderNode) -> None:
        waiting = [node]
        for ready in waiting:
            ready.status |= CONNECTED
            self._sequence += 1
            ready.sequence = self._sequence
            if not ready.status & FAILED and ready.chainwork > self._best_candidate.chainwork:
                self._best_candidate = ready
            stored = [child for child in children(ready) if child.status & STORED and not child.status & CONNECTED]
            waiting.extend(reversed(stored))

    def _choose_again(self) -> None:
        self._best_header = self._best(lambda node: not node.status & FAILED, by_sequence=False)
        self._best_candidate = self._best(
            lambda node: bool(node.status & CONNECTED) and not node.status & FAILED, by_sequence=True
        )
        self._prefer_tip()

    def _prefer_tip(self) -> None:
        """Of equal chains the one whose blocks are here: whoever sent the other header may not have its block, and
        peers that are asked from there on would not know it."""
        tip = self.tip
        if tip.chainwork >= self._best_header.chainwork and not tip.status & FAILED:
            self._best_header = tip

    def _best(self, is_good: Callable[[HeaderNode], bool], *, by_sequence: bool) -> HeaderNode:
        """Most work among the good nodes; goodness is inherited, so each branch has one highest good node."""
        best = self.genesis
        for leaf in self._leaves.values():
            node = highest_good(leaf, is_good)
            if node.chainwork > best.chainwork or (
                by_sequence and node.chainwork == best.chainwork and node.sequence < best.sequence
            ):
                best = node
        return best

    def _height_of(self, block: BlockHash) -> int | None:
        node = self._nodes.get(block)
        return None if node is None else node.height

    def _require(self, block: BlockHash) -> HeaderNode:
        node = self._nodes.get(block)
        if node is None:
            raise MisuseError(f"unknown block {hash_to_hex(block)}")
        return node

    # --- ways through the tree ---

    def path(self, start: HeaderNode, end: HeaderNode) -> tuple[HeaderNode, tuple[HeaderNode, ...]]:
        """(the highest common ancestor, the nodes from above it up to and including `end`)."""
        fork = find_common_ancestor(start, end)
        nodes: list[HeaderNode] = []
        node = end
        while node is not fork:
            nodes.append(node)
            assert node.parent is not None
            node = node.parent
        return fork, tuple(reversed(nodes))
