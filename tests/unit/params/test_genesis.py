"""Recipes of genesis blocks."""

import dataclasses

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.params.genesis import GenesisRecipe, build_genesis, find_genesis_nonce
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.target import bits_to_target, meets_target

RECIPE = GenesisRecipe("a test", 1_700_000_000, 0x2000FFFF, 0, b"\x6a")


def test_block_round_trips_and_commits_to_its_coinbase() -> None:
    block = build_genesis(RECIPE)
    assert Block.parse(block.raw) == block
    assert block.header.merkle_root == block.transactions[0].txid
    assert b"a test" in block.transactions[0].inputs[0].script_sig


def test_found_nonce_is_the_lowest_that_meets_the_target() -> None:
    found = find_genesis_nonce(RECIPE)
    target = bits_to_target(RECIPE.bits)
    assert target is not None
    for nonce in range(found.nonce):
        assert not meets_target(build_genesis(dataclasses.replace(RECIPE, nonce=nonce)).hash, target)
    assert meets_target(build_genesis(found).hash, target)


def test_long_message_is_pushed_with_pushdata() -> None:
    script = build_genesis(dataclasses.replace(RECIPE, message="x" * 91)).transactions[0].inputs[0].script_sig
    assert script[7:9] == b"\x4c\x5b"
    assert len(script) == 100


@pytest.mark.parametrize("message", ["", "x" * 92, "né"])
def test_message_that_does_not_fit_is_refused(message: str) -> None:
    with pytest.raises(MisuseError, match="genesis message"):
        build_genesis(dataclasses.replace(RECIPE, message=message))


def test_impossible_bits_are_refused() -> None:
    with pytest.raises(MisuseError, match="0x01000000"):
        find_genesis_nonce(dataclasses.replace(RECIPE, bits=0x01000000))
