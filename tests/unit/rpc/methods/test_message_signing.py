from base64 import b64decode, b64encode

import pytest

from minicoin.core.descriptors.checksum import with_checksum
from minicoin.core.encoding.base58 import encode_base58check
from minicoin.core.params.builtin import REGTEST

SECRET = (7).to_bytes(32, "big")
WIF = encode_base58check(bytes((REGTEST.keys.wif,)) + SECRET + b"\x01")
UNCOMPRESSED = encode_base58check(bytes((REGTEST.keys.wif,)) + SECRET)
MESSAGE = "I hold it; \u00fcber alles."


def address(rpc, form: str) -> str:
    (found,) = rpc("deriveaddresses", with_checksum(form))
    return found


def test_a_signature_as_bitcoin_core_makes_it(rpc) -> None:
    wif = "cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N"
    made = "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0="
    assert rpc("signmessagewithprivkey", wif, "This is just a test message") == made
    assert rpc("verifymessage", address(rpc, f"pkh({wif})"), made, "This is just a test message") is True


@pytest.mark.parametrize("wif", [WIF, UNCOMPRESSED])
def test_it_holds_for_one_address_and_one_message(rpc, wif: str) -> None:
    signature = rpc("signmessagewithprivkey", wif, MESSAGE)
    holder = address(rpc, f"pkh({wif})")
    other = address(rpc, f"pkh({UNCOMPRESSED if wif == WIF else WIF})")
    assert rpc("verifymessage", holder, signature, MESSAGE) is True
    assert rpc("verifymessage", other, signature, MESSAGE) is False
    assert rpc("verifymessage", holder, signature, MESSAGE + ".") is False


@pytest.mark.parametrize("size", [0, 1, 64, 66])
def test_no_bytes_are_taken_for_a_signature(rpc, size: int) -> None:
    holder = address(rpc, f"pkh({WIF})")
    assert rpc("verifymessage", holder, b64encode(b"\x1f" * size).decode(), MESSAGE) is False


@pytest.mark.parametrize("first", [0, *range(26, 36), 255])
def test_a_damaged_signature_is_false_and_no_error(rpc, first: int) -> None:
    holder = address(rpc, f"pkh({WIF})")
    signature = b64decode(rpc("signmessagewithprivkey", WIF, MESSAGE))
    for damaged in (bytes((first,)) + b"\xff" * 64, bytes((first,)) + bytes(64), bytes((first,)) + signature[:0:-1]):
        assert rpc("verifymessage", holder, b64encode(damaged).decode(), MESSAGE) is False


def test_bad_arguments_are_named(rpc) -> None:
    holder, segwit = (address(rpc, f"{form}({WIF})") for form in ("pkh", "wpkh"))
    assert rpc.refusal("signmessagewithprivkey", WIF[:-1], MESSAGE) == (-5, "Invalid private key")
    for wrong, code, problem in (
        ("nowhere", -5, "Invalid address"),
        (segwit, -3, "Address does not refer to key"),
        (holder, -3, "Malformed base64 encoding"),
    ):
        found = rpc.refusal("verifymessage", wrong, "no_base64", MESSAGE)
        assert found[0] == code and found[1].startswith(problem)
    assert rpc.refusal("verifymessage", holder, "AAAA=", MESSAGE) == (-3, "Malformed base64 encoding")
