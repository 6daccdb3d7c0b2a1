"""Merkle roots and branches against a recursive model, and the doubled lists of CVE-2012-2459."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.primitives.merkle import block_merkle_root, merkle_branch, merkle_root, witness_merkle_root
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=33, unique=True)


def _hash(left: bytes, right: bytes) -> bytes:
    return sha256(sha256(left + right).digest()).digest()


def _naive(leaves: list[bytes], depth: int) -> bytes:
    """The root of 2**depth leaves, of which those that are missing repeat the last subtree of their level."""
    if depth == 0:
        return leaves[0]
    half = 1 << (depth - 1)
    left = _naive(leaves[:half], depth - 1)
    return _hash(left, _naive(leaves[half:], depth - 1) if len(leaves) > half else left)


@given(LEAVES)
def test_the_root(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == (_naive(leaves, (len(leaves) - 1).bit_length()), False)


@given(LEAVES, st.data())
def test_a_branch_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    found = leaves[index]
    position = index
    for sibling in merkle_branch(leaves, index):
        found = _hash(sibling, found) if position & 1 else _hash(found, sibling)
        position >>= 1
    assert found == merkle_root(leaves)[0]


def test_doubling_the_end_keeps_the_root_and_is_noticed() -> None:
    leaves = [bytes((number,)) * 32 for number in range(6)]
    root, is_mutated = merkle_root([*leaves, *leaves[4:]])
    assert (root, is_mutated) == (merkle_root(leaves)[0], True)
    assert merkle_root([])[0] == bytes(32)


def test_of_a_block_the_coinbase_counts_as_zero_among_the_witnesses() -> None:
    coinbase = Transaction(1, (TxIn(NULL_OUTPOINT),), (TxOut(1, b""),), 0, ((bytes(32),),))
    other = Transaction(2, (TxIn(NULL_OUTPOINT, b"\1"),), (TxOut(1, b""),), 0, ((b"witness",),))
    assert block_merkle_root([coinbase, other])[0] == _hash(coinbase.txid, other.txid)
    assert witness_merkle_root([coinbase, other]) == _hash(bytes(32), other.wtxid)
