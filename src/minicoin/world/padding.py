"""Blocks of a wanted size: a miner's coinbase gets an unspendable output of as many bytes as are missing.

Such a block is valid by every rule and weighs on links, stores and parsers what a full one would.
"""

from dataclasses import replace

from minicoin.core.effects import SearchNonce
from minicoin.core.encoding.compact import compact_length
from minicoin.core.mining.search import assemble_block
from minicoin.core.mining.template import EXTRA_NONCE_BYTES
from minicoin.core.primitives.transaction import Transaction, TxOut

_OP_RETURN = b"\x6a"
_OP_PUSHDATA4 = b"\x4e"
_OUTPUT_VALUE_BYTES = 8
_SCRIPT_BYTES_MIN = len(_OP_RETURN) + len(_OP_PUSHDATA4) + 4


def pad_job(job: SearchNonce, block_bytes: int) -> SearchNonce:
    """The job with a coinbase that brings the block to `block_bytes`; the same job where it is as large already."""
    missing = block_bytes - len(assemble_block(job, 0, 0).raw)
    # The length of the script's length changes with it: start from the largest that can fit.
    script_bytes = missing - _OUTPUT_VALUE_BYTES - 1
    while script_bytes >= _SCRIPT_BYTES_MIN:
        if _OUTPUT_VALUE_BYTES + compact_length(script_bytes) + script_bytes <= missing:
            return _with_output(job, script_bytes)
        script_bytes -= 1
    return job


def _with_output(job: SearchNonce, script_bytes: int) -> SearchNonce:
    data_bytes = script_bytes - _SCRIPT_BYTES_MIN
    script = _OP_RETURN + _OP_PUSHDATA4 + data_bytes.to_bytes(4, "little") + bytes(data_bytes)
    head_bytes = len(job.coinbase_head) + EXTRA_NONCE_BYTES
    coinbase = Transaction.parse(job.coinbase_head + bytes(EXTRA_NONCE_BYTES) + job.coinbase_tail)
    padded = Transaction(coinbase.version, coinbase.inputs, (*coinbase.outputs, TxOut(0, script)), coinbase.lock_time)
    return replace(job, coinbase_tail=padded.stripped[head_bytes:])
