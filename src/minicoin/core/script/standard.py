"""The standard output scripts: their templates, their classification and their addresses.

Owns the mapping script <-> address for any network's AddressFormat. Leaves relay rules to policy and the execution of
scripts to the verifier. BIP16, BIP141, BIP173, BIP341, BIP350; class names as Bitcoin Core's RPC.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from minicoin.core.crypto.hashing import hash160
from minicoin.core.encoding.base58 import decode_base58, decode_base58check, encode_base58check
from minicoin.core.encoding.bech32 import decode_bech32, encode_segwit, witness_program_of
from minicoin.core.encoding.bech32_errors import locate_errors
from minicoin.core.faults import DecodeError
from minicoin.core.limits import SCRIPT_BYTES_MAX
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.opcodes import OP_0, OP_1, OP_16, OP_CHECKMULTISIG, OP_CHECKSIG, OP_RETURN, small_number
from minicoin.core.script.pushes import (
    Operation,
    encode_number,
    is_p2sh,
    is_push_only,
    parse_operations,
    push,
    witness_program,
)

_MULTISIG_KEYS_MAX = 20
_P2PKH_HEAD: Final = b"\x76\xa9\x14"
_P2PKH_TAIL: Final = b"\x88\xac"
_P2SH_HEAD: Final = b"\xa9\x14"
_P2SH_TAIL: Final = b"\x87"
# A version byte and a hash.
_BASE58_BYTES: Final = 21
_ANCHOR: Final = b"\x51\x02\x4e\x73"


class ScriptType(StrEnum):
    """What an output script is, by Bitcoin Core's names."""

    NONSTANDARD = "nonstandard"
    ANCHOR = "anchor"
    PUBKEY = "pubkey"
    PUBKEY_HASH = "pubkeyhash"
    SCRIPT_HASH = "scripthash"
    MULTISIG = "multisig"
    NULL_DATA = "nulldata"
    WITNESS_V0_KEY_HASH = "witness_v0_keyhash"
    WITNESS_V0_SCRIPT_HASH = "witness_v0_scripthash"
    WITNESS_V1_TAPROOT = "witness_v1_taproot"
    WITNESS_UNKNOWN = "witness_unknown"


class Multisig(NamedTuple):
    """A bare m-of-n script."""

    required: int
    keys: tuple[bytes, ...]


# --- templates ---


def p2pkh_script(key_hash: bytes) -> bytes:
    """Pay to the hash of a public key (20 bytes)."""
    return _P2PKH_HEAD + key_hash + _P2PKH_TAIL


def p2sh_script(script_hash: bytes) -> bytes:
    """Pay to the hash of a script (20 bytes; BIP16)."""
    return _P2SH_HEAD + script_hash + _P2SH_TAIL


def witness_script(version: int, program: bytes) -> bytes:
    """Pay to a witness program (BIP141)."""
    return bytes((OP_0 if version == 0 else OP_1 + version - 1, len(program))) + program


def p2wpkh_script(key_hash: bytes) -> bytes:
    """Pay to the hash of a public key, spent by witness (20 bytes)."""
    return witness_script(0, key_hash)


def p2wpkh_script_of_key(public_key: bytes) -> bytes:
    """Pay to a compressed public key by its hash, spent by witness."""
    return witness_script(0, hash160(public_key))


def data_script(*items: bytes) -> bytes:
    """An OP_RETURN output script that carries `items`, one push each."""
    return bytes((OP_RETURN,)) + b"".join(push(item) for item in items)


def data_output(*items: bytes) -> TxOut:
    """An output of no value that carries `items`; nobody can spend it."""
    return TxOut(0, data_script(*items))


# --- recognition ---


def is_p2pkh(script: bytes) -> bool:
    """The template, byte for byte."""
    return len(script) == 25 and script.startswith(_P2PKH_HEAD) and script.endswith(_P2PKH_TAIL)


def is_unspendable(script: bytes) -> bool:
    """Whether no input can ever spend it, so that no coin need be kept."""
    return script[:1] == bytes((OP_RETURN,)) or len(script) > SCRIPT_BYTES_MAX


def is_key_sized(key: bytes) -> bool:
    """Whether the length fits the first byte of a serialised public key; says nothing about the curve."""
    return len(key) == {2: 33, 3: 33, 4: 65, 6: 65, 7: 65}.get(key[0] if key else 0, -1)


def classify(script: bytes) -> ScriptType:
    """The template an output script follows."""
    if is_p2sh(script):
        return ScriptType.SCRIPT_HASH
    program = witness_program(script)
    if program is not None:
        return _classify_witness(*program)
    if script[:1] == bytes((OP_RETURN,)) and is_push_only(script[1:]):
        return ScriptType.NULL_DATA
    if len(script) in (35, 67) and script[0] == len(script) - 2 and script[-1] == OP_CHECKSIG:
        return ScriptType.PUBKEY if is_key_sized(script[1:-1]) else ScriptType.NONSTANDARD
    if is_p2pkh(script):
        return ScriptType.PUBKEY_HASH
    return ScriptType.NONSTANDARD if parse_multisig(script) is None else ScriptType.MULTISIG


