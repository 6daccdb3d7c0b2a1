"""A chain of empty blocks that ledgers are handed."""

from dataclasses import replace

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import HOUR_US, SECOND_US, Micros
from minicoin.sim.attackers import forge

NETWORK = replace(REGTEST, name="ledger")
NOW = Micros(NETWORK.genesis.header.time * SECOND_US + HOUR_US)


def mined(length: int) -> list[RawBlock]:
    """So many blocks in a row on the genesis block, valid on NETWORK at NOW."""
    tree = HeaderTree(NETWORK)
    blocks: list[RawBlock] = []
    parent = tree.genesis
    for number in range(length):
        blocks.append(forge.mine(tree, parent, b"\x51", NOW, extra_nonce=number))
        parent = tree.add(blocks[-1].header, NOW)
    return blocks
