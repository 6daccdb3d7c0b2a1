"""Templates, classification and addresses; the official vectors of BIP173 and BIP350."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.pushes import push
from minicoin.core.script.standard import (
    ScriptType,
    address_script,
    classify,
    data_output,
    data_pushes,
    data_script,
    p2pkh_script,
    p2sh_script,
    p2wpkh_script,
    parse_multisig,
    script_address,
    witness_script,
)

BITCOIN = AddressFormat(0, 5, "bc")
TESTNET = AddressFormat(111, 196, "tb")
REGTEST = AddressFormat(111, 196, "mcrt")
KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
LONG_KEY = b"\x04" + bytes(64)

BIP350_VALID = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    (
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    (
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    ("BC1SW50QGDZ25J", "6002751e"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"),
    (
        "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
        "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
        "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
]

BIP350_INVALID = [
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
    "bc1gmk9yu",
]


@pytest.mark.parametrize(("address", "script"), BIP350_VALID)
def test_the_valid_addresses_of_bip350_both_ways(address: str, script: str) -> None:
    form = BITCOIN if address.lower().startswith("bc") else TESTNET
    assert address_script(address, form).hex() == script
    assert script_address(bytes.fromhex(script), form) == address.lower()


@pytest.mark.parametrize("address", BIP350_INVALID)
@pytest.mark.parametrize("form", [BITCOIN, TESTNET], ids=["bc", "tb"])
def test_the_invalid_addresses_of_bip350_are_refused(address: str, form: AddressFormat) -> None:
    with pytest.raises(DecodeError):
        address_script(address, form)


@pytest.mark.parametrize(
    ("address", "script"),
    [
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac"),
        ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac"),
    ],
)
def test_base58_addresses_both_ways(address: str, script: str) -> None:
    assert address_script(address, BITCOIN).hex() == script
    assert script_address(bytes.fromhex(script), BITCOIN) == address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "another network: prefix 'bc', expected 'mcrt'"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "another network: version byte 0, expected 111 or 196"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "Invalid checksum or length of Base58"),
        ("mcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "Invalid checksum"),
        ("", "empty"),
        ("hello", "Invalid or unsupported Segwit"),
        ("mcrt1q\N{LATIN SMALL LETTER E WITH ACUTE}", "Invalid character"),
    ],
)
def test_a_bad_address_is_named(text: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        address_script(text, REGTEST)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (p2pkh_script(bytes(20)), "pubkeyhash"),
        (p2sh_script(bytes(20)), "scripthash"),
        (p2wpkh_script(bytes(20)), "witness_v0_keyhash"),
        (witness_script(0, bytes(32)), "witness_v0_scripthash"),
        (witness_script(0, bytes(25)), "nonstandard"),
        (witness_script(1, bytes(32)), "witness_v1_taproot"),
        (witness_script(1, bytes(31)), "witness_unknown"),
        (witness_script(16, bytes(2)), "witness_unknown"),
        (bytes.fromhex("51024e73"), "anchor"),
        (push(KEY) + b"\xac", "pubkey"),
        (push(LONG_KEY) + b"\xac", "pubkey"),
        (push(b"\x02" + LONG_KEY[1:]) + b"\xac", "nonstandard"),
        (b"\x51" + push(KEY) + push(LONG_KEY) + b"\x52\xae", "multisig"),
        (b"\x53" + push(KEY) + push(KEY) + b"\x52\xae", "nonstandard"),
        (b"\x00" + push(KEY) + b"\x51\xae", "nonstandard"),
        (b"\x51" + push(KEY) * 17 + b"\x01\x11\xae", "multisig"),
        (b"\x51" + push(KEY) * 16 + b"\x01\x10\xae", "nonstandard"),
        (b"\x51" + push(KEY) * 21 + b"\x01\x15\xae", "nonstandard"),
        (b"\x6a", "nulldata"),
        (b"\x6a\x01a\x51", "nulldata"),
        (b"\x6a\x05a", "nonstandard"),
        (b"\x6a\xac", "nonstandard"),
        (b"", "nonstandard"),
        (b"\x51", "nonstandard"),
    ],
)
def test_classification(script: bytes, kind: str) -> None:
    assert classify(script) == ScriptType(kind)


def test_multisig_parts() -> None:
    multisig = parse_multisig(b"\x51" + push(KEY) + push(LONG_KEY) + b"\x52\xae")
    assert multisig is not None
    assert (multisig.required, multisig.keys) == (1, (KEY, LONG_KEY))


@given(st.binary(max_size=60))
def test_classification_and_addresses_never_crash(script: bytes) -> None:
    address = script_address(script, REGTEST)
    if address is not None:
        assert address_script(address, REGTEST) == script
        assert address_script(address.upper() if address.startswith("mcrt") else address, REGTEST) == script
    else:
        assert classify(script) not in (ScriptType.PUBKEY_HASH, ScriptType.WITNESS_V0_KEY_HASH)


@given(st.text(max_size=100))
def test_any_text_is_an_address_or_a_decode_error(text: str) -> None:
    with suppress(DecodeError):
        assert script_address(address_script(text, REGTEST), REGTEST) is not None


@given(st.lists(st.binary(min_size=0, max_size=300), max_size=4))
def test_data_outputs_carry_what_was_put_in(items: list[bytes]) -> None:
    script = data_script(*items)
    assert classify(script) is ScriptType.NULL_DATA
    assert data_pushes(script) == tuple(items)
    assert data_output(*items) == TxOut(0, script)


def test_only_data_outputs_have_data() -> None:
    assert data_pushes(p2wpkh_script(bytes(20))) is None
    assert data_pushes(b"\x6a\xac") is None
