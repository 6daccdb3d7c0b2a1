"""Every rule has a block that breaks only it: refused with Bitcoin Core's reason, the coins left as they were."""

import pytest

from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.faults import DecodeError
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.verdicts import InvalidBlock
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker
from minicoin.testing.faulty_blocks import FAULTS

NOT_PERMANENT = {
    "bad-txnmrklroot",
    "bad-txns-duplicate",
    "bad-witness-merkle-match",
    "bad-witness-nonce-size",
    "unexpected-witness",
    "malformed",
    "prev-blk-not-found",
}


def reason_of(invalid: InvalidBlock) -> str:
    return invalid.name


def make():
    """A chain of payments, and what made it."""
    network = lookup("bitcoin-regtest")
    maker = ChainMaker(network, seed=5)
    branch = maker.new_branch()
    maker.mine_empty(branch, 105)
    for _ in range(6):
        maker.mine_spending(branch, 4, outputs=4)
    chain = LocalChain(network, MemoryChainStore())
    for block in branch.blocks:
        assert chain.accept(RawBlock.parse(block.raw)) is None
    return maker, branch, chain


@pytest.fixture(scope="module")
def made():
    """For tests that leave the chain as it was."""
    return make()


@pytest.mark.parametrize("name", FAULTS)
def test_one_broken_rule(name, made):
    maker, branch, chain = made
    before = chain.engine.coin_set_hash()
    raw, reason = FAULTS[name](maker, branch)
    invalid = chain.accept(RawBlock.parse(raw))
    assert invalid is not None
    assert reason_of(invalid) == reason
    assert invalid.is_permanent == (reason not in NOT_PERMANENT)
    assert chain.tip == branch.tip.hash
    assert chain.engine.coin_set_hash() == before


def test_branch_is_still_extendable():
    maker, branch, chain = make()
    for fault in FAULTS.values():
        raw, _ = fault(maker, branch)
        assert chain.accept(RawBlock.parse(raw)) is not None
    assert chain.accept(RawBlock.parse(maker.next_block(branch).raw)) is None


def test_less_than_a_header_is_no_block():
    with pytest.raises(DecodeError):
        RawBlock.parse(bytes(79))
