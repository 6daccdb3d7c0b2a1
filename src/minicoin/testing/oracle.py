"""Bitcoin Core's own chain engine (libbitcoinkernel's ChainstateManager) as an oracle: the verdict it gives a block.

For tests and benchmarks. It tells yes or no through a callback and its reason only in the log, so both are read.
"""

import ctypes
import re
from pathlib import Path
from typing import NamedTuple

import pbk
import pbk.capi.bindings as kernel

_REASON = re.compile(r"\b((?:bad|high|time|unexpected|prev|duplicate|block|mandatory|non)-[A-Za-z0-9-]+)")


class OracleVerdict(NamedTuple):
    """`is_valid` is the block's own verdict, on whatever branch; `reason` Bitcoin Core's reject reason."""

    is_valid: bool
    reason: str


class KernelOracle:
    """A regtest node's chainstate in `directory`."""

    def __init__(self, directory: Path, *, script_threads: int = 0) -> None:
        self._verdict: bool | None = None
        self._lines: list[str] = []
        self._log = pbk.LoggingConnection(self._on_log)
        self._callbacks = pbk.ValidationInterfaceCallbacks(block_checked=self._on_checked)
        context = pbk.make_context(pbk.ChainType.REGTEST, validation_callbacks=self._callbacks)
        options = pbk.ChainstateManagerOptions(context, str(directory), str(directory / "blocks"))
        options.set_worker_threads_num(script_threads)
        self._chain = pbk.ChainstateManager(options)

    @property
    def height(self) -> int:
        """The height of the active chain."""
        return int(self._chain.get_active_chain().height)

    @property
    def tip(self) -> bytes:
        """The hash of the active chain's tip."""
        return bytes(self._chain.get_active_chain().block_tree_entries[-1].block_hash)

    def submit(self, raw: bytes) -> OracleVerdict:
        """Give it a block; blocks that it does not connect (side branches) are valid as far as it looked."""
        self._verdict = None
        self._lines.clear()
        handle = kernel.btck_block_create((ctypes.c_ubyte * len(raw)).from_buffer_copy(raw), len(raw))
        if not handle:
            return OracleVerdict(False, "malformed")
        is_new = ctypes.c_int()
        try:
            status = kernel.btck_chainstate_manager_process_block(self._chain, handle, ctypes.byref(is_new))
        finally:
            kernel.btck_block_destroy(handle)
        is_valid = status == 0 and self._verdict is not False
        return OracleVerdict(is_valid, "" if is_valid else self._find_reason())

    def import_files(self, paths: list[Path]) -> int:
        """Import block files; the height reached (its own return value says nothing)."""
        self._chain.import_blocks(paths)
        return self.height

    def _find_reason(self) -> str:
        for line in self._lines:
            found = _REASON.search(line)
            if found is not None:
                return found[1]
        return "".join(self._lines).strip()

    def _on_log(self, line: str) -> None:
        self._lines.append(line)

    def _on_checked(self, user_data: object, block: object, state: "pbk.BlockValidationState") -> None:
        self._verdict = state.validation_mode == pbk.ValidationMode.VALID
