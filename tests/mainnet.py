"""Bitcoin's first 255 blocks after the genesis block, from tests/data: real work, real signatures, no network."""

import bz2
from functools import cache
from pathlib import Path

from minicoin.core.primitives.block import BlockHeader

PACKED = Path(__file__).parent / "data/mainnet-1-256.dat.bz2"
HEIGHT = 255


@cache
def block_file() -> bytes:
    """As a blk*.dat file: magic, length, block."""
    return bz2.decompress(PACKED.read_bytes())


@cache
def headers() -> tuple[BlockHeader, ...]:
    """Those of the blocks, from height 1 on."""
    raw, at = block_file(), 0
    found: list[BlockHeader] = []
    while at < len(raw):
        found.append(BlockHeader.parse(raw, at + 8))
        at += 8 + int.from_bytes(raw[at + 4 : at + 8], "little")
    return tuple(found)
