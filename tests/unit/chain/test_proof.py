"""The ports of proofs: which a network has, and what work alone checks."""

import dataclasses

import pytest

from minicoin.core.chain.certified import make_certified
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.proof import (
    HeaderProof,
    ProofOfWork,
    SignersHeader,
    SignetSolution,
    WorkInHeader,
    make_block_proof,
    make_header_proof,
)
from minicoin.core.chain.signed_blocks import SignedBlocks
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.testing.certified_chain import signer_network, signing_keys

BITCOIN = lookup("bitcoin")
BANKS = signer_network(signing_keys(4), min_interval_s=30)


def nowhere(block: BlockHash) -> int | None:
    return None


def test_networks_choose_their_proof() -> None:
    assert type(make_header_proof(BITCOIN, None)) is ProofOfWork
    assert type(make_block_proof(BITCOIN, nowhere)) is WorkInHeader
    assert type(make_header_proof(lookup("bitcoin-signet"), None)) is ProofOfWork
    assert type(make_block_proof(lookup("bitcoin-signet"), nowhere)) is SignetSolution
    assert type(signed_proof()) is SignersHeader
    assert type(make_block_proof(BANKS, nowhere)) is SignedBlocks


def test_genesis_headers_prove_themselves() -> None:
    for name in ("bitcoin", "bitcoin-signet", "main", "btcd-simnet"):
        network = lookup(name)
        make_header_proof(network, None).check_header(network.genesis.header)


def test_insufficient_work_names_the_hash() -> None:
    header = dataclasses.replace(BITCOIN.genesis.header, nonce=1)
    with pytest.raises(BlockRejected, match=f"high-hash, hash {header}") as caught:
        make_header_proof(BITCOIN, None).check_header(header)
    assert caught.value.reason is BlockReason.BAD_PROOF


def test_target_above_the_limit_is_refused_whatever_the_hash() -> None:
    easy = lookup("bitcoin-regtest").genesis.header
    with pytest.raises(BlockRejected, match="above the limit"):
        make_header_proof(BITCOIN, None).check_header(easy)


def test_work_of_known_targets() -> None:
    proof = make_header_proof(BITCOIN, None)
    header = BITCOIN.genesis.header
    assert proof.work(header) == 0x1_0001_0001
    assert proof.work(dataclasses.replace(header, bits=0x207FFFFF)) == 2
    assert proof.work(header) == 0x1_0001_0001


def test_work_asks_nothing_of_blocks() -> None:
    parent = HeaderNode(BITCOIN.genesis.header, None, 1)
    make_block_proof(BITCOIN, nowhere).check_block(BITCOIN.genesis, parent, ScriptedVerifier())


def test_earliest_time_follows_the_median() -> None:
    parent = HeaderNode(BITCOIN.genesis.header, None, 1)
    assert make_header_proof(BITCOIN, None).earliest_time(parent) == BITCOIN.genesis.header.time + 1


def test_child_with_other_bits_is_refused() -> None:
    parent = HeaderNode(BITCOIN.genesis.header, None, 1)
    header = dataclasses.replace(BITCOIN.genesis.header, bits=0x1C00FFFF)
    with pytest.raises(BlockRejected, match="bad-diffbits, 0x1c00ffff, expected 0x1d00ffff"):
        make_header_proof(BITCOIN, None).check_child(header, parent)


def signed_proof() -> HeaderProof:
    return make_header_proof(BANKS, make_certified(BANKS, nowhere))


def test_signed_headers_count_one_and_keep_the_least_distance_there_is() -> None:
    proof = signed_proof()
    genesis = BANKS.genesis.header
    parent = HeaderNode(genesis, None, 1)
    assert proof.work(genesis) == proof.work(dataclasses.replace(genesis, bits=0x1D00FFFF)) == 1
    assert proof.next_bits(parent, genesis.time + 30) == 0x207FFFFF
    assert proof.earliest_time(parent) == genesis.time + 30
    good = dataclasses.replace(genesis, previous=genesis.hash, time=genesis.time + 30, bits=0x207FFFFF)
    # The 30 s of its height are the block's to keep: members may have set another distance.
    proof.check_child(dataclasses.replace(good, time=genesis.time + 1), parent)
    with pytest.raises(BlockRejected, match="time-too-old"):
        proof.check_child(dataclasses.replace(good, time=genesis.time), parent)
    with pytest.raises(BlockRejected, match="bad-diffbits"):
        proof.check_child(dataclasses.replace(good, bits=0x207FFFFE), parent)
    assert proof.permits(1, good, genesis, None)
    assert not proof.permits(1, dataclasses.replace(good, bits=0x1D00FFFF), genesis, None)


def test_signed_headers_meet_their_target_all_the_same() -> None:
    proof = signed_proof()
    tries = (dataclasses.replace(BANKS.genesis.header, bits=0x207FFFFF, nonce=nonce) for nonce in range(64))
    refused = 0
    for header in tries:
        try:
            proof.check_header(header)
        except BlockRejected:
            refused += 1
    assert 0 < refused < 64
