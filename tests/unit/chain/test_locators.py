"""Locators: which blocks they name, and which fork whoever reads one finds."""

from tests.unit.chain.test_headers import grow

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.locators import find_fork, make_locator
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash

REGTEST = lookup("regtest")


def test_it_thins_out_and_ends_at_the_genesis() -> None:
    tree = HeaderTree(REGTEST)
    nodes = [tree.genesis, *grow(tree, tree.genesis.header, 300)]
    locator = make_locator(tree, nodes[-1])
    heights = [node.height for block in locator if (node := tree.get(block))]
    # As Bitcoin Core: twelve in a row, then steps of 2, 4, 8.
    assert heights == [*range(300, 288, -1), 287, 283, 275, 259, 227, 163, 35, 0]
    assert make_locator(tree, tree.genesis) == (tree.genesis.hash,)


def test_the_fork_is_the_highest_block_of_our_chain_that_it_names() -> None:
    tree = HeaderTree(REGTEST)
    one = grow(tree, tree.genesis.header, 6, salt=1)
    other = grow(tree, one[1].header, 6, salt=2)
    tree.set_tip(one[5].hash)
    assert find_fork(tree, make_locator(tree, other[5])) is one[1]
    assert find_fork(tree, [BlockHash(b"?" * 32), one[3].hash]) is one[3]
    assert find_fork(tree, []) is tree.genesis
    beyond = grow(tree, one[5].header, 2)
    assert find_fork(tree, [beyond[1].hash]) is one[5]
