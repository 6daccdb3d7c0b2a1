"""The port of block proofs and its two kinds: work alone, and signet's signed work (BIP325).

A proof checks a header, checks a block, weighs a header, and says who may sign at a height. Nobody else asks which
kind a network uses.
"""

from typing import Protocol

from minicoin.core.chain.difficulty import Difficulty
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.signet import check_signet_solution
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignetKind, WorkKind
from minicoin.core.primitives.block import Block, BlockHeader
from minicoin.core.primitives.target import bits_to_target, meets_target, work_of_bits
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected


class Proof(Protocol):
    """What makes a header worth building on."""

    def check_header(self, header: BlockHeader) -> None:
        """What the header proves by itself. Raises BlockRejected."""

    def check_child(self, header: BlockHeader, parent: HeaderNode) -> None:
        """What the header proves as a child of `parent`. Raises BlockRejected."""

    def next_bits(self, parent: HeaderNode, time: int) -> int:
        """The bits that a child of `parent` must carry."""

    def earliest_time(self, parent: HeaderNode) -> int:
        """The time that a child of `parent` may not go below."""

    def permits(self, height: int, header: BlockHeader, previous: BlockHeader, before: BlockHeader | None) -> bool:
        """Whether `header` may stand at `height` behind `previous` and `before`, as far as those tell: what can be
        checked of a chain that is not kept. Never says no to a valid one."""

    def check_block(self, block: Block, verifier: ScriptVerifier) -> None:
        """What only the whole block proves. Raises BlockRejected."""

    def work(self, header: BlockHeader) -> int:
        """What the header adds to chainwork; positive."""

    def signers(self, height: int) -> frozenset[bytes] | None:
        """The public keys that may sign a block at this height; None where everybody may."""


class ProofOfWork:
    """The hash meets the target, the target is within the limit."""

    def __init__(self, network: Network) -> None:
        self._limit = network.pow_limit
        self._difficulty = Difficulty(network)
        self._weighed = (0, 0)

    def check_header(self, header: BlockHeader) -> None:
        target = bits_to_target(header.bits)
        if target is None or target > self._limit:
            raise BlockRejected(BlockReason.BAD_PROOF, f"target {header.bits:#010x} is above the limit of the network")
        if not meets_target(header.hash, target):
            raise BlockRejected(BlockReason.BAD_PROOF, f"hash {header} is above its target {header.bits:#010x}")

    def check_child(self, header: BlockHeader, parent: HeaderNode) -> None:
        bits = self._difficulty.next_bits(parent, header.time)
        if header.bits != bits:
            raise BlockRejected(BlockReason.BAD_BITS, f"{header.bits:#010x}, expected {bits:#010x}")
        earliest = self._difficulty.earliest_time(parent)
        if header.time < earliest:
            raise BlockRejected(BlockReason.TIME_WARP, f"{header.time} at a retarget, expected {earliest} or later")

    def next_bits(self, parent: HeaderNode, time: int) -> int:
        return self._difficulty.next_bits(parent, time)

    def earliest_time(self, parent: HeaderNode) -> int:
        return max(parent.median_time_past + 1, self._difficulty.earliest_time(parent))

    def permits(self, height: int, header: BlockHeader, previous: BlockHeader, before: BlockHeader | None) -> bool:
        return self._difficulty.permits(height, header, previous, before)

    def check_block(self, block: Block, verifier: ScriptVerifier) -> None:
        """Work is all in the header."""

    def work(self, header: BlockHeader) -> int:
        # Neighbours mostly share their bits; dividing 256-bit numbers a million times is most of a start-up.
        bits, work = self._weighed
        if bits != header.bits:
            work = work_of_bits(header.bits)
            self._weighed = (header.bits, work)
        return work

    def signers(self, height: int) -> frozenset[bytes] | None:
        return None


class SignetProof(ProofOfWork):
    """Work, and a solution to the network's challenge in the block's witness commitment."""

    def __init__(self, network: Network, challenge: bytes) -> None:
        super().__init__(network)
        self._challenge = challenge
        self._genesis = network.genesis.hash

    def check_block(self, block: Block, verifier: ScriptVerifier) -> None:
        # BIP325: the genesis block is not signed.
        if block.hash != self._genesis:
            check_signet_solution(block, self._challenge, verifier)


def make_proof(network: Network) -> Proof:
    """The proof of that network."""
    match network.proof:
        case WorkKind():
            return ProofOfWork(network)
        case SignetKind(challenge):
            return SignetProof(network, challenge)
