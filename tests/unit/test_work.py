"""The jobs of the chain worker on a real engine: every answer, none where none is promised, and rescans in slices."""

from dataclasses import replace

import pytest
from tests.unit.chain.five_banks import FOUNDING, maker
from tests.unit.chain.five_banks import NETWORK as BANKS

from minicoin.core import work
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import (
    Activate,
    ReadBlock,
    Rescan,
    SaveHeaders,
    StoreBlock,
    VerifyProposal,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import (
    BlockRead,
    BlockRefused,
    BlockStored,
    ChainMoved,
    ProposalVerified,
    RescanProgress,
    TransactionVerified,
)
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockReason
from minicoin.core.units import ConnId
from minicoin.core.work import perform, rest_of
from minicoin.testing.chain_maker import ChainMaker

GENESIS = REGTEST.genesis.hash


def engine_and_blocks(count: int) -> tuple[ChainEngine, list[RawBlock]]:
    maker = ChainMaker(REGTEST)
    branch = maker.new_branch()
    maker.mine_empty(branch, count)
    engine = ChainEngine(REGTEST, MemoryChainStore(), ScriptedVerifier())
    return engine, [RawBlock(block.header, block.raw) for block in branch.blocks]


def paid(blocks: list[RawBlock]) -> frozenset[bytes]:
    """Whom the coinbases pay."""
    coinbases = [Block.parse(block.raw).transactions[0] for block in blocks]
    return frozenset(output.script_pubkey for coinbase in coinbases for output in coinbase.outputs)


def connected(count: int) -> tuple[ChainEngine, list[RawBlock]]:
    engine, blocks = engine_and_blocks(count)
    for height, block in enumerate(blocks, 1):
        assert perform(engine, StoreBlock(block, height)) == BlockStored(block.hash, height)
    moved = perform(engine, Activate(GENESIS, tuple(block.hash for block in blocks)))
    assert isinstance(moved, ChainMoved) and moved.invalid is None
    assert moved.update.tip == engine.tip == blocks[-1].hash
    return engine, blocks


def test_a_bad_block_is_refused_in_an_answer_and_not_stored() -> None:
    engine, (block,) = engine_and_blocks(1)
    answer = perform(engine, StoreBlock(RawBlock(block.header, block.raw[:-1]), 1))
    assert isinstance(answer, BlockRefused)
    assert (answer.block, answer.invalid.reason) == (block.hash, BlockReason.MALFORMED)
    assert perform(engine, ReadBlock(ConnId(3), block.hash)) == BlockRead(ConnId(3), block.hash, None)


def test_a_block_on_the_tip_is_stored_and_connected_in_one_job() -> None:
    engine, (one, two) = engine_and_blocks(2)
    for height, block in ((1, one), (2, two)):
        moved = perform(engine, StoreBlock(block, height, connects=True))
        assert isinstance(moved, ChainMoved)
        assert (moved.stored, moved.update.tip, moved.update.height, moved.invalid) == (
            block.hash,
            block.hash,
            height,
            None,
        )
    broken = RawBlock(two.header, two.raw[:-1])
    engine, _ = connected(1)
    assert isinstance(perform(engine, StoreBlock(broken, 2, connects=True)), BlockRefused)
    assert engine.tip == one.hash


def test_a_block_that_cannot_be_connected_is_stored_all_the_same() -> None:
    engine, _ = connected(1)
    maker = ChainMaker(REGTEST)
    branch = maker.new_branch()
    maker.mine_empty(branch, 1)
    greedy = maker.next_block(branch, fees_sat=1)
    moved = perform(engine, StoreBlock(RawBlock(greedy.header, greedy.raw), 2, connects=True))
    assert isinstance(moved, ChainMoved) and moved.invalid is not None
    assert (moved.stored, moved.invalid.hash, moved.update.connected) == (greedy.hash, greedy.hash, ())
    assert engine.tip == branch.blocks[0].hash
    assert perform(engine, ReadBlock(ConnId(3), greedy.hash)) is not None


def test_blocks_are_read_and_transactions_judged_at_the_tip() -> None:
    engine, blocks = connected(2)
    assert perform(engine, ReadBlock(ConnId(3), blocks[0].hash)) == BlockRead(ConnId(3), blocks[0].hash, blocks[0])
    coinbase = ChainMaker(REGTEST).coinbase(3)
    verified = perform(engine, VerifyTransaction(coinbase))
    assert isinstance(verified, TransactionVerified)
    assert (verified.verdict.tip, verified.verdict.transaction) == (engine.tip, coinbase)
    assert verified.verdict.rejected is not None


def test_headers_and_scripts_are_taken_without_a_word() -> None:
    engine, blocks = engine_and_blocks(2)
    assert perform(engine, SaveHeaders(tuple(block.header for block in blocks))) is None
    assert engine.snapshot().headers == 3
    assert perform(engine, Watch(paid(blocks))) is None
    perform(engine, StoreBlock(blocks[0], 1))
    moved = perform(engine, Activate(GENESIS, (blocks[0].hash,)))
    assert isinstance(moved, ChainMoved)
    assert [len(summary.watched) for summary in moved.update.connected] == [1]


@pytest.mark.parametrize(("start", "heights"), [(0, [2, 4, 5]), (1, [2, 4, 5]), (4, [5]), (6, [5]), (9, [8])])
def test_a_rescan_is_done_in_slices(monkeypatch: pytest.MonkeyPatch, start: int, heights: list[int]) -> None:
    monkeypatch.setattr(work, "RESCAN_SLICE_BLOCKS", 2)
    engine, blocks = connected(5)
    job: Rescan | None = Rescan(paid(blocks), start)
    reached: list[int] = []
    found: list[BlockHash] = []
    while job is not None:
        answer = perform(engine, job)
        assert isinstance(answer, RescanProgress)
        reached.append(answer.height)
        found += [block for block, _, _ in answer.found]
        job = rest_of(job, answer)
    assert reached == heights
    assert found == [block.hash for block in blocks[max(start, 1) - 1 :]]


@pytest.mark.parametrize("start", [0, 1, 7])
def test_a_rescan_of_the_genesis_block_alone_is_done_at_once(start: int) -> None:
    engine, _ = engine_and_blocks(0)
    answer = perform(engine, Rescan(frozenset(), start))
    assert answer == RescanProgress(max(start, 1) - 1, (), True)


def test_only_a_rescan_leaves_a_rest() -> None:
    engine, (block,) = engine_and_blocks(1)
    job = StoreBlock(block, 1)
    assert rest_of(job, perform(engine, job)) is None
    undone = RescanProgress(7, (), False)
    assert rest_of(Rescan(frozenset(), 3), undone) == Rescan(frozenset(), 8)
    assert rest_of(Rescan(frozenset(), 3), replace(undone, done=True)) is None


def test_a_proposal_is_judged_and_stored_with_its_certificate() -> None:
    made = maker(1)
    engine = ChainEngine(BANKS, MemoryChainStore(), ScriptedVerifier())
    (first,) = made.blocks
    assert perform(engine, VerifyProposal(first.raw, 1)) == ProposalVerified(first.block.hash, None, FOUNDING)
    late = perform(engine, VerifyProposal(first.raw, 2))
    assert isinstance(late, ProposalVerified) and late.refusal is not None
    assert late.next_members is None
    moved = perform(engine, StoreBlock(first.raw, 1, connects=True, certificate=first.kept))
    assert isinstance(moved, ChainMoved) and moved.invalid is None
    second = made.extend()
    perform(engine, SaveHeaders((second.header,), (second.kept,)))
    assert list(engine.certificates()) == [first.kept, second.kept]
