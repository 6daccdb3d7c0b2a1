"""What makes a header worth building on, and what its block must show beside that: by work alone, by signet's signed
work (BIP325), or by the signatures of members. Nobody else asks which kind a network uses.

1. *Header and block are two ports.* The header tree judges headers on the loop, 80 bytes at a time and before there is
   any block; the engine judges blocks in the worker. Each side has the half it uses, made once, and shares nothing.
2. *Both are judged as children of a parent*, never by height: branches of one height may ask for different things.
3. *What a branch asks for is read from its nodes*, as the bits are: a proof remembers nothing of any branch that it
   could not compute again. So each thread's nodes say the same, whatever order the branches came in.
4. *A header carries no signature.* What only the block shows cannot hold up its header; headers alone are bounded by
   their work (netsync). Where members sign, the tree asks for a certificate beside each (certified.py), and work is but
   a form that lets Bitcoin's software read the blocks.
"""

from typing import Final, Protocol

from minicoin.core.chain.certified import CertifiedChain, HeightOf
from minicoin.core.chain.difficulty import Difficulty
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.settings_history import SettingsHistory
from minicoin.core.chain.signed_blocks import SignedBlocks
from minicoin.core.chain.signet import check_signet_solution
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SIGNERS_BITS, SignersKind, SignetKind, WorkKind
from minicoin.core.params.settings import MIN_INTERVAL
from minicoin.core.primitives.block import Block, BlockHeader
from minicoin.core.primitives.target import bits_to_target, meets_target, work_of_bits
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected


class HeaderProof(Protocol):
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

    def work(self, header: BlockHeader) -> int:
        """What the header adds to chainwork; positive."""


class BlockProof(Protocol):
    """What only the whole block proves."""

    def check_block(self, block: Block, parent: HeaderNode, verifier: ScriptVerifier) -> None:
        """Judge a block whose header was found good, as a child of `parent`. Raises BlockRejected."""


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

    def work(self, header: BlockHeader) -> int:
        # Neighbours mostly share their bits; dividing 256-bit numbers a million times is most of a start-up.
        bits, work = self._weighed
        if bits != header.bits:
            work = work_of_bits(header.bits)
            self._weighed = (header.bits, work)
        return work


class SignersHeader:
    """Members sign the block: two tries find its nonce, each header counts one, and what holds beside the certificate
    is that blocks keep the least distance that members can set. Their height's is known where their blocks are, and
    there asked for (signed_blocks.py). Nobody's clock is asked: those who signed did."""

    def __init__(self, network: Network, settings: SettingsHistory) -> None:
        self._work = ProofOfWork(network)
        self._settings: Final = settings

    def check_header(self, header: BlockHeader) -> None:
        self._work.check_header(header)

    def check_child(self, header: BlockHeader, parent: HeaderNode) -> None:
        if header.bits != SIGNERS_BITS:
            raise BlockRejected(BlockReason.BAD_BITS, f"{header.bits:#010x}, expected {SIGNERS_BITS:#010x}")
        earliest = parent.header.time + MIN_INTERVAL.low
        if header.time < earliest:
            raise BlockRejected(BlockReason.TIME_TOO_OLD, f"{header.time}, expected {earliest} or later")

    def next_bits(self, parent: HeaderNode, time: int) -> int:
        return SIGNERS_BITS

    def earliest_time(self, parent: HeaderNode) -> int:
        return max(parent.median_time_past + 1, parent.header.time + self._settings.min_interval_s(parent.height + 1))

    def permits(self, height: int, header: BlockHeader, previous: BlockHeader, before: BlockHeader | None) -> bool:
        return header.bits == SIGNERS_BITS

    def work(self, header: BlockHeader) -> int:
        return 1


class WorkInHeader:
    """Nothing is left to show."""

    def check_block(self, block: Block, parent: HeaderNode, verifier: ScriptVerifier) -> None:
        """Work is all in the header."""


class SignetSolution:
    """A solution to the network's challenge in the block's witness commitment. The genesis block has none (BIP325):
    it has no parent, and is never judged."""

    def __init__(self, challenge: bytes) -> None:
        self._challenge: Final = challenge

    def check_block(self, block: Block, parent: HeaderNode, verifier: ScriptVerifier) -> None:
        check_signet_solution(block, self._challenge, verifier)


def make_header_proof(network: Network, signers: CertifiedChain | None) -> HeaderProof:
    """For the header tree; `signers` is what it knows of certificates, where members sign."""
    match network.proof:
        # Signet's signature is on top of the work.
        case WorkKind() | SignetKind():
            return ProofOfWork(network)
        case SignersKind():
            assert signers is not None, "who judges headers that members sign knows their certificates"
            return SignersHeader(network, signers.carried.settings)


def make_block_proof(network: Network, height_of: HeightOf) -> BlockProof:
    """For the engine. `height_of` tells the height of a header it knows."""
    match network.proof:
        case WorkKind():
            return WorkInHeader()
        case SignetKind(challenge):
            return SignetSolution(challenge)
        case SignersKind() as proof:
            return SignedBlocks(network, proof, height_of)
