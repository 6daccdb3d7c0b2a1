"""Packed coins and undo data: round trips, and damage that is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.chain.undo import decode_undo, encode_undo, pack_coin, unpack_coin, unpack_output
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.primitives.verdicts import Coin

BLOCK = BlockHash(b"\x02" * 32)
coins = st.builds(
    Coin,
    st.builds(TxOut, st.integers(0, 21 * 10**14), st.binary(max_size=300)),
    st.integers(0, 2**31 - 1),
    st.booleans(),
)


@given(coins)
def test_coin_round_trip(coin):
    assert unpack_coin(pack_coin(coin)) == coin
    assert unpack_output(pack_coin(coin)) == coin.output


@given(st.lists(coins, max_size=5))
def test_undo_round_trip(spent):
    packed = [pack_coin(coin) for coin in spent]
    assert decode_undo(BLOCK, encode_undo(BLOCK, packed)) == packed


@pytest.mark.parametrize("at", [0, 5, -1])
def test_damage_is_noticed(at):
    raw = bytearray(encode_undo(BLOCK, [pack_coin(Coin(TxOut(7, b"\x51"), 3, True))]))
    raw[at] ^= 1
    with pytest.raises(DecodeError, match="checksum"):
        decode_undo(BLOCK, bytes(raw))


def test_undo_belongs_to_one_block():
    raw = encode_undo(BLOCK, [])
    with pytest.raises(DecodeError):
        decode_undo(BlockHash(bytes(32)), raw)
    with pytest.raises(DecodeError):
        decode_undo(BLOCK, b"short")
