"""Blocks as members propose them, against the engine's verdict."""

import pytest
from tests.unit.chain.five_banks import FOUNDING, KEYS, connect, engine_at, maker, tree_of

from minicoin.core.chain.coinbase_tags import CoinbaseTags, read_tags
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.faults import MisuseError
from minicoin.core.limits import BLOCK_WEIGHT_MAX
from minicoin.core.mining.proposal import build_proposal
from minicoin.core.mining.template import RESERVED_WEIGHT, Candidate
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut
from minicoin.core.units import Micros
from minicoin.testing.certified_chain import (
    CertifiedMaker,
    allocation_of,
    signer_network,
    signing_keys,
)
from minicoin.testing.chain_maker import ChainMaker
from minicoin.testing.spends import SpendKind, output_script

MINE = output_script(SpendKind.P2WPKH, 33)


def propose(made: CertifiedMaker, candidates=(), time: int = 0, change=None, settings=None) -> Block:
    tree = tree_of(made.blocks)
    certificate = made.blocks[-1].certificate if made.blocks else None
    return build_proposal(tree, tree.best_header, candidates, MINE, time, CoinbaseTags(certificate, change, settings))


def payment(made: CertifiedMaker, fee_sat: int) -> Candidate:
    transaction, _ = ChainMaker(made.network).spend(made.allocated[:1], 2, fee_sat)
    return Candidate(transaction, fee_sat, 1)


def accepted(made: CertifiedMaker, block: Block) -> None:
    engine = engine_at(made)
    verdict = engine.verify_proposal(RawBlock(block.header, block.raw), made.height + 1)
    assert (verdict.refusal, verdict.next_members) == (None, FOUNDING)
    assert connect(engine, made.certify(block)) == ""


def test_block_one_pays_the_allocation_and_carries_no_certificate() -> None:
    made = maker(0)
    block = propose(made)
    coinbase = block.transactions[0]
    assert coinbase.outputs[:3] == tuple(TxOut(amount, script) for script, amount in allocation_of(3))
    assert len(coinbase.outputs) == 4
    assert read_tags(coinbase).certificate is None
    accepted(made, block)


def test_an_empty_block_pays_nobody() -> None:
    made = maker(2)
    block = propose(made)
    (commitment,) = block.transactions[0].outputs
    assert commitment.value == 0
    assert read_tags(block.transactions[0]).certificate == made.blocks[-1].certificate
    accepted(made, block)


def test_fees_go_to_whoever_proposes() -> None:
    made = maker(1)
    block = propose(made, [payment(made, 700)])
    assert block.transactions[0].outputs[0] == TxOut(700, MINE)
    assert len(block.transactions) == 2
    accepted(made, block)


def test_its_time_is_the_one_given_or_the_earliest_there_may_be() -> None:
    made = maker(1)
    assert propose(made, time=0).header.time == made.tip.time + 1
    later = propose(made, time=made.tip.time + 77)
    assert later.header.time == made.tip.time + 77
    accepted(made, later)


def test_it_carries_a_change_of_members() -> None:
    made = maker(2)
    change = made.change(KEYS[1:])
    block = propose(made, change=change)
    assert read_tags(block.transactions[0]).change == change
    accepted(made, block)


def test_equal_wishes_give_equal_blocks() -> None:
    made = maker(1)
    wish = [payment(made, 700)]
    assert propose(made, wish).raw == propose(made, wish).raw


@pytest.mark.parametrize("members", [1, 100])
def test_a_full_block_leaves_room_for_the_certificate(members: int) -> None:
    keys = signing_keys(members)
    network = signer_network(keys, allocation=allocation_of(2))
    made = CertifiedMaker(network, keys)
    made.grow(1)
    stuffed = [
        Transaction(2, (TxIn(coin.outpoint),), (TxOut(0, b"\x6a" + bytes(5_000)),), place)
        for place, coin in enumerate(made.allocated * 110)
    ]
    candidates = [Candidate(transaction, 10_000, 0) for transaction in stuffed]
    assert sum(transaction.weight for transaction in stuffed) > BLOCK_WEIGHT_MAX
    tree = HeaderTree(network)
    tree.certify(made.blocks[0].certificate, None)
    tree.add(made.blocks[0].header, Micros(0))
    block = build_proposal(tree, tree.best_header, candidates, MINE, 0, CoinbaseTags(made.blocks[0].certificate))
    reserved = RESERVED_WEIGHT + 4 * len(made.blocks[0].certificate.encode())
    assert BLOCK_WEIGHT_MAX - reserved - 2 * stuffed[0].weight < block.weight <= BLOCK_WEIGHT_MAX
    (rest,) = {transaction.weight for transaction in stuffed}
    assert block.weight + rest > BLOCK_WEIGHT_MAX - RESERVED_WEIGHT


def test_a_change_of_settings_is_carried_and_kept_to() -> None:
    made = maker(2)
    change = made.change_settings(("min_interval_s", "9"))
    block = propose(made, settings=change)
    assert read_tags(block.transactions[0]).settings == change
    accepted(made, block)
    made.append(made.certify(block))
    made.grow(1)
    tree = tree_of(made.blocks)
    assert tree.signers is not None
    tree.signers.carried.load(engine_at(made).changes(), made.height)
    tags = CoinbaseTags(made.blocks[-1].certificate)
    assert build_proposal(tree, tree.best_header, (), MINE, 0, tags).header.time == made.tip.time + 9


def test_nobody_proposes_where_members_do_not_sign() -> None:
    tree = HeaderTree(lookup("regtest"))
    with pytest.raises(MisuseError, match="nobody proposes"):
        build_proposal(tree, tree.genesis, (), MINE, 0, CoinbaseTags())
