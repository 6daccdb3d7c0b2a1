from decimal import Decimal

import pytest

from minicoin.core.descriptors.checksum import with_checksum
from minicoin.core.encoding.base58 import encode_base58check
from minicoin.core.params.builtin import REGTEST

SECRET = (1).to_bytes(32, "big")
KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
WIF = encode_base58check(bytes((REGTEST.keys.wif,)) + SECRET + b"\x01")
OTHER = encode_base58check(bytes((REGTEST.keys.wif,)) + (2).to_bytes(32, "big") + b"\x01")


def unsigned(rpc, txid: str) -> str:
    (address,) = rpc("deriveaddresses", with_checksum(f"wpkh({KEY})"))
    return rpc("createrawtransaction", [{"txid": txid, "vout": 0}], {address: Decimal("49.9999")})


@pytest.mark.parametrize("form", ["pkh", "wpkh"])
def test_what_is_signed_is_accepted(rpc, form: str) -> None:
    (block,) = rpc("generatetodescriptor", 1, f"{form}({KEY})")
    rpc("generatetodescriptor", 100, "raw(51)")
    raw = unsigned(rpc, rpc("getblock", block)["tx"][0])
    refused = rpc("signrawtransactionwithkey", raw, [OTHER])
    assert (refused["hex"], refused["complete"]) == (raw, False)
    assert refused["errors"][0]["error"].startswith("Unable to sign input")
    signed = rpc("signrawtransactionwithkey", raw, [OTHER, WIF])
    assert signed["complete"] is True and "errors" not in signed
    assert rpc("sendrawtransaction", signed["hex"]) in rpc("getrawmempool")


def test_outputs_that_are_not_in_the_chain_are_given(rpc) -> None:
    raw = unsigned(rpc, "11" * 32)
    unknown = rpc("signrawtransactionwithkey", raw, [WIF])
    assert unknown["errors"][0]["error"] == "Input not found or already spent"
    script = rpc("validateaddress", rpc("deriveaddresses", with_checksum(f"wpkh({KEY})"))[0])["scriptPubKey"]
    given = {"txid": "11" * 32, "vout": 0, "scriptPubKey": script, "amount": 50}
    assert rpc("signrawtransactionwithkey", raw, [WIF], [given])["complete"] is True


def test_bad_arguments_are_named(rpc) -> None:
    raw = unsigned(rpc, "11" * 32)
    assert rpc.refusal("signrawtransactionwithkey", raw, [WIF[:-1]]) == (-5, "Invalid private key")
    assert rpc.refusal("signrawtransactionwithkey", raw, [7])[0] == -3
    assert rpc.refusal("signrawtransactionwithkey", raw, [WIF], [], "NONE")[0] == -8
    many = rpc("createrawtransaction", [{"txid": "11" * 32, "vout": at} for at in range(501)], {})
    code, message = rpc.refusal("signrawtransactionwithkey", many, [WIF])
    assert code == -8 and "at most 500 inputs" in message
