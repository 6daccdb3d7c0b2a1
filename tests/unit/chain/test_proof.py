"""The ports of proofs: which a network has, and what work alone checks."""

import dataclasses

import pytest

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.proof import ProofOfWork, SignetSolution, WorkInHeader, make_block_proof, make_header_proof
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected

BITCOIN = lookup("bitcoin")


def test_networks_choose_their_proof() -> None:
    assert type(make_header_proof(BITCOIN)) is ProofOfWork
    assert type(make_block_proof(BITCOIN)) is WorkInHeader
    assert type(make_header_proof(lookup("bitcoin-signet"))) is ProofOfWork
    assert type(make_block_proof(lookup("bitcoin-signet"))) is SignetSolution


def test_genesis_headers_prove_themselves() -> None:
    for name in ("bitcoin", "bitcoin-signet", "main", "btcd-simnet"):
        network = lookup(name)
        make_header_proof(network).check_header(network.genesis.header)


def test_insufficient_work_names_the_hash() -> None:
    header = dataclasses.replace(BITCOIN.genesis.header, nonce=1)
    with pytest.raises(BlockRejected, match=f"high-hash, hash {header}") as caught:
        make_header_proof(BITCOIN).check_header(header)
    assert caught.value.reason is BlockReason.BAD_PROOF


def test_target_above_the_limit_is_refused_whatever_the_hash() -> None:
    easy = lookup("bitcoin-regtest").genesis.header
    with pytest.raises(BlockRejected, match="above the limit"):
        make_header_proof(BITCOIN).check_header(easy)


def test_work_of_known_targets() -> None:
    proof = make_header_proof(BITCOIN)
    header = BITCOIN.genesis.header
    assert proof.work(header) == 0x1_0001_0001
    assert proof.work(dataclasses.replace(header, bits=0x207FFFFF)) == 2
    assert proof.work(header) == 0x1_0001_0001


def test_work_asks_nothing_of_blocks() -> None:
    parent = HeaderNode(BITCOIN.genesis.header, None, 1)
    make_block_proof(BITCOIN).check_block(BITCOIN.genesis, parent, ScriptedVerifier())


def test_earliest_time_follows_the_median() -> None:
    parent = HeaderNode(BITCOIN.genesis.header, None, 1)
    assert make_header_proof(BITCOIN).earliest_time(parent) == BITCOIN.genesis.header.time + 1


def test_child_with_other_bits_is_refused() -> None:
    parent = HeaderNode(BITCOIN.genesis.header, None, 1)
    header = dataclasses.replace(BITCOIN.genesis.header, bits=0x1C00FFFF)
    with pytest.raises(BlockRejected, match="bad-diffbits, 0x1c00ffff, expected 0x1d00ffff"):
        make_header_proof(BITCOIN).check_child(header, parent)
