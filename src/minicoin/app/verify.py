"""Checks a data directory offline: every stored block of the best chain, and on demand all coins by a fresh replay."""

from collections.abc import Callable
from dataclasses import dataclass

from minicoin.core.chain.block_rules import check_block
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.drivers.kernel import KernelVerifier
from minicoin.drivers.store.local_chain import LocalChain

ProgressCallback = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at, and what is wrong."""

    height: int
    blocks: int
    transactions: int
    coins_hash: bytes
    """Bitcoin Core's hash_serialized_3."""
    is_replayed: bool
    problems: tuple[str, ...]


def verify_chain(chain: LocalChain, progress: ProgressCallback, *, replay: bool, threads: int = 1) -> VerifyReport:
    """Read and check each block; stops at the first that a replay refuses."""
    problems: list[str] = []
    transactions = 0
    fresh = None
    if replay:
        store = MemoryChainStore()
        fresh = LocalChain(chain.network, store, verifier=KernelVerifier(threads), now=chain.now)
    for height in range(1, chain.height + 1):
        progress(height, chain.height, height)
        node = chain.tree.at_height(height)
        assert node is not None
        raw = chain.engine.read_block(node.hash)
        problem = "is not stored" if raw is None else ""
        if raw is not None:
            problem, count = _check(raw, node.hash)
            transactions += count
            if not problem and fresh is not None:
                invalid = fresh.accept(raw, *chain.tree.certificates((raw.header,)))
                problem = "" if invalid is None else f"is refused by a replay: {invalid.reason} {invalid.detail}"
        if problem:
            problems.append(f"block {hash_to_hex(node.hash)} at height {height} {problem}")
            if fresh is not None:
                break
    coins = chain.engine.coin_set_hash()
    if fresh is not None and not problems and fresh.engine.coin_set_hash() != coins:
        problems.append("the coins differ from those of a replay")
    return VerifyReport(chain.height, chain.height - len(problems), transactions, coins, replay, tuple(problems))


def _check(raw: RawBlock, expected: bytes) -> tuple[str, int]:
    """(what is wrong, how many transactions)."""
    try:
        block = Block.parse(raw.raw)
        check_block(block)
    except (DecodeError, BlockRejected) as error:
        return f"is damaged: {error}", 0
    if block.hash != expected:
        return "has other bytes than its hash says", 0
    return "", len(block.transactions)
