"""waitforfinal: held until a payment is final, where members sign the blocks.

As the calls that wait for the tip do, it asks the node in short terms, so that a client who hung up leaves nothing
behind.
"""

import time
from typing import Final

from minicoin.core.answers import CommandRefused, FinalBlock, Reason
from minicoin.core.commands import WaitForFinal
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.transaction import Txid
from minicoin.core.units import MINUTE_US
from minicoin.rpc.errors import INVALID_ADDRESS, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.methods.proofs import find_block_of

_TERM_US: Final = MINUTE_US


async def wait_for_final(call: Call) -> Json:
    txid, timeout_ms = Txid(call.hash("txid")), call.integer("timeout")
    if timeout_ms < 0:
        raise RpcError(MISC_ERROR, "Negative timeout")
    try:
        found = (await call.port.command(WaitForFinal(txid, 0))).block
    except CommandRefused as refused:
        if refused.reason is not Reason.UNKNOWN_TRANSACTION:
            raise
        found = await _find_older(call, txid)
    if found is None:
        found = await call.hold(lambda: _watch(call, txid, timeout_ms))
    return {
        "txid": hash_to_hex(txid),
        "blockhash": hash_to_hex(found.hash),
        "height": found.height,
        "signers": found.signers,
    }


async def _watch(call: Call, txid: Txid, timeout_ms: int) -> FinalBlock:
    left_us = timeout_ms * 1_000 if timeout_ms else None
    while left_us is None or left_us > 0:
        term_us = _TERM_US if left_us is None else min(left_us, _TERM_US)
        since = time.monotonic_ns()
        try:
            found = (await call.port.command(WaitForFinal(txid, term_us))).block
        except CommandRefused as refused:
            if refused.reason is not Reason.UNKNOWN_TRANSACTION:
                raise
            raise RpcError(
                INVALID_ADDRESS, "the transaction left the mempool without a block: replaced, or given up"
            ) from refused
        if found is not None:
            return found
        if left_us is not None:
            # By the node's clock the term is over, whatever ours says of it.
            left_us -= max(term_us, (time.monotonic_ns() - since) // 1_000)
    raise RpcError(MISC_ERROR, f"not final within {timeout_ms} ms; the transaction still waits for a block")


async def _find_older(call: Call, txid: Txid) -> FinalBlock:
    """Of a payment whose block is not among the last ones."""
    block = await find_block_of(call, txid)
    found = None if block is None else await call.port.query(lambda node: node.chain.final_block(block))
    if found is None:
        raise RpcError(
            INVALID_ADDRESS,
            "No such transaction: it is not in the mempool, not in the last blocks, not the wallet's, and has no "
            "unspent output.",
        )
    return found


METHODS = (
    Method(
        "waitforfinal",
        Category.CHAIN,
        "Wait for a transaction to be final: to stand in a block that a quorum of the members signed. For networks "
        "whose blocks members sign. Refused where nobody here knows of the transaction, when the time is over, and "
        "when the node stops.",
        "An object: txid, blockhash, height, signers (how many members signed the block).",
        wait_for_final,
        (
            Argument("txid", Kind.HASH, "The transaction's id."),
            optional("timeout", Kind.INTEGER, 0, "Milliseconds to wait; 0: without an end."),
        ),
    ),
)
