"""Messages of light clients: compact block filters (BIP157) and bloom filters with merkle blocks (BIP37)."""

from dataclasses import dataclass

from minicoin.core.primitives.block import BlockHash, BlockHeader


@dataclass(frozen=True, slots=True)
class GetCFilters:
    """Asks for the filters of a range of blocks."""

    filter_type: int
    start_height: int
    stop_hash: BlockHash


@dataclass(frozen=True, slots=True)
class CFilter:
    """The filter of one block."""

    filter_type: int
    block_hash: BlockHash
    filter_bytes: bytes


@dataclass(frozen=True, slots=True)
class GetCFHeaders:
    """Asks for the filter headers of a range of blocks."""

    filter_type: int
    start_height: int
    stop_hash: BlockHash


@dataclass(frozen=True, slots=True)
class CFHeaders:
    """Filter hashes of a range of blocks, chained onto `previous_filter_header`."""

    filter_type: int
    stop_hash: BlockHash
    previous_filter_header: bytes
    filter_hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class GetCFCheckpt:
    """Asks for the filter headers at every 1,000th block."""

    filter_type: int
    stop_hash: BlockHash


@dataclass(frozen=True, slots=True)
class CFCheckpt:
    """Filter headers at every 1,000th block up to `stop_hash`."""

    filter_type: int
    stop_hash: BlockHash
    filter_headers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MerkleBlock:
    """A header and the part of its merkle tree that proves the matched transactions."""

    header: BlockHeader
    total_transactions: int
    hashes: tuple[bytes, ...]
    flags: bytes


@dataclass(frozen=True, slots=True)
class FilterLoad:
    """Announce only transactions that match this bloom filter."""

    filter: bytes
    n_hash_funcs: int
    n_tweak: int
    n_flags: int


@dataclass(frozen=True, slots=True)
class FilterAdd:
    """Adds one element to the bloom filter."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FilterClear:
    """Removes the bloom filter."""
