"""Calls that wait for the chain: for another tip, a block, a height. They are held without a turn in the server's line.

The node is asked to wait in short terms, so that a client who hung up leaves nothing behind.
"""

import time
from collections.abc import Callable
from typing import Final

from minicoin.core.answers import CommandRefused, TipAt
from minicoin.core.commands import WaitForChain, WaitForTip
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import MINUTE_US
from minicoin.rpc.errors import MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional

_TERM_US: Final = MINUTE_US


async def _wait_until(call: Call, is_reached: Callable[[TipAt], bool]) -> Json:
    """The tip once it is what is waited for, or when `timeout` milliseconds are over (0: no end)."""
    timeout_ms = call.integer("timeout")
    if timeout_ms < 0:
        raise RpcError(MISC_ERROR, "Negative timeout")
    left_us = timeout_ms * 1_000 if timeout_ms else None
    tip = TipAt(*await call.port.query(lambda node: (node.chain.best_hash(), node.chain.height())))

    async def wait() -> TipAt:
        return await _watch(call, tip, left_us, is_reached)

    if not is_reached(tip):
        tip = await call.hold(wait)
    return {"hash": hash_to_hex(tip.hash), "height": tip.height}


async def _watch(call: Call, tip: TipAt, left_us: int | None, is_reached: Callable[[TipAt], bool]) -> TipAt:
    has_waited = False
    while not is_reached(tip) and (left_us is None or left_us > 0):
        term_us = _TERM_US if left_us is None else min(left_us, _TERM_US)
        since = time.monotonic_ns()
        try:
            moved = await call.port.command(WaitForTip(tip.hash, term_us))
        except CommandRefused:
            if has_waited:
                # The node stops: where the chain stands is the answer.
                break
            raise
        if left_us is not None:
            is_over = moved.hash == tip.hash
            left_us -= term_us if is_over else (time.monotonic_ns() - since) // 1_000
        tip, has_waited = moved, True
    return tip


async def wait_for_new_block(call: Call) -> Json:
    given = BlockHash(call.hash("current_tip")) if call.has("current_tip") else None
    known = await call.port.query(lambda node: node.chain.best_hash()) if given is None else given
    return await _wait_until(call, lambda tip: tip.hash != known)


async def wait_for_block(call: Call) -> Json:
    wanted = BlockHash(call.hash("blockhash"))
    return await _wait_until(call, lambda tip: tip.hash == wanted)


async def wait_for_block_height(call: Call) -> Json:
    wanted = call.integer("height")
    return await _wait_until(call, lambda tip: tip.height >= wanted)


async def sync_with_queue(call: Call) -> Json:
    await call.port.command(WaitForChain())
    return None


_TIMEOUT = optional("timeout", Kind.INTEGER, 0, "Milliseconds to wait; 0: without an end.")
_RESULT = "An object: hash and height of the tip, whether what was waited for came or not."

METHODS = (
    Method(
        "waitfornewblock",
        Category.CHAIN,
        "Wait for the tip to change.",
        _RESULT,
        wait_for_new_block,
        (_TIMEOUT, optional("current_tip", Kind.HASH, None, "Wait for another tip than this one.")),
    ),
    Method(
        "waitforblock",
        Category.CHAIN,
        "Wait for a block to be the tip.",
        _RESULT,
        wait_for_block,
        (Argument("blockhash", Kind.HASH, "The block's hash."), _TIMEOUT),
    ),
    Method(
        "waitforblockheight",
        Category.CHAIN,
        "Wait for the tip to have at least a height.",
        _RESULT,
        wait_for_block_height,
        (Argument("height", Kind.INTEGER, "The height."), _TIMEOUT),
    ),
    Method(
        "syncwithvalidationinterfacequeue",
        Category.CHAIN,
        "Wait until what came before this call has been carried out and the chain stands where it should.",
        "null",
        sync_with_queue,
        is_hidden=True,
    ),
)
