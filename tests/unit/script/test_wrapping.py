"""What P2SH may commit to, and the witness output that asks for the same."""

from hashlib import sha256

import pytest

from minicoin.core.crypto.hashing import hash160
from minicoin.core.script.wrapping import may_be_wrapped, segwit_form

KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
LONG_KEY = b"\x04" + bytes(64)
P2PKH = b"\x76\xa9\x14" + hash160(KEY) + b"\x88\xac"
P2PK = b"\x21" + KEY + b"\xac"
MULTISIG = b"\x51\x21" + KEY + b"\x51\xae"
ODD = b"\x93\x87"


@pytest.mark.parametrize("script", [P2PKH, P2PK, MULTISIG, ODD, b"\x00\x14" + bytes(20), b"\x00\x20" + bytes(32)])
def test_may_be_wrapped(script: bytes) -> None:
    assert may_be_wrapped(script)


@pytest.mark.parametrize(
    "script",
    [
        b"\x6a\x01\x01",
        b"\xa9\x14" + bytes(20) + b"\x87",
        b"\x51\x20" + bytes(32),
        b"\x52\x02\x01\x01",
        b"\x51\x02\x4e\x73",
        b"\x05\x01",
        b"\xba",
        b"\x50",
        b"\x4d\x09\x02" + bytes(521) + b"\x75",
    ],
)
def test_never_wrapped(script: bytes) -> None:
    assert not may_be_wrapped(script)


@pytest.mark.parametrize(
    ("script", "form"),
    [
        (P2PK, b"\x00\x14" + hash160(KEY)),
        (P2PKH, b"\x00\x14" + hash160(KEY)),
        (MULTISIG, b"\x00\x20" + sha256(MULTISIG).digest()),
        (ODD, b"\x00\x20" + sha256(ODD).digest()),
        (b"\x41" + LONG_KEY + b"\xac", None),
        (b"\x51\x41" + LONG_KEY + b"\x51\xae", None),
        (b"\x00\x14" + bytes(20), None),
        (b"\xa9\x14" + bytes(20) + b"\x87", None),
    ],
)
def test_the_witness_output_that_asks_for_the_same(script: bytes, form: bytes | None) -> None:
    assert segwit_form(script) == form
