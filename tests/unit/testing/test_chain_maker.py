"""The maker of test chains: the same seed gives the same bytes, and its blocks spend every kind of coin."""

import itertools

from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.testing.chain_maker import ChainMaker, rehash
from minicoin.testing.spends import SpendKind, output_script

NETWORK = lookup("regtest")


def make(seed: int) -> list[Block]:
    maker = ChainMaker(NETWORK, seed)
    branch = maker.new_branch()
    maker.mine_empty(branch, 104)
    for _ in range(3):
        maker.mine_spending(branch, 5, 1, 5)
    return branch.blocks


def test_a_seed_is_a_chain():
    assert [block.raw for block in make(3)] == [block.raw for block in make(3)]
    assert make(3)[-1].hash != make(4)[-1].hash


def test_blocks_follow_each_other_with_work():
    blocks = make(1)
    for parent, block in itertools.pairwise(blocks):
        assert block.header.previous == parent.hash
        assert meets_target(block.hash, bits_to_target(block.header.bits))
    assert any(tx.has_witness for tx in blocks[-1].transactions)
    assert len(blocks[-1].transactions) > 3


def test_kinds_have_their_own_scripts():
    scripts = [output_script(kind, 7) for kind in SpendKind]
    assert len({(len(script), script[:2]) for script in scripts}) == len(scripts)
    assert all(output_script(kind, 7) != output_script(kind, 8) for kind in SpendKind)


def test_rehash_makes_root_and_work_right_again():
    block = make(1)[-1]
    fewer = rehash(block, block.transactions[:2])
    assert fewer.header.merkle_root != block.header.merkle_root
    assert meets_target(fewer.hash, bits_to_target(fewer.header.bits))
    assert fewer.header.previous == block.header.previous


def test_a_fork_grows_apart():
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 5)
    side = branch.fork()
    maker.mine_empty(side, 1)
    assert (branch.height, side.height) == (5, 6)
    assert side.blocks[:5] == branch.blocks
