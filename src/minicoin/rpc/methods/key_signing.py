"""Signing a transaction with private keys given in the call, and joining what several signers made."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from minicoin.core.crypto.hashing import hash160
from minicoin.core.descriptors.keys import decode_wif
from minicoin.core.limits import KEY_SIGNED_BYTES_MAX, KEY_SIGNED_INPUTS_MAX
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.script.pushes import witness_program
from minicoin.core.script.standard import ScriptType, classify, p2sh_script, witness_script
from minicoin.core.signing.given_keys import combine_signatures, sign_with_keys
from minicoin.rpc.arguments import type_name
from minicoin.rpc.errors import (
    DESERIALIZATION_ERROR,
    INVALID_ADDRESS,
    INVALID_PARAMETER,
    TYPE_ERROR,
    VERIFY_ERROR,
    RpcError,
)
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, parse_hex
from minicoin.rpc.methods.payments import look_up_spent, read_spent_outputs, unsigned_inputs
from minicoin.rpc.methods.transactions import parse_transaction_hex
from minicoin.rpc.shapes import JsonObject

_HASH_TYPES: Final = tuple(
    ["DEFAULT"] + [f"{what}{also}" for what in ("ALL", "NONE", "SINGLE") for also in ("", "|ANYONECANPAY")]
)


async def sign_raw_transaction_with_key(call: Call) -> Json:
    transaction = parse_transaction_hex(call.text("hexstring"), "hexstring")
    _check_size(transaction)
    if call.text("sighashtype") not in _HASH_TYPES:
        raise RpcError(INVALID_PARAMETER, f"'{call.text('sighashtype')}' is not a valid sighash parameter.")
    if call.text("sighashtype") not in ("ALL", "DEFAULT"):
        raise RpcError(INVALID_PARAMETER, "'sighashtype' must be ALL or DEFAULT: no other is signed here")
    secrets = [_read_key(call, value) for value in call.array("privkeys")]
    spent = await read_spent_outputs(call, transaction)
    scripts = [script for value in call.array("prevtxs") for script in _read_scripts(value)]
    made = sign_with_keys(transaction, spent, secrets, scripts)
    shape: JsonObject = {"hex": made.transaction.raw.hex(), "complete": not made.unsigned}
    if made.unsigned:
        reason = "Unable to sign input: none of these keys fits, or more signatures are needed"
        shape["errors"] = unsigned_inputs(made.transaction, spent, made.unsigned, reason)
    return shape


async def combine_raw_transaction(call: Call) -> Json:
    versions: list[Transaction] = []
    for place, value in enumerate(call.array("txs")):
        try:
            versions.append(parse_transaction_hex(value, "txs"))
        except RpcError as error:
            if error.code != DESERIALIZATION_ERROR:
                raise
            problem = f"TX decode failed for tx {place}. Make sure the tx has at least one input."
            raise RpcError(DESERIALIZATION_ERROR, problem) from None
    if not versions:
        raise RpcError(DESERIALIZATION_ERROR, "Missing transactions")
    _check_size(*versions)
    if any(_skeleton(version) != _skeleton(versions[0]) for version in versions):
        raise RpcError(INVALID_PARAMETER, "txs: these are not one transaction; only signatures may differ")
    spent = await look_up_spent(call, versions[0])
    if None in spent:
        raise RpcError(VERIFY_ERROR, "Input not found or already spent")
    return combine_signatures(versions, spent).transaction.raw.hex()


def _check_size(*transactions: Transaction) -> None:
    inputs = sum(len(transaction.inputs) for transaction in transactions)
    if inputs > KEY_SIGNED_INPUTS_MAX or sum(one.size for one in transactions) > KEY_SIGNED_BYTES_MAX:
        problem = f"at most {KEY_SIGNED_INPUTS_MAX} inputs and {KEY_SIGNED_BYTES_MAX} bytes are signed at once"
        raise RpcError(INVALID_PARAMETER, problem)


def _skeleton(transaction: Transaction) -> tuple[object, ...]:
    """What all signers have in common."""
    names = tuple((spend.outpoint, spend.sequence) for spend in transaction.inputs)
    return transaction.version, names, transaction.outputs, transaction.lock_time


def _read_scripts(value: Json) -> tuple[bytes, ...]:
    """The scripts that a member of prevtxs gives for an output which commits to one. Bitcoin Core's rules: either name
    does for the innermost script, which P2SH may wrap once more."""
    assert isinstance(value, dict)
    output = parse_hex(str(value["scriptPubKey"]), "scriptPubKey")
    if classify(output) not in (ScriptType.SCRIPT_HASH, ScriptType.WITNESS_V0_SCRIPT_HASH):
        return ()
    redeem, witness = (_read_script(value, name) for name in ("redeemScript", "witnessScript"))
    innermost = redeem if witness is None else witness
    if innermost is None:
        raise RpcError(INVALID_PARAMETER, "Missing redeemScript/witnessScript")
    wrapped = witness_script(0, sha256(innermost).digest())
    if redeem is not None and redeem not in (innermost, wrapped):
        raise RpcError(INVALID_PARAMETER, "redeemScript does not correspond to witnessScript")
    is_segwit = output in (wrapped, p2sh_script(hash160(wrapped))) or witness_program(innermost) is not None
    if not is_segwit and output != p2sh_script(hash160(innermost)):
        raise RpcError(INVALID_PARAMETER, "redeemScript/witnessScript does not match scriptPubKey")
    if is_segwit and value.get("amount") is None:
        raise RpcError(INVALID_PARAMETER, "Missing amount: the signature of an input with a witness covers it")
    return innermost, wrapped


def _read_script(value: Mapping[str, Json], name: str) -> bytes | None:
    text = value.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise RpcError(
            TYPE_ERROR, f"JSON value of type {type_name(text)} for field {name} is not of expected type string"
        )
    return parse_hex(text, name)


def _read_key(call: Call, value: Json) -> bytes:
    if not isinstance(value, str):
        raise RpcError(TYPE_ERROR, "privkeys: a private key is a string (WIF)")
    found = decode_wif(value, call.port.network.keys)
    if found is None:
        # Without the text: it may be a key with a slip of the finger in it.
        raise RpcError(INVALID_ADDRESS, "Invalid private key")
    secret, is_compressed = found
    if not is_compressed:
        raise RpcError(INVALID_ADDRESS, "Invalid private key: one of an uncompressed public key does not sign")
    return secret


METHODS = (
    Method(
        "signrawtransactionwithkey",
        Category.RAW,
        "Sign what the given private keys can: inputs that spend P2PK, P2PKH, P2WPKH and multisig outputs, also behind "
        "P2SH and P2WSH. Signatures that stand in it already are kept. The private keys are not.",
        "An object: hex, complete, errors (for inputs that could not be signed).",
        sign_raw_transaction_with_key,
        (
            Argument("hexstring", Kind.HEX, "The serialised transaction."),
            Argument("privkeys", Kind.ARRAY, "Private keys in WIF."),
            optional(
                "prevtxs",
                Kind.ARRAY,
                [],
                "Outputs that are not in the chain yet, or commit to a script: txid, vout, scriptPubKey, redeemScript, "
                "witnessScript, amount.",
            ),
            optional("sighashtype", Kind.TEXT, "DEFAULT", "ALL or DEFAULT, which is the same."),
        ),
    ),
    Method(
        "combinerawtransaction",
        Category.RAW,
        "Join the signatures that several signers made for one transaction.",
        "The transaction, as hex.",
        combine_raw_transaction,
        (Argument("txs", Kind.ARRAY, "The transaction as each of them signed it, as hex."),),
    ),
)
