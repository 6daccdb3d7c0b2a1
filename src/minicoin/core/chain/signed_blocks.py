"""The rules of blocks that members sign, over those of Bitcoin's.

From block 2 on a coinbase carries the certificate of the parent, made by the members of the parent's height, so that
each block file proves itself but for its tip; block 1 has none, as nobody certifies the genesis block. It may carry one
change of the member list, signed by a quorum of its own height's members. Block 1's coinbase begins with the network's
allocation, exactly and in order; fees may be claimed behind it, and no block issues anything else.

What needs the lists that certificates claim is judged when a block is stored. When it is connected all changes below it
are known: then the change it carries has to follow them, and the list that its own certificate claims for the next
height has to be the one that they make.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.chain.certified import CertifiedChain, HeightOf
from minicoin.core.chain.coinbase_tags import CoinbaseTags, read_tags
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.member_history import CarriedChange
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.faults import DecodeError
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Transaction, TxOut
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList


class SignedBlocks:
    """A BlockProof. `certified` is what certificates claim, its history what the connected blocks carried."""

    def __init__(self, network: Network, proof: SignersKind, height_of: HeightOf) -> None:
        self._network_id: Final = network.network_id
        self._allocation: Final = tuple(TxOut(amount, script) for script, amount in proof.allocation)
        self.certified: Final = CertifiedChain(network, proof.founding_list, height_of)
        self.history: Final = self.certified.history

    def load(self, changes: Iterable[tuple[int, BlockHash, bytes]], tip: HeaderNode) -> None:
        """The changes that an earlier run met on the way to `tip`."""
        self.history.load(
            CarriedChange(height, block, MemberChange.decode(raw))
            for height, block, raw in changes
            if height <= tip.height and tip.ancestor(height).hash == block
        )

    def check_block(self, block: Block, parent: HeaderNode, verifier: ScriptVerifier) -> None:
        """Judge a block whose ancestors' headers are certified. Raises BlockRejected."""
        coinbase = block.transactions[0]
        height = parent.height + 1
        tags = _tags(coinbase)
        self._check_certificate(tags, parent)
        if tags.change is not None:
            problem = tags.change.problem(self.certified.members_at(height), self._network_id)
            if problem is not None:
                raise BlockRejected(BlockReason.MEMBER_CHANGE, problem)
        if height == 1 and coinbase.outputs[: len(self._allocation)] != self._allocation:
            raise BlockRejected(
                BlockReason.COINBASE_ALLOCATION, "block 1 pays the allocation first, exactly and in order"
            )

    def next_members(self, block: Block, height: int) -> MemberList:
        """Who signs behind a block on the tip, by what it and those below it say. Raises BlockRejected."""
        change = _tags(block.transactions[0]).change
        if change is not None:
            self.history.check(change, height)
        # A change is carried two blocks ahead: the block's own is not in force behind it.
        return self.history.members_at(height + 1)

    def check_claim(self, block: Block, height: int) -> None:
        """Whether the certificate of a block on the tip claims the list that follows. Raises BlockRejected."""
        members = self.next_members(block, height)
        kept = self.certified.kept(block.hash)
        if kept is None:
            raise BlockRejected(BlockReason.CERTIFICATE, "it has none", is_permanent=False)
        if kept.certificate.next_members != members.hash:
            raise BlockRejected(BlockReason.NEXT_MEMBERS, "its certificate claims another list for the next height")

    def connected(self, block: Block, height: int) -> bytes:
        """The block is the tip; the change it carries, as bytes, empty for none."""
        change = _tags(block.transactions[0]).change
        if change is None:
            return b""
        self.history.append(CarriedChange(height, block.hash, change))
        return change.encode()

    def disconnected(self, block: Block) -> bytes:
        """The block is the tip no more; the change it carried, as bytes, empty for none."""
        self.history.leave(block.hash)
        change = _tags(block.transactions[0]).change
        return b"" if change is None else change.encode()

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
        problem = certificate.problem(self.certified.members_at(height), self._network_id)
        if problem is not None:
            raise BlockRejected(BlockReason.CERTIFICATE, f"its coinbase's: {problem}")
        if certificate.next_members != self.certified.members_at(height + 1).hash:
            raise BlockRejected(
                BlockReason.NEXT_MEMBERS, "its coinbase's certificate names another list for this height"
            )


def _tags(coinbase: Transaction) -> CoinbaseTags:
    try:
        return read_tags(coinbase)
    except DecodeError as error:
        raise BlockRejected(BlockReason.COINBASE_TAGS, str(error)) from error
