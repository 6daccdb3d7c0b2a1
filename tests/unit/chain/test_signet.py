"""BIP325 on blocks of the real signet, judged by the real script engine."""

import dataclasses

import pytest

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.proof import make_block_proof
from minicoin.core.chain.signet import check_signet_solution, signet_transactions, take_solution
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.builtin import lookup
from minicoin.core.params.rules import SignetKind
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.merkle import merkle_root
from minicoin.core.primitives.transaction import Transaction, TxOut
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.units import SECOND_US, Micros
from minicoin.drivers.kernel import KernelVerifier

SIGNET = lookup("bitcoin-signet")
assert isinstance(SIGNET.proof, SignetKind)
CHALLENGE = SIGNET.proof.challenge
# Blocks 1 and 2 of the public signet.
BLOCKS = [
    Block.parse(bytes.fromhex(text))
    for text in (
        "00000020f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000f575c83235984e7dc4afc1f30944c170462e8443"
        "7ab6f2d52e16878a79e4678bd1914d5fae77031eccf4070001010000000001010000000000000000000000000000000000000000000000"
        "000000000000000000ffffffff025151feffffff0200f2052a010000001600149243f727dd5343293eb83174324019ec16c2630f0000"
        "000000000000776a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf94c4fecc7daa2490047"
        "304402205e423a8754336ca99dbe16509b877ef1bf98d008836c725005b3c787c41ebe46022047246e4467ad7cc7f1ad98662afcaf14c1"
        "15e0095a227c7b05c5182591c23e7e01000120000000000000000000000000000000000000000000000000000000000000000000000000",
        "00000020533b53ded9bff4adc94101d32400a144c54edc5ed492a3b26c63b2d686000000b38fef50592017cfafbcab88eb3d9cf50b2c8017"
        "11cad8299495d26df5e54812e7914d5fae77031ecfdd0b0001010000000001010000000000000000000000000000000000000000000000"
        "000000000000000000ffffffff025251feffffff0200f2052a01000000160014fd09839740f0e0b4fc6d5e2527e4022aa9b89dfa0000"
        "000000000000776a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf94c4fecc7daa2490047"
        "3044022031d64a1692cdad1fc0ced69838169fe19ae01be524d831b95fcf5ea4e6541c3c02204f9dea0801df8b4d0cd0857c62ab35c6c2"
        "5cc47c930630dc7fe723531daa3e9b01000120000000000000000000000000000000000000000000000000000000000000000000000000",
    )
]


def _with_commitment(block: Block, script: bytes | None) -> Block:
    """The block with another script in its commitment output, or without that output."""
    coinbase = block.transactions[0]
    outputs = coinbase.outputs[:1] if script is None else (coinbase.outputs[0], TxOut(0, script))
    changed = Transaction(coinbase.version, coinbase.inputs, outputs, coinbase.lock_time, coinbase.witnesses)
    return Block(block.header, (changed,))


def _refusal(block: Block, challenge: bytes = CHALLENGE) -> str:
    with pytest.raises(BlockRejected) as caught:
        check_signet_solution(block, challenge, KernelVerifier())
    assert caught.value.reason is BlockReason.BAD_SIGNATURE
    return caught.value.detail


def test_real_blocks_pass() -> None:
    parent = HeaderTree(SIGNET).genesis
    for block in BLOCKS:
        make_block_proof(SIGNET, lambda _: None).check_block(block, parent, KernelVerifier())
        parent = HeaderNode(block.header, parent, 1)


def test_their_headers_enter_the_tree() -> None:
    tree = HeaderTree(SIGNET)
    for block in BLOCKS:
        tree.add(block.header, Micros((block.header.time + 1) * SECOND_US))
    assert tree.best_header.height == 2


def test_the_engine_asks_for_solutions_and_the_genesis_block_for_none() -> None:
    engine = ChainEngine(SIGNET, MemoryChainStore(), KernelVerifier())
    assert engine.height == 0
    unsigned = _with_commitment(BLOCKS[0], BLOCKS[0].transactions[0].outputs[1].script_pubkey[:38])
    root, _ = merkle_root([transaction.txid for transaction in unsigned.transactions])
    header = dataclasses.replace(BLOCKS[0].header, merkle_root=root)
    with pytest.raises(BlockRejected) as caught:
        engine.store_block(RawBlock.parse(Block(header, unsigned.transactions).raw), 1)
    assert caught.value.reason is BlockReason.BAD_SIGNATURE
    for height, block in enumerate(BLOCKS, 1):
        engine.store_block(RawBlock.parse(block.raw), height)
    update, invalid = engine.activate(SIGNET.genesis.hash, tuple(block.hash for block in BLOCKS))
    assert (update.height, invalid) == (2, None)


