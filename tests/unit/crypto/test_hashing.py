"""Hashes against published values."""

from hashlib import sha256

from minicoin.core.crypto.hashing import hash160, sha256d, tagged_hash


def test_sha256d() -> None:
    assert sha256d(b"hello").hex() == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"
    assert sha256d(memoryview(b"hello")) == sha256d(b"hello")


def test_hash160_of_the_generator_as_a_key() -> None:
    key = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
    assert hash160(key).hex() == "751e76e8199196d454941c45d1b3a323f1433bd6"


def test_a_tag_keeps_uses_of_one_hash_apart() -> None:
    tag = sha256(b"BIP0340/challenge").digest()
    assert tagged_hash("BIP0340/challenge", b"m") == sha256(tag + tag + b"m").digest()
    assert tagged_hash("TapLeaf", b"m") != tagged_hash("TapTweak", b"m")