def _classify_witness(version: int, program: bytes) -> ScriptType:
    if version == 0:
        return {20: ScriptType.WITNESS_V0_KEY_HASH, 32: ScriptType.WITNESS_V0_SCRIPT_HASH}.get(
            len(program), ScriptType.NONSTANDARD
        )
    if version == 1 and len(program) == 32:
        return ScriptType.WITNESS_V1_TAPROOT
    return ScriptType.ANCHOR if witness_script(version, program) == _ANCHOR else ScriptType.WITNESS_UNKNOWN


def parse_multisig(script: bytes) -> Multisig | None:
    """m and the keys of a bare multisig script, or None."""
    if script[-1:] != bytes((OP_CHECKMULTISIG,)):
        return None
    parsed = parse_operations(script)
    if parsed is None or len(parsed) < 4:
        return None
    required, count = _key_count(parsed[0]), _key_count(parsed[-2])
    keys = tuple(operation.pushed for operation in parsed[1:-2])
    if required is None or count != len(keys) or not required <= count or not all(map(is_key_sized, keys)):
        return None
    return Multisig(required, keys)


def _key_count(operation: Operation) -> int | None:
    """1 to 20: up to 16 by opcode, above by a minimally pushed number."""
    number = small_number(operation.opcode)
    if number is None and len(operation.pushed) == 1 and operation.opcode == 1:
        number = operation.pushed[0] if operation.pushed[0] > OP_16 - OP_1 + 1 else None
    if number is None or not 1 <= number <= _MULTISIG_KEYS_MAX:
        return None
    return number


def data_pushes(script: bytes) -> tuple[bytes, ...] | None:
    """What an OP_RETURN output carries, one item per push; None for any other script."""
    if classify(script) is not ScriptType.NULL_DATA:
        return None
    parsed = parse_operations(script[1:]) or ()
    return tuple(_pushed_value(operation) for operation in parsed)


def _pushed_value(operation: Operation) -> bytes:
    number = small_number(operation.opcode)
    if number is not None:
        return encode_number(number)
    return b"\x81" if operation.opcode == 0x4F else operation.pushed


# --- addresses ---


def script_address(script: bytes, form: AddressFormat) -> str | None:
    """The address of an output script, or None where it has none (bare keys, multisig, data, nonstandard)."""
    if is_p2pkh(script):
        return encode_base58check(bytes((form.p2pkh,)) + script[3:23])
    if is_p2sh(script):
        return encode_base58check(bytes((form.p2sh,)) + script[2:22])
    program = witness_program(script)
    if program is None or classify(script) is ScriptType.NONSTANDARD:
        return None
    return encode_segwit(form.hrp, *program)


class AddressError(DecodeError):
    """A text is no address of the network. `text` is Bitcoin Core's word for it, `locations` the letters that are
    wrong as far as that can be told; a hint is for people."""

    def __init__(self, text: str, hint: str = "", locations: tuple[int, ...] = ()) -> None:
        super().__init__(f"{text.removesuffix('.')}: {hint}" if hint else text)
        self.text = text
        self.locations = locations


def address_script(text: str, form: AddressFormat) -> bytes:
    """The output script an address stands for. Raises AddressError that says what is wrong with it."""
    address = text.strip()
    if not address:
        raise AddressError("Invalid or unsupported Segwit (Bech32) or Base58 encoding.", "the address is empty")
    if address.lower().startswith(form.hrp):
        return _bech32_script(address, form)
    payload = _base58_payload(address)
    if payload is not None:
        return _base58_script(payload, form)
    if _is_base58(address):
        raise AddressError("Invalid checksum or length of Base58 address (P2PKH or P2SH)")
    foreign = decode_bech32(address)
    hint = f"it belongs to another network: prefix {foreign[0]!r}, expected {form.hrp!r}" if foreign is not None else ""
    raise AddressError("Invalid or unsupported Segwit (Bech32) or Base58 encoding.", hint)


def _bech32_script(address: str, form: AddressFormat) -> bytes:
    decoded = decode_bech32(address)
    if decoded is None:
        problem, locations = locate_errors(address)
        raise AddressError(problem, locations=locations)
    hrp, values, constant = decoded
    if hrp != form.hrp and values:
        raise AddressError(
            f"Invalid or unsupported prefix for Segwit (Bech32) address (expected {form.hrp}, got {hrp})."
        )
    try:
        version, program = witness_program_of(values, constant)
    except DecodeError as error:
        raise AddressError(str(error)) from error
    return witness_script(version, program)


def _base58_payload(address: str) -> bytes | None:
    try:
        payload = decode_base58check(address)
    except DecodeError:
        return None
    # A longer one is none to Bitcoin Core either.
    return payload if len(payload) <= _BASE58_BYTES else None


def _is_base58(address: str) -> bool:
    try:
        decode_base58(address)
    except DecodeError:
        return False
    return True


def _base58_script(payload: bytes, form: AddressFormat) -> bytes:
    version = payload[0] if payload else -1
    if version not in (form.p2pkh, form.p2sh):
        hint = f"it belongs to another network: version byte {version}, expected {form.p2pkh} or {form.p2sh}"
        raise AddressError("Invalid or unsupported Base58-encoded address.", hint)
    if len(payload) != _BASE58_BYTES:
        raise AddressError("Invalid length for Base58 address (P2PKH or P2SH)")
    return p2pkh_script(payload[1:]) if version == form.p2pkh else p2sh_script(payload[1:])
