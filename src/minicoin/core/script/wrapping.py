"""Which scripts another script may commit to by hash, and the witness output that asks for the same (BIP16, BIP141)."""

from hashlib import sha256
from typing import Final

from minicoin.core.script.opcodes import OP_CHECKSIGADD, is_op_success
from minicoin.core.script.pushes import parse_operations
from minicoin.core.script.standard import (
    ScriptType,
    classify,
    is_unspendable,
    p2wpkh_script,
    p2wpkh_script_of_key,
    parse_multisig,
    witness_script,
)

_NEVER_WRAPPED: Final = (
    ScriptType.NULL_DATA,
    ScriptType.SCRIPT_HASH,
    ScriptType.WITNESS_UNKNOWN,
    ScriptType.WITNESS_V1_TAPROOT,
    ScriptType.ANCHOR,
)
_PUSHED_BYTES_MAX: Final = 520


def may_be_wrapped(script: bytes) -> bool:
    """Whether P2SH can commit to it: it can be spent at all, and means in every context what it means here."""
    if classify(script) in _NEVER_WRAPPED or is_unspendable(script):
        return False
    parsed = parse_operations(script)
    return parsed is not None and not any(
        operation.opcode >= OP_CHECKSIGADD
        or len(operation.pushed) > _PUSHED_BYTES_MAX
        or is_op_success(operation.opcode)
        for operation in parsed
    )


def segwit_form(script: bytes) -> bytes | None:
    """The witness output that asks for the same as a script that may be wrapped; None where there is none, as for keys
    that are not compressed."""
    kind = classify(script)
    if kind is ScriptType.PUBKEY:
        return p2wpkh_script_of_key(script[1:-1]) if len(script) == 35 else None
    if kind is ScriptType.PUBKEY_HASH:
        return p2wpkh_script(script[3:23])
    if kind is ScriptType.MULTISIG:
        multisig = parse_multisig(script)
        if multisig is None or any(len(key) != 33 for key in multisig.keys):
            return None
    elif kind is not ScriptType.NONSTANDARD:
        return None
    return witness_script(0, sha256(script).digest())
