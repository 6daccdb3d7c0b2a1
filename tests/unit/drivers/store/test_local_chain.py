"""Tree and engine driven together: branches, refusals, going back from a branch that turns out bad."""

import pytest

from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker
from minicoin.testing.faulty_blocks import FAULTS

NETWORK = lookup("regtest")


@pytest.fixture
def made():
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 3)
    return maker, branch


def feed(chain, blocks):
    return [chain.accept(RawBlock.parse(block.raw)) for block in blocks]


def test_the_longer_branch_wins_and_the_first_seen_on_ties(made):
    maker, branch = made
    chain = LocalChain(NETWORK, MemoryChainStore(), verifier=ScriptedVerifier())
    side = branch.fork()
    maker.mine_empty(branch, 2)
    maker.mine_empty(side, 3)
    assert feed(chain, branch.blocks) == [None] * 5
    feed(chain, side.blocks[3:5])
    assert chain.tip == branch.tip.hash
    feed(chain, side.blocks[5:])
    assert (chain.tip, chain.height) == (side.tip.hash, 6)


def test_a_bad_branch_is_left_again(made):
    maker, branch = made
    chain = LocalChain(NETWORK, MemoryChainStore(), verifier=ScriptedVerifier())
    side = branch.fork()
    maker.mine_empty(branch, 1)
    feed(chain, branch.blocks)
    expected = chain.engine.coin_set_hash()
    bad = maker.assemble(side, maker.coinbase(side.height + 1, 1), ())
    maker.extend(side, bad)
    maker.mine_empty(side, 2)
    assert feed(chain, side.blocks[3:5]) == [None, None]
    assert chain.tip == branch.tip.hash
    feed(chain, side.blocks[5:])
    assert chain.tip == branch.tip.hash
    assert chain.engine.coin_set_hash() == expected
    again = chain.accept(RawBlock.parse(bad.raw))
    assert again.reason is BlockReason.MARKED_INVALID


def test_an_orphan_is_refused_for_now(made):
    _, branch = made
    chain = LocalChain(NETWORK, MemoryChainStore(), verifier=ScriptedVerifier())
    invalid = chain.accept(RawBlock.parse(branch.blocks[1].raw))
    assert (invalid.reason, invalid.is_permanent) == (BlockReason.UNKNOWN_PARENT, False)
    assert feed(chain, branch.blocks) == [None] * 3


def test_a_mutated_body_does_not_condemn_the_header(made):
    _, branch = made
    chain = LocalChain(NETWORK, MemoryChainStore(), verifier=ScriptedVerifier())
    good = branch.blocks[0]
    bad = RawBlock.parse(good.raw[:-1] + b"\x01")
    with pytest.raises(BlockRejected):
        chain.store_block(bad)
    assert chain.accept(RawBlock.parse(good.raw)) is None


def test_a_permanent_fault_condemns_it(made):
    maker, branch = made
    chain = LocalChain(NETWORK, MemoryChainStore(), verifier=ScriptedVerifier())
    feed(chain, branch.blocks)
    raw = RawBlock.parse(FAULTS["two_coinbases"](maker, branch)[0])
    assert chain.accept(raw).reason is BlockReason.COINBASE_MULTIPLE
    assert chain.accept(raw).reason is BlockReason.MARKED_INVALID
