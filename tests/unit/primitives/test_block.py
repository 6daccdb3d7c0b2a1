"""Headers and blocks: Bitcoin's first ones byte for byte, the two serialisations, and what is not a block."""

from itertools import pairwise

import pytest
from tests.mainnet import HEIGHT, block_file, headers

from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import HEADER_SIZE, ZERO_HASH, Block, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut

BARE = Transaction(1, (TxIn(NULL_OUTPOINT, b"\1\1"),), (TxOut(50, b"\x51"),))
WITNESSED = Transaction(2, (TxIn(NULL_OUTPOINT, b"\2\2"),), (TxOut(50, b"\x51"),), 0, ((b"witness", b""),))
HEADER = BlockHeader(-2, ZERO_HASH, bytes(range(32)), 2**32 - 1, 0x207FFFFF, 7)


def raw_blocks() -> list[bytes]:
    raw, at, found = block_file(), 0, list[bytes]()
    while at < len(raw):
        end = at + 8 + int.from_bytes(raw[at + 4 : at + 8], "little")
        found.append(raw[at + 8 : end])
        at = end
    return found


def test_bitcoins_first_blocks_are_read_and_written_byte_for_byte() -> None:
    blocks = [Block.parse(raw) for raw in raw_blocks()]
    assert len(blocks) == HEIGHT
    assert [block.raw for block in blocks] == raw_blocks()
    assert [block.header for block in blocks] == list(headers())
    for parent, child in pairwise(blocks):
        assert child.header.previous == parent.hash
    # The first payment to somebody else.
    first = blocks[169]
    assert str(first.header) == "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"
    assert len(first.transactions) == 2 and first.weight == 4 * len(first.raw)


def test_a_header_is_80_bytes_and_its_hash_is_of_them() -> None:
    assert len(HEADER.raw) == HEADER_SIZE
    assert BlockHeader.parse(b"xx" + HEADER.raw, 2) == HEADER
    assert BlockHeader.parse(HEADER.raw).hash == HEADER.hash
    with pytest.raises(DecodeError, match="truncated"):
        BlockHeader.parse(HEADER.raw[:-1])


def test_with_and_without_witnesses() -> None:
    block = Block(HEADER, (BARE, WITNESSED))
    assert Block.parse(block.raw) == block
    assert Block.parse(block.stripped).transactions[1].txid == WITNESSED.txid
    assert block.weight == 3 * len(block.stripped) + len(block.raw)
    assert RawBlock.parse(block.raw).hash == block.hash


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (HEADER.raw, "truncated"),
        (HEADER.raw + b"\xfe\xff\xff\xff\xff", "more transactions than bytes"),
        (HEADER.raw + b"\1" + BARE.raw[:-1], "truncated"),
        (HEADER.raw + b"\1" + BARE.raw + b"\0", "bytes behind"),
    ],
)
def test_what_is_not_a_block(raw: bytes, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem):
        Block.parse(raw)
