"""Signing a transaction with private keys given in the call."""

from minicoin.core.descriptors.keys import decode_wif
from minicoin.core.limits import KEY_SIGNED_BYTES_MAX, KEY_SIGNED_INPUTS_MAX
from minicoin.core.node.commands import INVALID_ADDRESS, INVALID_PARAMETER, TYPE_ERROR, CommandError
from minicoin.core.node.key_signing import sign_with_keys
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.methods.payments import read_spent_outputs, unsigned_inputs
from minicoin.rpc.methods.transactions import parse_transaction_hex
from minicoin.rpc.shapes import JsonObject


async def sign_raw_transaction_with_key(call: Call) -> Json:
    transaction = parse_transaction_hex(call.text("hexstring"), "hexstring")
    if len(transaction.inputs) > KEY_SIGNED_INPUTS_MAX or transaction.size > KEY_SIGNED_BYTES_MAX:
        problem = f"at most {KEY_SIGNED_INPUTS_MAX} inputs and {KEY_SIGNED_BYTES_MAX} bytes are signed at once"
        raise CommandError(INVALID_PARAMETER, problem)
    if call.text("sighashtype") not in ("ALL", "DEFAULT"):
        raise CommandError(INVALID_PARAMETER, "'sighashtype' must be ALL or DEFAULT: no other is signed here")
    secrets = [_read_key(call, value) for value in call.array("privkeys")]
    spent = await read_spent_outputs(call, transaction)
    signed, is_complete = sign_with_keys(transaction, spent, secrets)
    shape: JsonObject = {"hex": signed.raw.hex(), "complete": is_complete}
    if not is_complete:
        shape["errors"] = unsigned_inputs(signed, spent, "Unable to sign input: none of these keys fits")
    return shape


def _read_key(call: Call, value: Json) -> bytes:
    if not isinstance(value, str):
        raise CommandError(TYPE_ERROR, "privkeys: a private key is a string (WIF)")
    found = decode_wif(value, call.port.network.keys)
    if found is None:
        # Without the text: it may be a key with a slip of the finger in it.
        raise CommandError(INVALID_ADDRESS, "Invalid private key")
    secret, is_compressed = found
    if not is_compressed:
        raise CommandError(INVALID_ADDRESS, "Invalid private key: one of an uncompressed public key does not sign")
    return secret


METHODS = (
    Method(
        "signrawtransactionwithkey",
        Category.RAW,
        "Sign what the given private keys can: inputs that spend P2PKH and P2WPKH outputs. The keys are not kept.",
        "An object: hex, complete, errors (for inputs that could not be signed).",
        sign_raw_transaction_with_key,
        (
            Argument("hexstring", Kind.HEX, "The serialised transaction."),
            Argument("privkeys", Kind.ARRAY, "Private keys in WIF."),
            optional("prevtxs", Kind.ARRAY, [], "Outputs not in the chain yet: txid, vout, scriptPubKey, amount."),
            optional("sighashtype", Kind.TEXT, "DEFAULT", "ALL or DEFAULT, which is the same."),
        ),
    ),
)
