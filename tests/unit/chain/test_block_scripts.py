"""Which scripts of a block run: counted, on blocks with spends, against what was verified or is assumed before."""

from collections.abc import Iterator

import pytest

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockReason
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("bitcoin-regtest")
GENESIS = NETWORK.genesis.hash


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    """103 empty ones, and three with payments."""
    maker = ChainMaker(NETWORK, seed=9)
    branch = maker.new_branch()
    maker.mine_empty(branch, 103)
    for _ in range(3):
        maker.mine_spending(branch, 4, outputs=3)
    return list(branch.blocks)


def engine_with(blocks: list[Block], verifier: ScriptedVerifier, assume_valid: BlockHash | None = None) -> ChainEngine:
    engine = ChainEngine(NETWORK, MemoryChainStore(), verifier, assume_valid=assume_valid)
    engine.add_headers([block.header for block in blocks])
    for height, block in enumerate(blocks, 1):
        engine.store_block(RawBlock.parse(block.raw), height)
    return engine


def hashes(blocks: list[Block]) -> tuple[BlockHash, ...]:
    return tuple(block.hash for block in blocks)


def payments(blocks: list[Block]) -> Iterator[int]:
    return (len(block.transactions) - 1 for block in blocks)


def test_the_first_that_fails_condemns_the_block(blocks: list[Block]) -> None:
    verifier = ScriptedVerifier(frozenset([blocks[-1].transactions[2].wtxid]))
    update, invalid = engine_with(blocks, verifier).activate(GENESIS, hashes(blocks))
    assert update.tip == blocks[-2].hash
    assert invalid is not None and invalid.reason is BlockReason.SCRIPT_FAILED
    assert blocks[-1].transactions[2].txid[::-1].hex() in invalid.detail


def test_of_what_is_assumed_valid_none_run(blocks: list[Block]) -> None:
    verifier = ScriptedVerifier()
    engine = engine_with(blocks, verifier, blocks[-2].hash)
    engine.activate(GENESIS, hashes(blocks[:-1]))
    assert verifier.checked == 0
    engine.activate(engine.tip, hashes(blocks[-1:]))
    assert verifier.checked == sum(payments(blocks[-1:]))


def test_where_what_is_assumed_valid_is_not_known_all_run(blocks: list[Block]) -> None:
    verifier = ScriptedVerifier()
    engine_with(blocks[:-1], verifier, blocks[-1].hash).activate(GENESIS, hashes(blocks[:-1]))
    assert verifier.checked == sum(payments(blocks[:-1])) > 0


def test_what_was_verified_loose_runs_no_second_time_until_it_stood_in_a_block(blocks: list[Block]) -> None:
    verifier = ScriptedVerifier()
    engine = engine_with(blocks, verifier)
    engine.activate(GENESIS, hashes(blocks[:-2]))
    block = blocks[-2]
    verdicts = [engine.verify_transaction(transaction) for transaction in block.transactions[1:]]
    # Some spend what others of this block create: those run with it.
    lacking = sum(bool(verdict.missing) for verdict in verdicts)
    assert lacking < len(verdicts)
    checked = verifier.checked
    engine.activate(engine.tip, (block.hash,))
    assert verifier.checked == checked + lacking
    # What stands in a block is not remembered any longer: taken back, it runs again.
    engine.activate(block.header.previous, (block.hash,))
    assert verifier.checked == checked + lacking + len(verdicts)


def test_who_looks_at_the_stored_chain_again_runs_all(blocks: list[Block]) -> None:
    verifier = ScriptedVerifier()
    engine = engine_with(blocks, verifier, blocks[-1].hash)
    engine.activate(GENESIS, hashes(blocks))
    assert verifier.checked == 0
    assert list(engine.verify_chain(4, 3)) == [None] * 6
    assert verifier.checked == sum(payments(blocks[-3:]))
