"""The rules of blocks that members sign, over those of Bitcoin's.

From block 2 on a coinbase carries the certificate of the parent, made by the members of the parent's height, so that
each block file proves itself but for its tip; block 1 has none, as nobody certifies the genesis block. It may carry one
change of the member list and one of the settings, each signed by a quorum of its own height's members. Block 1's
coinbase begins with the network's allocation, exactly and in order; fees may be claimed behind it, and no block issues
anything else.

What needs the lists that certificates claim is judged when a block is stored. When it is connected all changes below it
are known: then the changes it carries have to follow them, it has to keep to the settings of its height, and the list
that its own certificate claims for the next height has to be the one that they make.

Behind a recovery the block that carries the first certificate of its list carries the recovery too. A block that its
lock binds was made under the list before: the changes it may carry are void, and nobody looks at them.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.chain.carried import Carried, StoredChange
from minicoin.core.chain.certified import CertifiedChain, HeightOf
from minicoin.core.chain.coinbase_tags import CoinbaseTags, read_tags
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.faults import DecodeError
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.params.settings import SettingScope, problems
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Transaction, TxOut
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import Recovery


class SignedBlocks:
    """A BlockProof. `certified` is what certificates claim, `carried` what the connected blocks carried."""

    def __init__(self, network: Network, proof: SignersKind, height_of: HeightOf) -> None:
        self._network_id: Final = network.network_id
        self._allocation: Final = tuple(TxOut(amount, script) for script, amount in proof.allocation)
        self.certified: Final = CertifiedChain(network, proof, height_of)
        self.carried: Final[Carried] = self.certified.carried

    def load(self, changes: Iterable[StoredChange], tip: HeaderNode) -> None:
        """The changes that an earlier run met on the way to `tip`."""
        kept = [
            stored
            for stored in changes
            if stored.height <= tip.height
            and tip.ancestor(stored.height).hash == stored.block
            and not self._is_bound(stored.block, stored.height)
        ]
        self.carried.load(kept, tip.height)

    def check_block(self, block: Block, parent: HeaderNode, verifier: ScriptVerifier) -> None:
        """Judge a block whose ancestors' headers are certified. Raises BlockRejected."""
        coinbase = block.transactions[0]
        height = parent.height + 1
        tags = _tags(coinbase)
        self._check_certificate(tags, parent)
        if self._is_bound(block.hash, height):
            tags = CoinbaseTags()
        if tags.change is not None:
            problem = tags.change.problem(self.certified.members_at(height), self._network_id)
            if problem is not None:
                raise BlockRejected(BlockReason.MEMBER_CHANGE, problem)
        if tags.settings is not None:
            problem = tags.settings.problem(self.certified.members_at(height), self._network_id)
            if problem is not None:
                raise BlockRejected(BlockReason.SETTINGS_CHANGE, problem)
        if height == 1 and coinbase.outputs[: len(self._allocation)] != self._allocation:
            raise BlockRejected(
                BlockReason.COINBASE_ALLOCATION, "block 1 pays the allocation first, exactly and in order"
            )

    def next_members(self, block: Block, tip: HeaderNode) -> MemberList:
        """Who signs behind a block on the tip, by what it and those below it say, which it has to keep to. Raises
        BlockRejected."""
        height, settings = tip.height + 1, self.carried.settings
        settings.require_understood(height)
        earliest = tip.header.time + settings.min_interval_s(height)
        if block.header.time < earliest:
            raise BlockRejected(BlockReason.TIME_TOO_OLD, f"{block.header.time}, expected {earliest} or later")
        self.carried.check(self._changes(block, height), height)
        # A change is carried two blocks ahead: the block's own is not in force behind it.
        return self.carried.members.members_at(height + 1)

    def check_vote(self, block: Block) -> None:
        """What keeps a member from voting for a block that others may certify all the same. Raises BlockRejected."""
        settings = _tags(block.transactions[0]).settings
        unknown = () if settings is None else problems(settings.settings, SettingScope.CHAIN)
        if unknown:
            raise BlockRejected(BlockReason.SETTINGS_UNKNOWN, f"its coinbase would have it that {unknown[0]}")

    def check_claim(self, block: Block, tip: HeaderNode) -> None:
        """Whether the certificate of a block on the tip claims the list that follows. Raises BlockRejected."""
        members = self.next_members(block, tip)
        kept = self.certified.kept(block.hash)
        if kept is None:
            raise BlockRejected(BlockReason.CERTIFICATE, "it has none", is_permanent=False)
        if kept.certificate.next_members != members.hash:
            raise BlockRejected(BlockReason.NEXT_MEMBERS, "its certificate claims another list for the next height")

    def connected(self, block: Block, height: int) -> tuple[StoredChange, ...]:
        """The block is the tip; the changes it carries."""
        changes = self._changes(block, height).changes()
        stored = tuple(StoredChange(height, block.hash, change) for change in changes)
        for one in stored:
            self.carried.append(one)
        self.carried.connected(height)
        return stored

    def disconnected(self, block: Block, height: int) -> tuple[bytes, ...]:
        """The block is the tip no more; the changes it carried."""
        self.carried.leave(block.hash)
        return self._changes(block, height).changes()

    def _is_bound(self, block: BlockHash, height: int) -> bool:
        return self.certified.recoveries.bound(height) == block

    def _changes(self, block: Block, height: int) -> CoinbaseTags:
        """What its coinbase says that counts."""
        return CoinbaseTags() if self._is_bound(block.hash, height) else _tags(block.transactions[0])

    def _check_certificate(self, tags: CoinbaseTags, parent: HeaderNode) -> None:
        certificate, height = tags.certificate, parent.height
        if height == 0:
            if certificate is not None:
                raise BlockRejected(
                    BlockReason.COINBASE_TAGS, "block 1 carries a certificate, and has no parent with one"
                )
            return
        if certificate is None:
            raise BlockRejected(BlockReason.COINBASE_TAGS, "its coinbase carries no certificate of its parent")
        if certificate.block != parent.hash or certificate.height != height:
            raise BlockRejected(BlockReason.CERTIFICATE, f"its coinbase's is not its parent's, {parent.header}")
        self._check_recoveries(tags.recoveries, height)
        domain = self.certified.recoveries.domain(height)
        problem = certificate.problem(self.certified.members_at(height), domain)
        if problem is not None:
            raise BlockRejected(BlockReason.CERTIFICATE, f"its coinbase's: {problem}")
        if certificate.next_members != self.certified.claimed_at(height + 1).hash:
            raise BlockRejected(
                BlockReason.NEXT_MEMBERS, "its coinbase's certificate names another list for this height"
            )

    def _check_recoveries(self, carried: tuple[Recovery, ...], height: int) -> None:
        """Those that a block carries beside the certificate of this height. Raises BlockRejected."""
        expected = self.certified.recoveries.behind(height - 1)
        if [one.hash for one in carried] != [one.hash for one in expected]:
            named = ", ".join(one.hash.hex() for one in expected) or "none"
            raise BlockRejected(
                BlockReason.COINBASE_TAGS,
                f"its coinbase carries {len(carried)} recoveries behind block {height - 1}, and those that this node's "
                f"configuration names are: {named}",
                is_permanent=False,
            )
        under = self.certified.claimed_at(height)
        for recovery in carried:
            problem = recovery.problem(under, self._network_id)
            if problem is not None:
                raise BlockRejected(BlockReason.COINBASE_TAGS, f"the recovery that it carries: {problem}")
            under = recovery.members


def _tags(coinbase: Transaction) -> CoinbaseTags:
    try:
        return read_tags(coinbase)
    except DecodeError as error:
        raise BlockRejected(BlockReason.COINBASE_TAGS, str(error)) from error
