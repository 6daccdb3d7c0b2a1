"""Segwit addresses: the pairs of BIP173 and BIP350, round trips, and Bitcoin Core's words for what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.encoding.bech32 import (
    BECH32,
    BECH32M,
    decode_bech32,
    encode_segwit,
    remainder_of,
    witness_program_of,
)
from minicoin.core.faults import DecodeError


@pytest.mark.parametrize(
    ("address", "version", "program"),
    [
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", 0, "751e76e8199196d454941c45d1b3a323f1433bd6"),
        (
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
            0,
            "1863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
        ),
        ("BC1SW50QGDZ25J", 16, "751e"),
        ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", 2, "751e76e8199196d454941c45d1b3a323"),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            1,
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        ),
    ],
)
def test_published_addresses(address: str, version: int, program: str) -> None:
    decoded = decode_bech32(address)
    assert decoded is not None
    hrp, values, constant = decoded
    assert witness_program_of(values, constant) == (version, bytes.fromhex(program))
    assert encode_segwit(hrp, version, bytes.fromhex(program)) == address.lower()


@given(
    st.sampled_from(["bc", "bcrt", "minilab"]),
    st.one_of(
        st.tuples(st.just(0), st.one_of(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32))),
        st.tuples(st.integers(1, 16), st.binary(min_size=2, max_size=40)),
    ),
)
def test_round_trip(hrp: str, witness: tuple[int, bytes]) -> None:
    decoded = decode_bech32(encode_segwit(hrp, *witness))
    assert decoded is not None
    assert decoded[0] == hrp
    assert decoded[2] == (BECH32 if witness[0] == 0 else BECH32M)
    assert witness_program_of(decoded[1], decoded[2]) == witness


@pytest.mark.parametrize(
    ("version", "program_bytes", "constant", "problem"),
    [
        (0, 20, BECH32M, "Version 0 witness address must use Bech32 checksum"),
        (1, 32, BECH32, "Version 1"),
        (0, 21, BECH32, r"Invalid Bech32 v0 address program size \(21 bytes\)"),
        (17, 32, BECH32M, "Invalid Bech32 address witness version"),
        (1, 1, BECH32M, r"Invalid Bech32 address program size \(1 byte\)"),
        (1, 41, BECH32M, r"Invalid Bech32 address program size \(41 bytes\)"),
    ],
)
def test_what_is_no_witness_program(version: int, program_bytes: int, constant: int, problem: str) -> None:
    bits = "".join(f"{byte:08b}" for byte in bytes(program_bytes))
    bits += "0" * (-len(bits) % 5)
    values = [version, *(int(bits[at : at + 5], 2) for at in range(0, len(bits), 5))]
    with pytest.raises(DecodeError, match=problem):
        witness_program_of(values, constant)


def test_padding_has_to_be_zero_and_short() -> None:
    with pytest.raises(DecodeError, match="padding"):
        witness_program_of([1, 0, 0, 0, 1], BECH32M)
    with pytest.raises(DecodeError, match="Empty"):
        witness_program_of([], BECH32M)


@pytest.mark.parametrize("text", ["", "1", "bc1", "x1b4n0q5v", "A1G7SGD8 ", "bc1qw508D6", "\x201nwldj5", "a" * 91])
def test_what_is_no_bech32_at_all(text: str) -> None:
    assert decode_bech32(text) is None


def test_an_empty_text_leaves_the_remainder_of_its_prefix() -> None:
    assert remainder_of("a", [14, 20, 15, 7, 13, 16]) != remainder_of("b", [14, 20, 15, 7, 13, 16])
