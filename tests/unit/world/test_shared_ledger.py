"""The verdicts that all nodes share, where they come in another order than blocks were found."""

from dataclasses import replace

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import Activate, StoreBlock
from minicoin.core.events import BlockStored, ChainMoved
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import HOUR_US, SECOND_US, Micros
from minicoin.sim.attackers import forge
from minicoin.world.ledger import BlockBook, SharedLedger

_NETWORK = replace(REGTEST, name="ledger")
_NOW = Micros(_NETWORK.genesis.header.time * SECOND_US + HOUR_US)


def _chain(length: int) -> list[RawBlock]:
    tree = HeaderTree(_NETWORK)
    blocks: list[RawBlock] = []
    parent = tree.genesis
    for number in range(length):
        blocks.append(forge.mine(tree, parent, b"\x51", _NOW, extra_nonce=number))
        parent = tree.add(blocks[-1].header, _NOW)
    return blocks


def test_a_block_is_stored_before_the_parent_that_nobody_has_yet() -> None:
    blocks = _chain(3)
    ledger = SharedLedger(BlockBook(_NETWORK, ScriptedVerifier()))
    ledger.add_headers(tuple(block.header for block in blocks))
    for height in (3, 1, 2):
        assert ledger.perform(StoreBlock(blocks[height - 1], height)) == BlockStored(blocks[height - 1].hash, height)
    moved = ledger.perform(Activate(_NETWORK.genesis.hash, tuple(block.hash for block in blocks)))
    assert isinstance(moved, ChainMoved)
    assert moved.invalid is None
    assert moved.update.height == 3


def test_headers_may_be_told_by_every_node_again() -> None:
    blocks = _chain(2)
    book = BlockBook(_NETWORK, ScriptedVerifier())
    for _ in range(2):
        SharedLedger(book).add_headers(tuple(block.header for block in blocks))
    assert book.header_node(blocks[1].hash) is not None
    assert book.engine.snapshot().headers == 3
