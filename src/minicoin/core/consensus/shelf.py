"""The blocks that votes are about: those proposed for the height at hand and the next, and the last one decided.

What a signer may be asked for after a crash is on disk before its vote leaves (core/consensus/desk): the block it
proposed, the one it is locked on, the one it would propose again. With them stands the block decided last, with its
certificate, until the next height has one: the chain's own store writes blocks behind, and signers that all lose power
at one moment must find the parent of what they sign.

One block for each (height, round), the first: its proposer signed for it. In all they are bounded by their bytes, and
what is needed last goes first; a block that was let go is asked for again.

Document: version u8; 0, or 1 and the decided block (certificate with its length, the next height's list or two zero
bytes where it is the same, the block with its length); how many blocks, each with its length.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.consensus.messages import PROPOSAL_BLOCK_BYTES_MAX
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import CONSENSUS_BLOCK_BYTES_MAX, CONSENSUS_BLOCKS_WRITTEN_MAX, MEMBERS_MAX
from minicoin.core.primitives.block import HEADER_SIZE, BlockHash, RawBlock
from minicoin.core.signers.certificate import CERTIFICATE_BYTES_MAX, Certificate
from minicoin.core.signers.members import KEY_BYTES, MemberList
from minicoin.core.wire.reader import Reader

_VERSION: Final = 1
_SAME_LIST: Final = bytes(2)


@dataclass(frozen=True, slots=True)
class DecidedBlock:
    """A block that is final; `next_members` where the list of the next height is another."""

    certificate: Certificate
    next_members: MemberList | None
    block: RawBlock


@dataclass(frozen=True, slots=True)
class WrittenBlocks:
    """What stands in the document."""

    decided: DecidedBlock | None = None
    blocks: tuple[RawBlock, ...] = ()

    def encode(self) -> bytes:
        decided = b"\0" if self.decided is None else b"\1" + _encode(self.decided)
        blocks = b"".join(encode_compact(len(block.raw)) + block.raw for block in self.blocks)
        return bytes((_VERSION,)) + decided + encode_compact(len(self.blocks)) + blocks

    @classmethod
    def decode(cls, raw: bytes) -> "WrittenBlocks":
        """What encode() gave. Raises DecodeError."""
        reader = Reader(raw, "a signer's blocks")
        version, flag = reader.take(2)
        if version != _VERSION or flag > 1:
            raise DecodeError("not a signer's blocks, or of a version that this node does not know")
        decided = _decode(reader) if flag else None
        count = reader.count(HEADER_SIZE, CONSENSUS_BLOCKS_WRITTEN_MAX)
        blocks = tuple(RawBlock.parse(reader.var_bytes(PROPOSAL_BLOCK_BYTES_MAX)) for _ in range(count))
        reader.end()
        return cls(decided, blocks)


def _encode(decided: DecidedBlock) -> bytes:
    certificate = decided.certificate.encode()
    members = _SAME_LIST if decided.next_members is None else decided.next_members.encode()
    block = decided.block.raw
    return encode_compact(len(certificate)) + certificate + members + encode_compact(len(block)) + block


def _decode(reader: Reader) -> DecidedBlock:
    certificate = Certificate.decode(reader.var_bytes(CERTIFICATE_BYTES_MAX))
    count = reader.take(len(_SAME_LIST))
    members = None
    if count != _SAME_LIST:
        keys = min(int.from_bytes(count, "little"), MEMBERS_MAX + 1)
        members = MemberList.decode(count + reader.take(keys * KEY_BYTES))
    block = RawBlock.parse(reader.var_bytes(PROPOSAL_BLOCK_BYTES_MAX))
    if block.hash != certificate.block:
        raise DecodeError("a decided block stands with its own certificate")
    return DecidedBlock(certificate, members, block)


class Shelf:
    """The blocks at hand."""

    def __init__(self, decided: DecidedBlock | None = None) -> None:
        self.decided = decided
        self._blocks: dict[BlockHash, RawBlock] = {}
        self._places: dict[tuple[int, int], BlockHash] = {}
        """(height, round) of the proposals they came with."""
        self._bytes = 0
        self._written: tuple[BlockHash, ...] | None = None

    def __contains__(self, block: BlockHash) -> bool:
        return block in self._blocks

    def get(self, block: BlockHash) -> RawBlock | None:
        return self._blocks.get(block)

    def put(self, height: int, round_: int, block: RawBlock, kept: Iterable[BlockHash]) -> bool:
        """A block that was proposed; whether it is at hand now. Those that are `kept` give way to none."""
        known = self._places.get((height, round_))
        if known is not None and known != block.hash and known in self._blocks:
            return False
        self._places[height, round_] = block.hash
        self._add(block)
        needed = dict.fromkeys((*kept, block.hash))
        for other in [other for other in self._blocks if other not in needed]:
            if self._bytes <= CONSENSUS_BLOCK_BYTES_MAX:
                break
            self.drop(other)
        return True

    def restore(self, height: int, blocks: Iterable[RawBlock]) -> None:
        """What an earlier run wrote, of the height that its sign state is of, or what came with a recovery."""
        for number, block in enumerate(blocks, len(self._places)):
            self._places[height, -1 - number] = block.hash
            self._add(block)

    def begin(self, height: int) -> None:
        """What was proposed for heights below is needed no more."""
        self._places = {place: block for place, block in self._places.items() if place[0] >= height}
        kept = dict.fromkeys(self._places.values())
        for block in [block for block in self._blocks if block not in kept]:
            self.drop(block)

    def drop(self, block: BlockHash) -> None:
        """Let a block go; it may come again."""
        if block in self._blocks:
            self._bytes -= len(self._blocks.pop(block).raw)

    def write(self, blocks: Iterable[BlockHash]) -> bytes | None:
        """The document that a vote needs, with these blocks; None where what was written last has all of it."""
        wanted = tuple(sorted(dict.fromkeys(block for block in blocks if block in self._blocks)))
        decided = () if self.decided is None else (self.decided.block.hash,)
        if (*decided, *wanted) == self._written:
            return None
        self._written = (*decided, *wanted)
        return WrittenBlocks(self.decided, tuple(self._blocks[block] for block in wanted)).encode()

    def forget_written(self) -> None:
        """The disk refused it: the next vote writes anew."""
        self._written = None

    def _add(self, block: RawBlock) -> None:
        if block.hash not in self._blocks:
            self._blocks[block.hash] = block
            self._bytes += len(block.raw)
