"""Public keys of every type: the signatures of go-libp2p's fixtures verify, and nothing else does."""

import pytest
from cryptography.hazmat.primitives.asymmetric.dsa import generate_private_key as generate_dsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.libp2p import vectors as v

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.keys import PUBLIC_KEY_BYTES_MAX, KeyType, PublicKey, encode_key_message


@pytest.mark.parametrize(
    ("key", "signature", "key_type"),
    [
        (v.GO_RSA_PUBLIC, v.GO_RSA_SIGNATURE, KeyType.RSA),
        (v.GO_SECP256K1_PUBLIC, v.GO_SECP256K1_SIGNATURE, KeyType.SECP256K1),
        (v.GO_ECDSA_PUBLIC, v.GO_ECDSA_SIGNATURE, KeyType.ECDSA),
    ],
)
def test_signatures_of_go(key: bytes, signature: bytes, key_type: KeyType) -> None:
    public = PublicKey.decode(key)
    assert public.type is key_type and public.encoded == key
    assert public.verifies(signature, v.MESSAGE)
    assert not public.verifies(signature, v.MESSAGE + b"!")
    assert not public.verifies(signature[:-1], v.MESSAGE)
    assert not public.verifies(b"", v.MESSAGE)


def der(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "without type or key"),
        (encode_key_message(KeyType.ED25519, b"")[:2], "without type or key"),
        (b"\x08\x09\x12\x00", "key type 9"),
        (encode_key_message(KeyType.ED25519, bytes(31)), "not a ED25519"),
        (encode_key_message(KeyType.SECP256K1, bytes(33)), "not a SECP256K1"),
        (encode_key_message(KeyType.RSA, b"junk"), "not a RSA"),
        (encode_key_message(KeyType.ECDSA, b"junk"), "not a ECDSA"),
        (bytes(PUBLIC_KEY_BYTES_MAX + 1), "at most"),
    ],
)
def test_refuses_what_is_no_key(message: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        PublicKey.decode(message)


def test_refuses_weak_and_disguised_keys() -> None:
    with pytest.raises(DecodeError, match="1024 bits"):
        PublicKey.decode(encode_key_message(KeyType.RSA, der(generate_rsa(65_537, 1_024))))
    with pytest.raises(DecodeError, match="another kind"):
        PublicKey.decode(encode_key_message(KeyType.RSA, der(generate_ec(SECP256R1()))))
    with pytest.raises(DecodeError, match="another kind"):
        PublicKey.decode(encode_key_message(KeyType.ECDSA, der(generate_dsa(1_024))))
