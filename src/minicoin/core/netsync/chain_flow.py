"""Keeps the engine on the best chain: one move at a time, along the path the header tree chooses.

The tree on the loop is the only chooser; the engine answers how far the path was valid. A block that arrives right on
the tip is stored and connected in one visit to the worker (netsync asks for it so); whatever else is to be connected is
stored by then and asked for here. A refused block is blamed on its deliverer, its branch is marked, and the tree
chooses again.
"""

from minicoin.core.chain.coinbase_tags import decode_change
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Activate
from minicoin.core.events import BlockRefused, BlockStored, ChainMoved, WorkFailed
from minicoin.core.faults import PeerFault
from minicoin.core.limits import ACTIVATE_BLOCKS_MAX
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.notices import (
    BlockConnected,
    BlockDisconnected,
    BlockMarkedInvalid,
    MembersCarried,
    Reorganised,
    SettingsApplied,
    SettingsCarried,
)
from minicoin.core.part import Outbox
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockSummary, InvalidBlock
from minicoin.core.signers.settings import SettingsChange
from minicoin.core.units import ConnId, Micros

# Found only once the block was looked at as a whole: whoever relays by headers or compact blocks may not have known.
_BLAMELESS = frozenset({BlockReason.TIME_TOO_NEW, BlockReason.UNKNOWN_PARENT, BlockReason.SETTINGS_UNKNOWN})


class ChainFlow:
    """The engine's errands."""

    def __init__(self, tree: HeaderTree, sync: BlockSync, outbox: Outbox) -> None:
        self._tree = tree
        self._sync = sync
        self._outbox = outbox
        self.failure = ""
        """What the worker could not do (full disk): nothing is activated from then on until a restart."""

    @property
    def is_settled(self) -> bool:
        """Whether the engine stands where the tree wants it."""
        return self._tree.sent_to is None

    def on_stored(self, event: BlockStored, now: Micros) -> None:
        """A block reached the disk."""
        self._tree.mark_stored(event.block)
        self._outbox.emit(*self._sync.on_stored(event.block, now))
        self.advance()

    def on_refused(self, event: BlockRefused, now: Micros) -> tuple[ConnId | None, PeerFault | None]:
        """A block failed before it was stored. Who is to blame, and for what."""
        tree = self._tree
        if tree.sent_to is not None and tree.sent_to.hash == event.block:
            tree.stay()
        if event.invalid.is_permanent:
            self._mark_invalid(event.invalid)
        source, effects = self._sync.on_refused(event.invalid, now)
        self._outbox.emit(*effects)
        self.advance()
        return source, _fault(event.invalid)

    def advance(self) -> None:
        """Ask the engine to move where the tree says, unless it is on its way already."""
        tree = self._tree
        if not tree.may_send:
            return
        target = tree.best_candidate()
        # Equal work never moves the tip, whatever order a restart read the blocks in: first seen stays. Only the
        # operator may say otherwise.
        may_stay = target.chainwork <= tree.tip.chainwork and not tree.tip.is_failed
        if target is tree.tip or (may_stay and not tree.is_preferred(target, tree.tip)):
            return
        fork, path = tree.path(tree.tip, target)
        if not path and fork is tree.tip:
            return
        tree.send(target)
        self._outbox.emit(Activate(fork.hash, tuple(node.hash for node in path[:ACTIVATE_BLOCKS_MAX])))

    def on_moved(self, event: ChainMoved, now: Micros) -> tuple[list[HeaderNode], ConnId | None, PeerFault | None]:
        """The engine moved, and the tree with it: (the blocks that joined the best chain, who delivered an invalid one,
        the fault)."""
        tree = self._tree
        if event.stored is not None:
            self._sync.note_stored(event.stored, now, is_tip=event.stored == event.update.tip)
        connected = [node for block in event.update.connected if (node := tree.get(block.hash)) is not None]
        for gone in event.update.disconnected:
            self._outbox.emit(BlockDisconnected(gone.summary.hash, gone.summary.height))
        for summary in event.update.connected:
            self._outbox.emit(BlockConnected(summary.hash, summary.height))
            self._tell_changes(summary)
        if event.update.disconnected:
            self._outbox.emit(Reorganised(len(event.update.disconnected), len(connected), tree.tip.hash))
        if event.invalid is None:
            return connected, None, None
        self._mark_invalid(event.invalid)
        return connected, self._sync.source_of(event.invalid.hash), _fault(event.invalid)

    def _tell_changes(self, block: BlockSummary) -> None:
        """What the block changes of members and settings, and what of the settings was changed and holds behind it."""
        for raw in block.changes:
            change = decode_change(raw)
            if isinstance(change, SettingsChange):
                signers = tuple(key for key, _ in change.signatures)
                self._outbox.emit(
                    SettingsCarried(change.version, change.from_height, block.height, change.settings, signers)
                )
        certified = self._tree.signers
        # Of members with what no block carries: a recovery that names this one.
        for carried in () if certified is None else certified.carried.members.carried():
            if carried.block == block.hash:
                self._outbox.emit(MembersCarried(block.height, block.hash, carried.change))
        held = None if certified is None else certified.carried.settings.at(block.height + 1)
        if held is not None and held.change.from_height == block.height + 1:
            self._outbox.emit(SettingsApplied(held.change.version, block.height + 1, held.change.settings))

    def on_failed(self, event: WorkFailed) -> None:
        """The worker cannot go on: the chain stands still from now on."""
        self.failure = f"{event.what}: {event.error}"
        self._tree.halt()

    def invalidate(self, block: BlockHash) -> None:
        """The operator's word against a block."""
        self._tree.mark_invalid(block)
        self._sync.on_branch_invalid()
        self.advance()

    def prefer(self, block: BlockHash) -> None:
        """The operator's word between blocks of the same work."""
        self._tree.prefer(block)
        self.advance()

    def reconsider(self, block: BlockHash) -> None:
        """Take that back."""
        self._tree.reconsider(block)
        self._sync.on_branch_invalid()
        self.advance()

    def _mark_invalid(self, invalid: InvalidBlock) -> None:
        self._outbox.emit(BlockMarkedInvalid(invalid.hash, invalid.reason, invalid.detail))
        if self._tree.get(invalid.hash) is not None:
            self._tree.mark_invalid(invalid.hash)
        self._sync.on_branch_invalid()


def _fault(invalid: InvalidBlock) -> PeerFault | None:
    if invalid.reason in _BLAMELESS:
        return None
    return PeerFault(f"invalid block: {invalid.reason} {invalid.detail}".rstrip(), score=100)
