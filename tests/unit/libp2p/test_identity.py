"""Own identities: the specification's key pairs, key files of go- and js-libp2p, signatures of every type."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.unit.libp2p import vectors as v

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.identity import KEY_FILE_BYTES_MAX, Identity
from minicoin.core.libp2p.keys import KeyType, PublicKey, encode_key_message
from minicoin.core.libp2p.peer_id import PeerId

PAIRS = [
    (v.ED25519_PRIVATE, v.ED25519_PUBLIC),
    (v.SECP256K1_PRIVATE, v.SECP256K1_PUBLIC),
    (v.ECDSA_PRIVATE, v.ECDSA_PUBLIC),
    (v.GO_RSA_PRIVATE, v.GO_RSA_PUBLIC),
    (v.GO_SECP256K1_PRIVATE, v.GO_SECP256K1_PUBLIC),
    (v.GO_ECDSA_PRIVATE, v.GO_ECDSA_PUBLIC),
]


@pytest.mark.parametrize(("private", "public"), PAIRS)
def test_public_key_of_the_private_key(private: bytes, public: bytes) -> None:
    identity = Identity.decode(private)
    assert identity.public_key == public
    assert identity.private_message == private
    assert identity.peer_id == PeerId.of_key(public)


@pytest.mark.parametrize(("private", "public"), PAIRS)
def test_signatures_verify(private: bytes, public: bytes) -> None:
    signature = Identity.decode(private).sign(b"message")
    assert PublicKey.decode(public).verifies(signature, b"message")
    assert not PublicKey.decode(public).verifies(signature, b"another")


def test_secp256k1_signatures_take_the_lower_s() -> None:
    """BIP62, which the specification refers to: the higher one is as valid in mathematics and refused by some peers."""
    identity = Identity.decode(v.SECP256K1_PRIVATE)
    half = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
    for number in range(20):
        signature = identity.sign(bytes((number,)))
        assert decode_dss_signature(signature)[1] <= half
        assert PublicKey.decode(identity.public_key).verifies(signature, bytes((number,)))


@pytest.mark.parametrize(
    "content",
    [
        v.ED25519_PRIVATE,
        base64.b64encode(v.ED25519_PRIVATE),
        base64.b64encode(v.ED25519_PRIVATE) + b"\n",
        b"m" + base64.b64encode(v.ED25519_PRIVATE).rstrip(b"="),
        base64.b64encode(v.ED25519_PRIVATE).rstrip(b"="),
    ],
)
def test_key_files(content: bytes) -> None:
    assert Identity.read_key_file(content).public_key == v.ED25519_PUBLIC


def test_the_older_ed25519_form() -> None:
    key = v.ED25519_PRIVATE[4:]
    older = encode_key_message(KeyType.ED25519, key + key[32:])
    assert Identity.decode(older) == Identity.decode(v.ED25519_PRIVATE)
    with pytest.raises(DecodeError, match="96 bytes"):
        Identity.decode(encode_key_message(KeyType.ED25519, key + bytes(32)))


def test_seeds() -> None:
    assert Identity.from_number(1).peer_id == Identity.from_number(1).peer_id != Identity.from_number(2).peer_id
    # Printed in documentation and lab files: must not change.
    assert str(Identity.from_number(1).peer_id) == "12D3KooWQzh94LCsDcPSSxYBDVZjquTKwKqpH4Lb9fxvMFDgckur"
    identity = Identity.from_seed(bytes(32))
    assert Identity.decode(identity.private_message) == identity
    assert repr(identity.private_message) not in repr(identity)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"junk",
        "ключ".encode(),
        v.ED25519_PRIVATE[:-1],
        v.ED25519_PUBLIC,
        encode_key_message(KeyType.ED25519, bytes(64)),
        encode_key_message(KeyType.SECP256K1, bytes(32)),
        encode_key_message(KeyType.SECP256K1, bytes(31)),
        encode_key_message(KeyType.RSA, b"junk"),
        encode_key_message(KeyType.RSA, v.ECDSA_PRIVATE[4:]),
        encode_key_message(KeyType.ECDSA, b""),
        bytes(KEY_FILE_BYTES_MAX + 1),
    ],
)
def test_refuses_other_files(content: bytes) -> None:
    with pytest.raises(DecodeError):
        Identity.read_key_file(content)
