"""The assembly text, as Bitcoin Core prints it."""

import pytest

from minicoin.core.script.asm import is_signature, script_asm
from minicoin.core.script.pushes import push

# A signature and key of the first transaction of Bitcoin's block 170.
SIGNATURE = (
    "304402204e45e16932b8af514961a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd41"
    "0220181522ec8eca07de4860a4acdd12909d831cc56cbbac4622082221a8768d1d09"
)


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("", ""),
        (
            "76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac",
            "OP_DUP OP_HASH160 77bff20c60e522dfaa3350c39b030a5d004e839a OP_EQUALVERIFY OP_CHECKSIG",
        ),
        ("0014751e76e8199196d454941c45d1b3a323f1433bd6", "0 751e76e8199196d454941c45d1b3a323f1433bd6"),
        ("6a0548656c6c6f", "OP_RETURN 48656c6c6f"),
        ("6a0462706d3d", "OP_RETURN 1030582370"),
        ("4f515260", "-1 1 2 16"),
        ("0181", "-1"),
        (
            "50b1b2bab9ffbb",
            "OP_RESERVED OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY OP_CHECKSIGADD OP_NOP10 "
            "OP_INVALIDOPCODE OP_UNKNOWN",
        ),
        ("7605aa", "OP_DUP [error]"),
        ("6362", "OP_IF OP_VER"),
    ],
)
def test_texts(script: str, text: str) -> None:
    assert script_asm(bytes.fromhex(script)) == text


def test_a_signature_shows_its_sighash_type() -> None:
    script = push(bytes.fromhex(SIGNATURE + "01"))
    assert script_asm(script) == SIGNATURE + "01"
    assert script_asm(script, names_sighash=True) == SIGNATURE + "[ALL]"
    single = push(bytes.fromhex(SIGNATURE + "83"))
    assert script_asm(single, names_sighash=True) == SIGNATURE + "[SINGLE|ANYONECANPAY]"
    undefined = push(bytes.fromhex(SIGNATURE + "05"))
    assert script_asm(undefined, names_sighash=True) == SIGNATURE + "05"


def test_signatures_are_recognised_strictly() -> None:
    good = bytes.fromhex(SIGNATURE + "01")
    assert is_signature(good)
    for spoilt in (good[:-1], b"\x31" + good[1:], good[:4] + b"\xce" + good[5:], good[:3] + b"\x00" + good[4:], b""):
        assert not is_signature(spoilt)
