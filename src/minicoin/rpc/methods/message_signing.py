"""Messages signed with a private key given in the call, and their verification."""

from base64 import b64decode, b64encode

from minicoin.core.descriptors.keys import decode_wif
from minicoin.core.faults import DecodeError
from minicoin.core.script.standard import address_script, is_p2pkh
from minicoin.core.signing.messages import sign_message, verify_message
from minicoin.rpc.errors import INVALID_ADDRESS, TYPE_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method


async def sign_message_with_key(call: Call) -> Json:
    found = decode_wif(call.text("privkey"), call.port.network.keys)
    if found is None:
        # Without the text: it may be a key with a slip of the finger in it.
        raise RpcError(INVALID_ADDRESS, "Invalid private key")
    secret, is_compressed = found
    return b64encode(sign_message(secret, call.text("message"), is_compressed=is_compressed)).decode()


async def verify_signed_message(call: Call) -> Json:
    try:
        script = address_script(call.text("address"), call.port.network.address_format)
    except DecodeError as error:
        raise RpcError(INVALID_ADDRESS, f"Invalid address: {error}") from error
    if not is_p2pkh(script):
        raise RpcError(TYPE_ERROR, "Address does not refer to key: messages are verified for P2PKH addresses only")
    return verify_message(script[3:23], _read_base64(call.text("signature")), call.text("message"))


def _read_base64(text: str) -> bytes:
    """Strict: the decoder takes too much padding."""
    try:
        octets = b64decode(text, validate=True)
    except ValueError:
        octets = b""
    if b64encode(octets).decode() != text:
        raise RpcError(TYPE_ERROR, "Malformed base64 encoding")
    return octets


METHODS = (
    Method(
        "signmessagewithprivkey",
        Category.UTIL,
        "Sign a message with a private key, as the holder of its P2PKH address. The key is not kept.",
        "The signature, in base64.",
        sign_message_with_key,
        (Argument("privkey", Kind.TEXT, "The private key in WIF."), Argument("message", Kind.TEXT, "What is signed.")),
    ),
    Method(
        "verifymessage",
        Category.UTIL,
        "Whether the holder of a P2PKH address signed a message.",
        "true or false.",
        verify_signed_message,
        (
            Argument("address", Kind.TEXT, "The P2PKH address."),
            Argument("signature", Kind.TEXT, "The signature, in base64."),
            Argument("message", Kind.TEXT, "What was signed, to the letter."),
        ),
    ),
)
