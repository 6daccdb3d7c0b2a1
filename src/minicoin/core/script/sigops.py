"""Counts signature operations the way consensus does: legacy, P2SH (BIP16) and witness (BIP141). Owns no limit.

Counting is static: it reads scripts without running them, and stops where a script cannot be read on.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from minicoin.core.primitives.transaction import Transaction, TxOut, Witness
from minicoin.core.script.pushes import is_p2sh, last_push, witness_program

WITNESS_SCALE: Final = 4
"""One legacy signature operation costs as much as four in a witness."""

_PUSHDATA1 = 0x4C
_PUSHDATA2 = 0x4D
_PUSHDATA4 = 0x4E
_OP_1 = 0x51
_OP_16 = 0x60
_DUP = 0x76
_CHECKSIG = 0xAC
_CHECKMULTISIG = 0xAE
_MULTISIG_KEYS_MAX = 20
_CACHED_SCRIPT_BYTES_MAX = 128


def script_sigops(script: bytes, *, is_accurate: bool) -> int:
    """Signature operations in a script. `is_accurate` (P2SH and witness scripts) reads the key count in front of a
    CHECKMULTISIG; otherwise each counts as 20."""
    count = 0
    previous = 0xFF
    at = 0
    end = len(script)
    while at < end:
        opcode = script[at]
        at += 1
        if opcode < _PUSHDATA1:
            at += opcode
        elif opcode <= _PUSHDATA4:
            width = 1 << (opcode - _PUSHDATA1)
            if at + width > end:
                return count
            at += width + int.from_bytes(script[at : at + width], "little")
        elif _CHECKSIG <= opcode < _CHECKMULTISIG:
            count += 1
        elif _CHECKMULTISIG <= opcode <= _CHECKMULTISIG + 1:
            has_count = is_accurate and _OP_1 <= previous <= _OP_16
            count += previous - _OP_1 + 1 if has_count else _MULTISIG_KEYS_MAX
        previous = opcode
    return count


@lru_cache(maxsize=4096)
def _output_script_sigops(script: bytes) -> int:
    return script_sigops(script, is_accurate=False)


def legacy_sigops(transaction: Transaction) -> int:
    """Signature operations in the input and output scripts, each CHECKMULTISIG taken as 20."""
    count = 0
    for _, script_sig, _ in transaction.inputs:
        if script_sig:
            count += script_sigops(script_sig, is_accurate=False)
    for _, script in transaction.outputs:
        length = len(script)
        # The standard forms make up nearly all outputs: their counts are known from their shape.
        is_witness_program = (length == 22 and script[:2] == b"\x00\x14") or (
            length == 34 and script[0] in (0x00, 0x51) and script[1] == 0x20
        )
        if is_witness_program:
            continue
        if length == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
            count += 1
        elif length <= _CACHED_SCRIPT_BYTES_MAX:
            count += _output_script_sigops(script)
        else:
            count += script_sigops(script, is_accurate=False)
    return count


def input_sigop_cost(script_sig: bytes, witness: Witness, script_pubkey: bytes, *, with_witness: bool) -> int:
    """What one input costs beyond the legacy count: its P2SH redeem script (times four) and its witness program."""
    if not is_p2sh(script_pubkey):
        return _witness_sigops(script_pubkey, witness) if with_witness else 0
    redeem = last_push(script_sig)
    if redeem is None:
        return 0
    cost = WITNESS_SCALE * script_sigops(redeem, is_accurate=True)
    return cost + (_witness_sigops(redeem, witness) if with_witness else 0)


def _witness_sigops(script: bytes, witness: Witness) -> int:
    program = witness_program(script)
    if program is None or program[0] != 0:
        return 0
    if len(program[1]) == 20:
        return 1
    if len(program[1]) == 32 and witness:
        return script_sigops(witness[-1], is_accurate=True)
    return 0


def spending_sigop_cost(transaction: Transaction, spent: Sequence[TxOut], *, with_witness: bool) -> int:
    """What the inputs cost beyond the legacy count (BIP16 active). `spent` are the outputs they spend, in order."""
    cost = 0
    witnesses = transaction.witnesses or ((),) * len(transaction.inputs)
    for (_, script_sig, _), witness, (_, script_pubkey) in zip(transaction.inputs, witnesses, spent, strict=True):
        length = len(script_pubkey)
        if length == 25 and script_pubkey[0] == _DUP:
            continue
        if with_witness and length == 22 and script_pubkey[:2] == b"\x00\x14":
            cost += 1
            continue
        cost += input_sigop_cost(script_sig, witness, script_pubkey, with_witness=with_witness)
    return cost


def transaction_sigop_cost(transaction: Transaction, spent: Sequence[TxOut]) -> int:
    """Signature operation cost of a transaction (BIP141) where P2SH and witness rules are active."""
    return WITNESS_SCALE * legacy_sigops(transaction) + spending_sigop_cost(transaction, spent, with_witness=True)
