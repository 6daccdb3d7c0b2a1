"""Peer ids: the examples of libp2p/specs, both texts, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.libp2p import vectors as v

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.keys import KeyType
from minicoin.core.libp2p.peer_id import PeerId


@pytest.mark.parametrize(
    "text",
    [
        "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
    ],
)
def test_base58_examples_of_the_specification(text: str) -> None:
    assert str(PeerId.parse(text)) == text
    assert PeerId.parse(PeerId.parse(text).to_cid()) == PeerId.parse(text)


def test_cid_example_of_the_specification() -> None:
    text = "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe"
    peer = PeerId.parse(text)
    assert peer.to_cid() == text
    # The specification gives this id in both forms.
    assert str(peer) == "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"


def test_other_multibases_of_a_cid() -> None:
    peer = PeerId.of_key(v.ED25519_PUBLIC)
    cid = b"\x01\x72" + peer.multihash
    assert PeerId.parse("z" + encode_base58(cid)) == peer
    digits, number = "", int.from_bytes(cid, "big")
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    assert PeerId.parse("k" + digits) == peer


def test_short_keys_stand_in_the_id_and_long_ones_are_hashed() -> None:
    short = PeerId.of_key(v.ED25519_PUBLIC)
    assert short.multihash == b"\x00\x24" + v.ED25519_PUBLIC and str(short).startswith("12D3Koo")
    key = short.public_key()
    assert key is not None and key.type is KeyType.ED25519
    long = PeerId.of_key(v.GO_RSA_PUBLIC)
    assert long.multihash[:2] == b"\x12\x20" and str(long).startswith("Qm") and long.public_key() is None
    assert str(PeerId.of_key(v.SECP256K1_PUBLIC)).startswith("16Uiu2HA")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5S",
        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5",
        "Qm0OIl",
        "x12D3",
        "b!!!",
        "bafzŸŸ",
        "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
        "kUPPER",
        "1" * 200,
    ],
)
def test_refuses_other_texts(text: str) -> None:
    with pytest.raises(DecodeError):
        PeerId.parse(text)


@given(st.binary(max_size=48))
def test_any_bytes_are_an_id_or_refused(multihash: bytes) -> None:
    try:
        peer = PeerId(multihash)
    except DecodeError:
        return
    assert PeerId.parse(str(peer)) == peer or not str(peer).startswith(("1", "Qm"))
