"""Seed words and derivation against the official vectors of BIP39, BIP32 and BIP84, embit's own behaviour included."""

import pytest
from embit import bip32, bip39
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.params.bitcoin import BITCOIN
from minicoin.core.params.bitcoin import REGTEST as BITCOIN_REGTEST
from minicoin.core.params.builtin import MAIN, REGTEST
from minicoin.core.script.standard import p2wpkh_script, script_address
from minicoin.core.wallet.keys import (
    AccountKey,
    Chain,
    KeyPath,
    SigningKey,
    entropy_from_mnemonic,
    mnemonic_from_entropy,
    path_text,
)

# Entropy, words, seed with the passphrase TREZOR.
BIP39_VECTORS = [
    (
        "00" * 16,
        "abandon " * 11 + "about",
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553"
        "1f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
    ),
    (
        "7f" * 16,
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
        "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6f"
        "a457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
    ),
    (
        "80" * 16,
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
        "d71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30"
        "fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8",
    ),
    (
        "ff" * 16,
        "zoo " * 11 + "wrong",
        "ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13"
        "332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069",
    ),
    (
        "00" * 32,
        "abandon " * 23 + "art",
        "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd30971"
        "70af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8",
    ),
]

BIP84_WORDS = "abandon " * 11 + "about"


@pytest.mark.parametrize(("entropy", "words", "seed"), BIP39_VECTORS)
def test_bip39_vectors(entropy: str, words: str, seed: str) -> None:
    assert mnemonic_from_entropy(bytes.fromhex(entropy)) == words
    assert entropy_from_mnemonic(words).hex() == entropy
    assert bip39.mnemonic_to_seed(words, "TREZOR").hex() == seed


@given(st.binary(min_size=16, max_size=16) | st.binary(min_size=32, max_size=32))
def test_words_round_trip_in_any_case_and_spacing(entropy: bytes) -> None:
    words = mnemonic_from_entropy(entropy)
    assert len(words.split()) in (12, 24)
    assert entropy_from_mnemonic("  " + words.upper().replace(" ", "  \n")) == entropy


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("abandon " * 12, "checksum"),
        ("abandon " * 11 + "abouts", "word 12 .* not in the list: 'abouts'"),
        ("abandon " * 10 + "about", "12 or 24 words, these are 11"),
        ("abandon " * 14 + "address", "12 or 24 words, these are 15"),
        ("", "these are 0"),
    ],
)
def test_bad_words_are_named(words: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        entropy_from_mnemonic(words)


def test_other_lengths_of_entropy_are_misuse() -> None:
    with pytest.raises(MisuseError):
        mnemonic_from_entropy(bytes(20))


def test_bip32_vector_1() -> None:
    root = bip32.HDKey.from_seed(bytes.fromhex("000102030405060708090a0b0c0d0e0f"))
    assert root.to_base58() == (
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
    )
    child = root.derive("m/0h/1/2h/2/1000000000")
    assert child.to_base58() == (
        "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76"
    )
    assert child.to_public().to_base58() == (
        "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy"
    )


def test_bip32_vector_3_keeps_leading_zeros() -> None:
    root = bip32.HDKey.from_seed(
        bytes.fromhex(
            "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4ac"
            "ba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be"
        )
    )
    assert root.derive("m/0h").to_base58() == (
        "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L"
    )


@pytest.mark.parametrize(
    ("path", "address"),
    [
        (KeyPath(Chain.RECEIVING, 0), "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"),
        (KeyPath(Chain.RECEIVING, 1), "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"),
        (KeyPath(Chain.CHANGE, 0), "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"),
    ],
)
def test_bip84_addresses(path: KeyPath, address: str) -> None:
    account = SigningKey.from_entropy(entropy_from_mnemonic(BIP84_WORDS), BITCOIN).account_key(BITCOIN)
    assert script_address(p2wpkh_script(account.key_hash(path)), BITCOIN.address_format) == address


def test_bip84_keys() -> None:
    key = SigningKey.from_entropy(entropy_from_mnemonic(BIP84_WORDS), BITCOIN)
    account = key.account_key(BITCOIN)
    first = KeyPath(Chain.RECEIVING, 0)
    assert account.public_key(first).hex() == "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c"
    # BIP84 writes the account key with its own version bytes; the key behind them is the same.
    zpub = bip32.HDKey.from_base58(
        "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
    )
    assert str(account) == zpub.to_base58(BITCOIN.keys.bip32_public)
    assert repr(key) == "SigningKey(...)"


@pytest.mark.parametrize("network", [MAIN, REGTEST, BITCOIN, BITCOIN_REGTEST], ids=lambda network: network.name)
def test_private_and_public_derivation_agree(network) -> None:  # type: ignore[no-untyped-def]
    key = SigningKey.from_entropy(bytes(range(32)), network)
    account = AccountKey.parse(str(key.account_key(network)), network)
    for path in (KeyPath(Chain.RECEIVING, 0), KeyPath(Chain.CHANGE, 7)):
        secret = bip32.ec.PrivateKey(key.secret(path))
        assert secret.get_public_key().sec() == account.public_key(path)


def test_coin_types_keep_networks_apart() -> None:
    path = KeyPath(Chain.RECEIVING, 0)
    hashes = {
        SigningKey.from_entropy(bytes(16), network).account_key(network).key_hash(path)
        for network in (MAIN, REGTEST, BITCOIN)
    }
    assert len(hashes) == 3


def test_account_keys_of_another_network_or_depth_are_refused() -> None:
    key = SigningKey.from_entropy(bytes(16), BITCOIN)
    with pytest.raises(DecodeError, match="not an account's public key of the network regtest"):
        AccountKey.parse(str(key.account_key(BITCOIN)), REGTEST)
    with pytest.raises(DecodeError):
        AccountKey.parse(str(key.account_key(BITCOIN))[:-1] + "1", BITCOIN)
    root = bip32.HDKey.from_seed(bytes(32)).to_public().to_base58()
    with pytest.raises(DecodeError):
        AccountKey.parse(root, BITCOIN)
    with pytest.raises(DecodeError):
        AccountKey.parse("", BITCOIN)


def test_paths_as_text_lead_to_the_key() -> None:
    path = KeyPath(Chain.CHANGE, 7)
    assert path_text(path, BITCOIN) == "m/84h/0h/0h/1/7"
    root = bip32.HDKey.from_seed(bip39.mnemonic_to_seed(mnemonic_from_entropy(bytes(16))))
    secret = SigningKey.from_entropy(bytes(16), REGTEST).secret(path)
    assert root.derive(path_text(path, REGTEST)).secret == secret
