"""What a header must be at its place: each rule at its boundary, and what a refusal says of the future."""

import dataclasses

import pytest

from minicoin.core.chain.deployments import RuleBook
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.header_rules import check_checkpoint, check_child, check_clock, check_version
from minicoin.core.chain.proof import make_header_proof
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.units import SECOND_US, Micros

REGTEST = lookup("regtest")
GENESIS = REGTEST.genesis.header


def child(parent: BlockHeader, **changes: int) -> BlockHeader:
    """One that nobody searched a nonce for: its proof by itself is not asked for here."""
    header = BlockHeader(0x2000_0000, parent.hash, bytes(32), parent.time + 60, parent.bits, 0)
    return dataclasses.replace(header, **changes)


def test_it_is_later_than_the_median_of_eleven() -> None:
    proof = make_header_proof(REGTEST, None)
    nodes = [HeaderNode(GENESIS, None, 1)]
    for _ in range(12):
        nodes.append(HeaderNode(child(nodes[-1].header), nodes[-1], 1))
    median = nodes[-6].header.time
    check_child(child(nodes[-1].header, time=median + 1), nodes[-1], proof)
    with pytest.raises(BlockRejected) as caught:
        check_child(child(nodes[-1].header, time=median), nodes[-1], proof)
    assert caught.value.reason is BlockReason.TIME_TOO_OLD and caught.value.is_permanent
    with pytest.raises(BlockRejected) as caught:
        check_child(child(nodes[-1].header, bits=GENESIS.bits - 1), nodes[-1], proof)
    assert caught.value.reason is BlockReason.BAD_BITS


def test_it_may_be_two_hours_ahead_and_one_that_is_not_yet_due_may_be_later() -> None:
    header = child(GENESIS)
    due = Micros((header.time - 7_200) * SECOND_US)
    check_clock(header, due)
    with pytest.raises(BlockRejected) as caught:
        check_clock(header, Micros(due - SECOND_US))
    assert caught.value.reason is BlockReason.TIME_TOO_NEW and not caught.value.is_permanent


@pytest.mark.parametrize(("version", "is_good"), [(4, True), (3, False), (-1, False)])
def test_its_version_says_what_is_buried(version: int, is_good: bool) -> None:
    header = child(GENESIS, version=version)
    if is_good:
        check_version(header, 1, RuleBook(REGTEST))
    else:
        with pytest.raises(BlockRejected) as caught:
            check_version(header, 1, RuleBook(REGTEST))
        assert caught.value.reason is BlockReason.BAD_VERSION


def test_at_a_checkpoint_nothing_else_stands() -> None:
    header = child(GENESIS)
    check_checkpoint(header, 1, {1: header.hash, 2: BlockHash(bytes(32))})
    with pytest.raises(BlockRejected) as caught:
        check_checkpoint(header, 2, {1: header.hash, 2: BlockHash(bytes(32))})
    assert caught.value.reason is BlockReason.CHECKPOINT
