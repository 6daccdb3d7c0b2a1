"""Bitcoin Core's verdict on a transaction, through the kernel's C bindings."""

import ctypes
from collections.abc import Sequence

import pbk
import pbk.capi.bindings as kernel

from minicoin.core.primitives.transaction import Transaction, TxOut

_FLAGS = int(pbk.ScriptVerificationFlags.ALL)


def _buffer(raw: bytes) -> object:
    return (ctypes.c_ubyte * max(len(raw), 1)).from_buffer_copy(raw or b"\0")


def verifies(transaction: Transaction, spent: Sequence[TxOut]) -> bool:
    """Whether every input may spend its output under all consensus flags."""
    handle = kernel.btck_transaction_create(_buffer(transaction.raw), transaction.size)
    scripts = [
        kernel.btck_script_pubkey_create(_buffer(output.script_pubkey), len(output.script_pubkey)) for output in spent
    ]
    outputs = [
        kernel.btck_transaction_output_create(script, output.value)
        for script, output in zip(scripts, spent, strict=True)
    ]
    array = (type(outputs[0]) * len(outputs))(*outputs)
    shared = kernel.btck_precomputed_transaction_data_create(handle, array, len(outputs))
    verdicts = []
    for index, output in enumerate(spent):
        status = kernel.btck_ScriptVerifyStatus(0)
        verdicts.append(
            bool(
                kernel.btck_script_pubkey_verify(
                    scripts[index], output.value, handle, shared, index, _FLAGS, ctypes.byref(status)
                )
            )
        )
    kernel.btck_precomputed_transaction_data_destroy(shared)
    for made in outputs:
        kernel.btck_transaction_output_destroy(made)
    for script in scripts:
        kernel.btck_script_pubkey_destroy(script)
    kernel.btck_transaction_destroy(handle)
    return all(verdicts)
