"""Templates: the coinbase, the commitments, and which candidates get in."""

import dataclasses
from collections.abc import Sequence

import pytest

from minicoin.core.chain.block_rules import check_block, check_block_in_chain
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.limits import BLOCK_WEIGHT_MAX
from minicoin.core.mining.search import search
from minicoin.core.mining.template import BlockTemplate, Candidate, build_template, make_job
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network
from minicoin.core.params.rules import Buried, Deployments
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.merkle import block_merkle_root, witness_merkle_root
from minicoin.core.primitives.transaction import (
    SEQUENCE_FINAL,
    Outpoint,
    Transaction,
    TxIn,
    TxOut,
    Witness,
    make_outpoint,
)
from minicoin.core.script.pushes import encode_number, push
from minicoin.core.units import SECOND_US, Micros

REGTEST = lookup("regtest")
PAY_TO = b"\x51"
NOW = Micros((REGTEST.genesis.header.time + 5_000) * SECOND_US)


def spend(
    outpoint: Outpoint,
    *,
    witness: Witness = (),
    lock_time: int = 0,
    sequence: int = SEQUENCE_FINAL,
    padding: int = 0,
) -> Transaction:
    outputs = (TxOut(1, b"\x6a" + bytes(padding)),)
    witnesses = (witness,) if witness else ()
    return Transaction(2, (TxIn(outpoint, b"", sequence),), outputs, lock_time, witnesses)


def coin(number: int) -> Outpoint:
    return Outpoint(number.to_bytes(32, "big") + bytes(4))


def first_output(transaction: Transaction) -> Outpoint:
    return make_outpoint(transaction.txid, 0)


def template_of(
    transactions: Sequence[Transaction],
    *,
    network: Network = REGTEST,
    sigop_cost: int = 4,
    parent: HeaderNode | None = None,
    now: Micros = NOW,
) -> BlockTemplate:
    tree = HeaderTree(network)
    candidates = [Candidate(transaction, 100, sigop_cost) for transaction in transactions]
    return build_template(tree, parent or tree.genesis, candidates, PAY_TO, now)


def chosen(template: BlockTemplate) -> list[Transaction]:
    return [entry.transaction for entry in template.entries]


def solved(template: BlockTemplate) -> Block:
    found = search(make_job(template, 1), extra_nonce=3, tries=1000)
    assert found is not None
    return Block.parse(found.raw)


class TestBlock:
    def test_solved_template_is_a_valid_block(self) -> None:
        first = spend(coin(1), witness=(b"sig", b"key"))
        template = template_of([first, spend(first_output(first)), spend(coin(2))])
        block = solved(template)
        check_block(block)
        check_block_in_chain(block, template.rules)
        assert block.transactions[1:] == tuple(chosen(template))
        assert block.header.merkle_root == block_merkle_root(block.transactions)[0]
        HeaderTree(REGTEST).add(block.header, NOW)

    def test_commitment_covers_the_witnesses(self) -> None:
        template = template_of([spend(coin(1), witness=(b"sig",))])
        other = template_of([spend(coin(1), witness=(b"gis",))])
        assert template.witness_commitment != other.witness_commitment
        assert template.coinbase.outputs[1] == TxOut(0, template.witness_commitment or b"")
        assert template.coinbase.witnesses == ((bytes(32),),)
        block = solved(template)
        assert witness_merkle_root(block.transactions) != witness_merkle_root(solved(other).transactions)

    def test_pays_subsidy_and_fees(self) -> None:
        template = template_of([spend(coin(1)), spend(coin(2))])
        assert template.coinbase_value_sat == REGTEST.subsidy(1) + 200
        assert template.coinbase.outputs[0] == TxOut(template.coinbase_value_sat, PAY_TO)

    @pytest.mark.parametrize("height", [1, 16, 17, 127, 128, 255, 256, 32_767, 32_768, 8_388_608])
    def test_coinbase_begins_with_the_height(self, height: int) -> None:
        parent = HeaderNode(REGTEST.genesis.header, None, 1)
        parent.height = height - 1
        template = template_of([], parent=parent)
        script = template.coinbase.inputs[0].script_sig
        assert script.startswith(push(encode_number(height)))
        assert 2 <= len(script) <= 100
        at = template.extra_nonce_at
        assert template.coinbase.stripped[at - 1 : at + 8] == b"\x08" + bytes(8)
        check_block_in_chain(solved(template), template.rules)

    def test_without_segwit_there_is_no_commitment(self) -> None:
        template = template_of([spend(coin(1))], network=_before_segwit())
        assert template.witness_commitment is None
        assert len(template.coinbase.outputs) == 1
        block = solved(template)
        check_block_in_chain(block, template.rules)
        assert not block.transactions[0].has_witness

    def test_weight_counts_the_coinbase(self) -> None:
        template = template_of([spend(coin(1))])
        assert template.weight == solved(template).weight - 4 * 81


