"""Merkle roots of a block, with the duplicate detection of CVE-2012-2459."""

from collections.abc import Sequence
from hashlib import sha256

from minicoin.core.primitives.transaction import Transaction


def merkle_root(leaves: Sequence[bytes]) -> tuple[bytes, bool]:
    """(root, mutated). `mutated` is true where two equal neighbours were hashed together, which lets another list
    of leaves have the same root (CVE-2012-2459); such a block is refused, but its hash is not marked invalid."""
    if not leaves:
        return bytes(32), False
    level = list(leaves)
    mutated = False
    while len(level) > 1:
        pairs = len(level) // 2
        for i in range(pairs):
            if level[2 * i] == level[2 * i + 1]:
                mutated = True
        if len(level) % 2:
            level.append(level[-1])
        level = [sha256(sha256(level[i] + level[i + 1]).digest()).digest() for i in range(0, len(level), 2)]
    return level[0], mutated


def merkle_branch(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from leaf `index` up to the root."""
    branch: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        branch.append(level[index ^ 1])
        level = [sha256(sha256(level[i] + level[i + 1]).digest()).digest() for i in range(0, len(level), 2)]
        index //= 2
    return branch


def block_merkle_root(transactions: Sequence[Transaction]) -> tuple[bytes, bool]:
    """Over the txids."""
    return merkle_root([tx.txid for tx in transactions])


def witness_merkle_root(transactions: Sequence[Transaction]) -> bytes:
    """Over the wtxids, the coinbase's taken as zero (BIP141)."""
    return merkle_root([bytes(32), *(tx.wtxid for tx in transactions[1:])])[0]
