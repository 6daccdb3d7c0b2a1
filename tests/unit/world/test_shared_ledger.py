"""The verdicts that all nodes share, where they come in another order than blocks were found."""

from tests.unit.chain.five_banks import KEYS, maker
from tests.unit.chain.five_banks import NETWORK as BANKS
from tests.unit.world.mined import NETWORK, mined

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import Activate, SaveHeaders, StoreBlock, VerifyProposal
from minicoin.core.events import BlockRefused, BlockStored, ChainMoved, ProposalVerified
from minicoin.core.node.assemble import load_tree
from minicoin.core.primitives.block import RawBlock
from minicoin.world.ledger import BlockBook, SharedLedger


def test_a_block_is_stored_before_the_parent_that_nobody_has_yet() -> None:
    blocks = mined(3)
    ledger = SharedLedger(BlockBook(NETWORK, ScriptedVerifier()))
    ledger.add_headers(tuple(block.header for block in blocks))
    for height in (3, 1, 2):
        assert ledger.perform(StoreBlock(blocks[height - 1], height)) == BlockStored(blocks[height - 1].hash, height)
    moved = ledger.perform(Activate(NETWORK.genesis.hash, tuple(block.hash for block in blocks)))
    assert isinstance(moved, ChainMoved)
    assert moved.invalid is None
    assert moved.update.height == 3


def test_headers_may_be_told_by_every_node_again() -> None:
    blocks = mined(2)
    book = BlockBook(NETWORK, ScriptedVerifier())
    for _ in range(2):
        SharedLedger(book).add_headers(tuple(block.header for block in blocks))
    assert book.header_node(blocks[1].hash) is not None
    assert book.engine.snapshot().headers == 3


def test_nodes_share_certificates_and_have_their_own_history() -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(3)
    book = BlockBook(BANKS, ScriptedVerifier())
    one, other = SharedLedger(book), SharedLedger(book)
    for height, certified in enumerate(made.blocks, 1):
        job = StoreBlock(certified.raw, height, connects=True, certificate=certified.kept)
        moved = one.perform(job)
        assert isinstance(moved, ChainMoved) and moved.invalid is None
        if height <= 2:
            assert other.perform(job) == moved
    headers = tuple(certified.header for certified in made.blocks)
    kept = tuple(certified.kept for certified in made.blocks)
    # The other one has all headers, and two of the blocks.
    assert other.perform(SaveHeaders(headers, kept)) is None
    for ledger, tip, carried in ((one, 6, [3]), (other, 2, [])):
        state = ledger.state({})
        tree = load_tree(BANKS, state)
        assert tree.signers is not None and tree.signers.finalized == 6
        assert state.tip == made.blocks[tip - 1].block.hash
        assert [change.height for change in tree.signers.carried.all()] == carried


def test_a_body_that_is_not_the_headers_own_is_judged_with_its_certificates() -> None:
    made = maker(3)
    book = BlockBook(BANKS, ScriptedVerifier())
    one, other = SharedLedger(book), SharedLedger(book)
    for ledger in (one, other):
        for height, certified in enumerate(made.blocks[:2], 1):
            ledger.perform(StoreBlock(certified.raw, height, connects=True, certificate=certified.kept))
    last = made.blocks[2]
    assert isinstance(one.perform(StoreBlock(last.raw, 3, certificate=last.kept)), BlockStored)
    foreign = RawBlock(last.header, last.header.raw + made.blocks[1].raw.raw[80:])
    assert isinstance(other.perform(StoreBlock(foreign, 3, certificate=last.kept)), BlockRefused)
    assert isinstance(other.perform(StoreBlock(last.raw, 3, certificate=last.kept)), BlockStored)


def test_a_proposal_is_judged_at_each_nodes_tip() -> None:
    made = maker(2)
    book = BlockBook(BANKS, ScriptedVerifier())
    one, other = SharedLedger(book), SharedLedger(book)
    for height, certified in enumerate(made.blocks, 1):
        one.perform(StoreBlock(certified.raw, height, connects=True, certificate=certified.kept))
    block = made.certify(made.next_block()).raw
    for ledger, is_good in ((one, True), (other, False), (one, True)):
        verdict = ledger.perform(VerifyProposal(block, 3))
        assert isinstance(verdict, ProposalVerified)
        assert (verdict.refusal is None) is is_good