def test_another_challenge_is_not_met() -> None:
    two_of_two = b"\x52" + CHALLENGE[1:]
    assert "does not satisfy" in _refusal(BLOCKS[0], two_of_two)


def test_solution_covers_the_header_and_the_transactions() -> None:
    block = BLOCKS[0]
    assert "does not satisfy" in _refusal(dataclasses.replace(block, header=BLOCKS[1].header))
    later = dataclasses.replace(block.header, time=block.header.time + 1)
    assert "does not satisfy" in _refusal(dataclasses.replace(block, header=later))
    assert "does not satisfy" in _refusal(dataclasses.replace(block, transactions=block.transactions * 2))


def test_solution_leaves_bits_and_nonce_free() -> None:
    header = dataclasses.replace(BLOCKS[0].header, nonce=1, bits=0x1E00FFFF)
    check_signet_solution(dataclasses.replace(BLOCKS[0], header=header), CHALLENGE, KernelVerifier())


def test_block_without_commitment_cannot_be_signed() -> None:
    assert "no witness commitment" in _refusal(_with_commitment(BLOCKS[0], None), b"\x51")


def test_trivial_challenge_needs_no_solution() -> None:
    script = BLOCKS[0].transactions[0].outputs[1].script_pubkey[:38]
    check_signet_solution(_with_commitment(BLOCKS[0], script), b"\x51", KernelVerifier())
    assert "does not satisfy" in _refusal(_with_commitment(BLOCKS[0], script))


@pytest.mark.parametrize(
    "solution", ["49", "00ff", "0001", "000102ff", "0000ff", "fd"], ids=lambda solution: f"solution {solution}"
)
def test_malformed_solutions(solution: str) -> None:
    payload = bytes.fromhex("ecc7daa2" + solution)
    script = BLOCKS[0].transactions[0].outputs[1].script_pubkey[:38] + bytes((len(payload),)) + payload
    assert "malformed" in _refusal(_with_commitment(BLOCKS[0], script), b"\x51")


def test_witness_solutions_reach_the_verifier() -> None:
    payload = bytes.fromhex("ecc7daa2" + "00" + "02" + "01aa" + "02bbcc")
    script = BLOCKS[0].transactions[0].outputs[1].script_pubkey[:38] + bytes((len(payload),)) + payload
    pair = signet_transactions(_with_commitment(BLOCKS[0], script), CHALLENGE)
    assert pair is not None
    assert pair[1].witnesses == ((b"\xaa", b"\xbb\xcc"),)
    assert pair[1].inputs[0].script_sig == b""
    verifier = ScriptedVerifier(frozenset([pair[1].wtxid]))
    with pytest.raises(BlockRejected):
        check_signet_solution(_with_commitment(BLOCKS[0], script), CHALLENGE, verifier)


@pytest.mark.parametrize(
    ("script", "solution", "rest"),
    [
        ("6a03010203", None, "6a03010203"),
        ("6a05ecc7daa2ff", "ff", "6a04ecc7daa2"),
        ("6a04ecc7daa2", None, "6a04ecc7daa2"),
        ("6a05ecc7daa2aa05ecc7daa2bb", "aa", "6a04ecc7daa205ecc7daa2bb"),
        ("6a4c05ecc7daa2ff", "ff", "6a04ecc7daa2"),
        ("6a05ecc7daa2ff0a01", "ff", "6a04ecc7daa2"),
        ("6a0005ecc7daa2ff51", "ff", "6a0004ecc7daa251"),
        ("", None, ""),
    ],
)
def test_solution_is_cut_out_of_its_push(script: str, solution: str | None, rest: str) -> None:
    expected = None if solution is None else bytes.fromhex(solution)
    assert take_solution(bytes.fromhex(script)) == (expected, bytes.fromhex(rest))
