from decimal import Decimal

import pytest

from minicoin.core.descriptors.checksum import with_checksum
from minicoin.core.encoding.base58 import encode_base58check
from minicoin.core.params.builtin import REGTEST

SECRET = (1).to_bytes(32, "big")
KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
OTHER_KEY = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
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


def given_output(rpc, **scripts: str) -> dict[str, object]:
    made = rpc("createmultisig", 2, [KEY, OTHER_KEY])
    script = rpc("validateaddress", made["address"])["scriptPubKey"]
    return {"txid": "11" * 32, "vout": 0, "scriptPubKey": script, **(scripts or {"redeemScript": made["redeemScript"]})}


def test_two_signers_of_a_multisig_join_what_they_made(rpc) -> None:
    made = rpc("createmultisig", 2, [KEY, OTHER_KEY], "p2sh-segwit")
    (block,) = rpc("generatetodescriptor", 1, made["descriptor"])
    rpc("generatetodescriptor", 100, "raw(51)")
    txid = rpc("getblock", block)["tx"][0]
    output = rpc("getrawtransaction", txid, True, block)["vout"][0]
    script = output["scriptPubKey"]["hex"]
    given = {"txid": txid, "vout": 0, "scriptPubKey": script, "witnessScript": made["redeemScript"], "amount": 50}
    raw = unsigned(rpc, txid)
    first, second = (rpc("signrawtransactionwithkey", raw, [key], [given]) for key in (WIF, OTHER))
    assert first["complete"] is second["complete"] is False
    assert "more signatures are needed" in first["errors"][0]["error"]
    joined = rpc("combinerawtransaction", [first["hex"], second["hex"]])
    assert rpc("sendrawtransaction", joined) in rpc("getrawmempool")
    assert rpc.refusal("combinerawtransaction", [unsigned(rpc, "22" * 32)]) == (
        -25,
        "Input not found or already spent",
    )


def test_what_is_combined_is_one_transaction(rpc) -> None:
    raw, other = unsigned(rpc, "11" * 32), unsigned(rpc, "22" * 32)
    assert rpc.refusal("combinerawtransaction", []) == (-22, "Missing transactions")
    code, message = rpc.refusal("combinerawtransaction", [raw, raw + "00"])
    assert (code, message) == (-22, "TX decode failed for tx 1. Make sure the tx has at least one input.")
    assert rpc.refusal("combinerawtransaction", [raw, other])[0] == -8
    assert rpc.refusal("combinerawtransaction", [raw, 7])[0] == -3


@pytest.mark.parametrize(
    ("scripts", "problem"),
    [
        ({"amount": 1}, "Missing redeemScript/witnessScript"),
        ({"redeemScript": "51", "witnessScript": "52"}, "redeemScript does not correspond to witnessScript"),
        ({"redeemScript": "51"}, "redeemScript/witnessScript does not match scriptPubKey"),
        ({"witnessScript": "51"}, "redeemScript/witnessScript does not match scriptPubKey"),
        ({"redeemScript": "5"}, "redeemScript must be hexadecimal"),
    ],
)
def test_scripts_fit_the_output(rpc, scripts: dict[str, str], problem: str) -> None:
    raw = unsigned(rpc, "11" * 32)
    code, message = rpc.refusal("signrawtransactionwithkey", raw, [WIF], [given_output(rpc, **scripts)])
    assert code == -8 and message.startswith(problem)


def test_an_amount_is_asked_for_where_the_signature_covers_it(rpc) -> None:
    raw = unsigned(rpc, "11" * 32)
    assert rpc("signrawtransactionwithkey", raw, [WIF, OTHER], [given_output(rpc)])["complete"] is True
    made = rpc("createmultisig", 2, [KEY, OTHER_KEY], "p2sh-segwit")
    for address in (made["address"], rpc("deriveaddresses", with_checksum(f"wpkh({KEY})"))[0]):
        script = rpc("validateaddress", address)["scriptPubKey"]
        given = {"txid": "11" * 32, "vout": 0, "scriptPubKey": script, "witnessScript": made["redeemScript"]}
        code, message = rpc.refusal("signrawtransactionwithkey", raw, [WIF], [given])
        assert code == -8 and message.startswith("Missing amount")


def test_bad_arguments_are_named(rpc) -> None:
    raw = unsigned(rpc, "11" * 32)
    assert rpc.refusal("signrawtransactionwithkey", raw, [WIF[:-1]]) == (-5, "Invalid private key")
    assert rpc.refusal("signrawtransactionwithkey", raw, [7])[0] == -3
    assert rpc.refusal("signrawtransactionwithkey", raw, [WIF], [], "NONE")[0] == -8
    assert rpc.refusal("signrawtransactionwithkey", raw, [WIF], [], "all") == (
        -8,
        "'all' is not a valid sighash parameter.",
    )
    many = rpc("createrawtransaction", [{"txid": "11" * 32, "vout": at} for at in range(501)], {})
    code, message = rpc.refusal("signrawtransactionwithkey", many, [WIF])
    assert code == -8 and "at most 500 inputs" in message
