"""Runs scripts in libbitcoinkernel, Bitcoin Core's own engine, through its C interface.

The wheel's classes copy bytes one by one, so the few calls needed are declared here anew on the same library, taking
`bytes` as they are. Cheap calls keep the GIL; verification gives it up, so more than one thread pays off a little.
"""

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pbk.capi.library import BITCOINKERNEL_LIB

from minicoin.core.chain.verifier import ScriptCheck, ScriptFailure
from minicoin.core.primitives.transaction import Transaction, TxOut

_BATCHES_PER_THREAD = 4
"""More batches than threads, so that one with slow scripts does not keep the others waiting."""

_POINTER = ctypes.c_void_p
# ctypes has no public name for the handle of a loaded library.
_HANDLE = BITCOINKERNEL_LIB._handle  # noqa: SLF001
_HOLDS_GIL = ctypes.PyDLL(None, handle=_HANDLE)
_DROPS_GIL = ctypes.CDLL(None, handle=_HANDLE)


def _declare(library: ctypes.CDLL, name: str, result: object, *arguments: object) -> "ctypes._NamedFuncPointer":
    function = library[f"btck_{name}"]
    function.restype = result  # type: ignore[assignment]
    function.argtypes = arguments  # type: ignore[assignment]
    return function


transaction_create = _declare(_HOLDS_GIL, "transaction_create", _POINTER, ctypes.c_char_p, ctypes.c_size_t)
transaction_destroy = _declare(_HOLDS_GIL, "transaction_destroy", None, _POINTER)
script_create = _declare(_HOLDS_GIL, "script_pubkey_create", _POINTER, ctypes.c_char_p, ctypes.c_size_t)
script_destroy = _declare(_HOLDS_GIL, "script_pubkey_destroy", None, _POINTER)
output_create = _declare(_HOLDS_GIL, "transaction_output_create", _POINTER, _POINTER, ctypes.c_int64)
output_destroy = _declare(_HOLDS_GIL, "transaction_output_destroy", None, _POINTER)
hashes_create = _declare(
    _HOLDS_GIL, "precomputed_transaction_data_create", _POINTER, _POINTER, ctypes.POINTER(_POINTER), ctypes.c_size_t
)
hashes_destroy = _declare(_HOLDS_GIL, "precomputed_transaction_data_destroy", None, _POINTER)
verify = _declare(
    _DROPS_GIL,
    "script_pubkey_verify",
    ctypes.c_int,
    _POINTER,
    ctypes.c_int64,
    _POINTER,
    _POINTER,
    ctypes.c_uint,
    ctypes.c_uint32,
    ctypes.POINTER(ctypes.c_ubyte),
)


class KernelRefused(Exception):
    """The kernel cannot take the question: bytes it does not parse, or flags it does not know. A bug of the caller."""


def failed_input(
    transaction: Transaction, spent: Sequence[TxOut], flags: int, only: Sequence[int] | None = None
) -> int | None:
    """The first input (of those in `only`) whose script fails, or None. Raises KernelRefused."""
    raw = transaction.raw
    handle = transaction_create(raw, len(raw))
    if not handle:
        raise KernelRefused(f"the kernel does not parse {transaction!r}")
    outputs = (_POINTER * len(spent))()
    scripts: list[tuple[int, int]] = []
    hashes = None
    status = ctypes.c_ubyte(0)
    try:
        for position, (value, script) in enumerate(spent):
            script_handle = script_create(script, len(script))
            scripts.append((script_handle, value))
            outputs[position] = output_create(script_handle, value)
        hashes = hashes_create(handle, outputs, len(spent))
        for position in range(len(spent)) if only is None else only:
            script_handle, value = scripts[position]
            if not verify(script_handle, value, handle, hashes, position, flags, status):
                if status.value:
                    raise KernelRefused(f"the kernel does not verify with flags {flags:#x}: status {status.value}")
                return position
        return None
    finally:
        if hashes:
            hashes_destroy(hashes)
        for position, (script_handle, _) in enumerate(scripts):
            output_destroy(outputs[position])
            script_destroy(script_handle)
        transaction_destroy(handle)


class KernelVerifier:
    """chain.verifier's port over the kernel. `threads` > 1 splits each batch."""

    def __init__(self, threads: int = 1) -> None:
        self.threads: Final = max(1, threads)
        self._pool = ThreadPoolExecutor(self.threads, "scripts") if self.threads > 1 else None

    def first_failure(self, checks: Sequence[ScriptCheck]) -> ScriptFailure | None:
        """The first failing input in the order asked. Raises KernelRefused."""
        if self._pool is None or len(checks) < 2 * self.threads:
            return _first_failure(checks, 0)
        size = -(-len(checks) // (self.threads * _BATCHES_PER_THREAD))
        starts = range(0, len(checks), size)
        found = [self._pool.submit(_first_failure, checks[start : start + size], start) for start in starts]
        failures = [future.result() for future in found]
        return next((failure for failure in failures if failure is not None), None)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()


def _first_failure(checks: Sequence[ScriptCheck], start: int) -> ScriptFailure | None:
    for position, (transaction, spent, flags) in enumerate(checks):
        index = failed_input(transaction, spent, flags)
        if index is not None:
            return ScriptFailure(start + position, index)
    return None