class TestHeader:
    def test_time_is_now_but_above_the_median(self) -> None:
        genesis_time = REGTEST.genesis.header.time
        assert template_of([]).time == genesis_time + 5_000
        early = template_of([], now=Micros(0))
        assert early.time == early.minimum_time == genesis_time + 1

    def test_bits_and_version_follow_the_chain(self) -> None:
        template = template_of([], network=lookup("btcd-simnet"))
        assert template.version == 0x2000_0000
        assert template.bits == 0x207FFFFF
        assert template.previous == lookup("btcd-simnet").genesis.hash
        assert template.height == 1

    def test_job_fixes_everything_but_the_nonces(self) -> None:
        job = make_job(template_of([spend(coin(1))]), 7, 123)
        assert (job.job, job.not_before_us, job.header.nonce) == (7, 123, 0)
        assert len(job.branch) == 1


class TestSelection:
    def test_keeps_the_order_and_names_parents(self) -> None:
        parent = spend(coin(1))
        child = spend(first_output(parent))
        template = template_of([spend(coin(2)), parent, child])
        assert chosen(template) == [spend(coin(2)), parent, child]
        assert [entry.depends for entry in template.entries] == [(), (), (2,)]

    def test_witnesses_wait_for_segwit_with_all_that_spends_them(self) -> None:
        signed = spend(coin(1), witness=(b"sig",))
        child = spend(first_output(signed))
        grandchild = spend(first_output(child))
        legacy = spend(coin(2))
        assert chosen(template_of([signed, child, grandchild, legacy], network=_before_segwit())) == [legacy]

    def test_locked_transactions_wait(self) -> None:
        soon = spend(coin(1), lock_time=1, sequence=0)
        ready = spend(coin(2), lock_time=1, sequence=SEQUENCE_FINAL)
        assert chosen(template_of([soon, ready])) == [ready]

    def test_lock_times_are_held_against_the_median_time(self) -> None:
        """BIP113: the block's own time is later than the parent's median."""
        locked = spend(coin(1), lock_time=REGTEST.genesis.header.time + 10, sequence=0)
        assert chosen(template_of([locked])) == []
        without = dataclasses.replace(REGTEST, deployments=Deployments(csv=Buried(None)))
        assert chosen(template_of([locked], network=without)) == [locked]

    def test_weight_limit_leaves_room_for_the_coinbase(self) -> None:
        big = [spend(coin(number), padding=99_000) for number in range(1, 15)]
        small = spend(coin(20))
        template = template_of([*big, small])
        assert chosen(template) == [*big[:10], small]
        assert solved(template).weight <= BLOCK_WEIGHT_MAX

    def test_sigop_limit(self) -> None:
        transactions = [spend(coin(number)) for number in range(1, 6)]
        assert chosen(template_of(transactions, sigop_cost=20_000)) == transactions[:3]


def _before_segwit() -> Network:
    never = Buried(None)
    return dataclasses.replace(REGTEST, deployments=Deployments(segwit=never, taproot=never))
