"""Padded jobs give blocks of exactly the wanted size, which a fresh engine accepts."""

from dataclasses import replace

import pytest

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.mining.search import assemble_block, search
from minicoin.core.mining.template import build_template, make_job
from minicoin.core.params.builtin import REGTEST
from minicoin.core.units import HOUR_US, SECOND_US, Micros
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.padding import pad_job

NETWORK = replace(REGTEST, name="padding")
NOW = Micros(NETWORK.genesis.header.time * SECOND_US + HOUR_US)


def job(extra_nonce: int = 1):
    tree = HeaderTree(NETWORK)
    return make_job(build_template(tree, tree.tip, (), b"\x51", NOW), extra_nonce)


# Around the steps of the compact length: 253 and 65,536 bytes of script.
SIZES = [300, *range(500, 520), 1_000, *range(65_770, 65_800), 200_000, 535_000, 999_000]


@pytest.mark.parametrize("block_bytes", SIZES)
def test_the_block_has_the_size_to_the_byte_or_the_most_below_it(block_bytes):
    size = len(assemble_block(pad_job(job(), block_bytes), 0, 0).raw)
    assert size <= block_bytes
    # One length cannot be written where the script's own length takes two bytes more.
    assert block_bytes - size <= 2


@pytest.mark.parametrize("block_bytes", [1_000, 200_000, 535_000, 999_000])
def test_round_sizes_are_exact(block_bytes):
    assert len(assemble_block(pad_job(job(), block_bytes), 0, 0).raw) == block_bytes


@pytest.mark.parametrize("verifier", [ScriptedVerifier, KernelVerifier])
@pytest.mark.parametrize("block_bytes", [1_000, 535_000, 999_000])
def test_a_fresh_engine_takes_the_block(verifier, block_bytes):
    found = search(pad_job(job(), block_bytes), 7, 1 << 20)
    assert found is not None
    engine = ChainEngine(NETWORK, MemoryChainStore(), verifier())
    engine.store_block(found, 1)
    update, invalid = engine.activate(NETWORK.genesis.hash, (found.hash,))
    assert invalid is None
    assert update.height == 1
    assert update.connected[0].size == block_bytes


def test_a_job_that_is_large_enough_is_left_alone():
    plain = job()
    size = len(assemble_block(plain, 0, 0).raw)
    for wanted in (0, size - 1, size, size + 5):
        assert pad_job(plain, wanted) is plain
