"""Answers to getheaders and getblocks: the fork, the stop, the bounds, what is remembered of the asker."""

from dataclasses import replace
from functools import cache

from tests.unit.netsync.scripted import FULL, NETWORK, chain

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.limits import BLOCKS_PER_INV_REPLY_MAX, HEADERS_PER_MESSAGE_MAX
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getblocks, answer_getheaders
from minicoin.core.primitives.block import ZERO_HASH
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import GetBlocks, GetHeaders, InvType


@cache
def tree_of(length):
    blocks = chain(length)
    tree = HeaderTree(NETWORK)
    tree.load(block.header for block in blocks)
    tree.set_tip(blocks[-1].hash)
    return tree


def peer():
    return SyncPeer(ConnId(1), True, FULL)


def test_at_most_2000_headers_from_the_fork_on():
    blocks, asker = chain(2_300), peer()
    answer = answer_getheaders(tree_of(2_300), asker, GetHeaders(70016, (NETWORK.genesis.hash,)))
    assert answer.headers == tuple(block.header for block in blocks[:HEADERS_PER_MESSAGE_MAX])
    assert asker.last_common.height == HEADERS_PER_MESSAGE_MAX
    rest = answer_getheaders(tree_of(2_300), asker, GetHeaders(70016, (b"?" * 32, blocks[1_999].hash)))
    assert rest.headers == tuple(block.header for block in blocks[2_000:])


def test_headers_end_at_the_stop_hash():
    blocks = chain(2_300)
    answer = answer_getheaders(tree_of(2_300), peer(), GetHeaders(70016, (blocks[4].hash,), blocks[7].hash))
    assert answer.headers == tuple(block.header for block in blocks[5:8])


def test_a_peer_at_our_tip_gets_an_empty_answer_and_is_known_to_stand_there():
    tree, asker = tree_of(2_300), peer()
    assert answer_getheaders(tree, asker, GetHeaders(70016, (tree.tip.hash,))).headers == ()
    assert asker.last_common is tree.tip


def test_an_empty_locator_names_one_block():
    tree, blocks = tree_of(2_300), chain(2_300)
    assert answer_getheaders(tree, peer(), GetHeaders(70016, (), blocks[9].hash)).headers == (blocks[9].header,)
    assert answer_getheaders(tree, peer(), GetHeaders(70016, (), b"?" * 32)) is None


def test_an_unknown_locator_starts_behind_the_genesis_block():
    answer = answer_getheaders(tree_of(2_300), peer(), GetHeaders(70016, (b"?" * 32,)))
    assert answer.headers[0] == chain(2_300)[0].header


def test_getblocks_names_500_and_remembers_the_last():
    blocks, asker = chain(2_300), peer()
    answer = answer_getblocks(tree_of(2_300), asker, GetBlocks(70016, (NETWORK.genesis.hash,)))
    assert [vector.hash for vector in answer.inventory] == [block.hash for block in blocks[:BLOCKS_PER_INV_REPLY_MAX]]
    assert {vector.type for vector in answer.inventory} == {InvType.BLOCK}
    assert asker.continue_hash == blocks[499].hash


def test_getblocks_near_the_tip_has_nothing_to_continue():
    tree, blocks, asker = tree_of(2_300), chain(2_300), peer()
    answer = answer_getblocks(tree, asker, GetBlocks(70016, (blocks[2_297].hash,)))
    assert [vector.hash for vector in answer.inventory] == [block.hash for block in blocks[2_298:]]
    assert asker.continue_hash is None
    assert answer_getblocks(tree, asker, GetBlocks(70016, (tree.tip.hash,), ZERO_HASH)) is None


def test_getblocks_leaves_out_the_stop_hash():
    blocks = chain(2_300)
    answer = answer_getblocks(tree_of(2_300), peer(), GetBlocks(70016, (blocks[4].hash,), blocks[7].hash))
    assert [vector.hash for vector in answer.inventory] == [block.hash for block in blocks[5:7]]


def test_a_chain_below_the_networks_minimum_work_is_offered_to_nobody():
    blocks, asker = chain(20), peer()
    tree = HeaderTree(replace(NETWORK, minimum_chainwork=tree_of(2_300).get(chain(2_300)[29].hash).chainwork))
    tree.load(block.header for block in blocks)
    tree.set_tip(blocks[-1].hash)
    answer = answer_getheaders(tree, asker, GetHeaders(70016, (NETWORK.genesis.hash,)))
    assert answer.headers == ()
    assert asker.last_common is None
