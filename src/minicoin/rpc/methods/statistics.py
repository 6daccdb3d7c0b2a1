"""How many transactions the chain has, over all and per second."""

from collections import OrderedDict
from typing import Final

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import CHAIN_STATISTICS_BLOCKS_MAX, QUERY_PAGE_HEADERS_MAX
from minicoin.core.primitives.block import BlockHash
from minicoin.core.queries.chain import HeaderView
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import UNKNOWN_BLOCK, Call, Category, Kind, Method, optional, require
from minicoin.rpc.pages import read_headers
from minicoin.rpc.port import ChainReads
from minicoin.rpc.shapes import JsonObject

_MONTH_S: Final = 30 * 24 * 60 * 60
# Read at one visit of the chain worker, so that it is not held up.
_BLOCKS_PER_READ: Final = 20


class TransactionCounts:
    """How many transactions blocks have; a block never changes, so each is read once while it is remembered."""

    def __init__(self) -> None:
        self._counts: OrderedDict[BlockHash, int] = OrderedDict()

    async def sum(self, call: Call, low: int, high: int) -> int:
        """Over the best chain's blocks from height `low` to `high`, both included."""
        total = 0
        while low <= high:
            page = await read_headers(call.port, low, min(high - low + 1, QUERY_PAGE_HEADERS_MAX))
            if not page:
                raise RpcError(MISC_ERROR, "the chain changed meanwhile; ask again")
            counts = {view.hash: self._counts.get(view.hash) for view in page}
            missing = [block for block, count in counts.items() if count is None]
            for at in range(0, len(missing), _BLOCKS_PER_READ):
                counts |= await self._read(call, missing[at : at + _BLOCKS_PER_READ])
            total += sum(count or 0 for count in counts.values())
            low += len(page)
        return total

    async def _read(self, call: Call, blocks: list[BlockHash]) -> dict[BlockHash, int]:
        def read(chain: ChainReads) -> list[int | None]:
            return [chain.transaction_count(block) for block in blocks]

        found: dict[BlockHash, int] = {}
        for block, count in zip(blocks, await call.port.read_chain(read), strict=True):
            if count is None:
                raise RpcError(MISC_ERROR, "Block not available (not fully downloaded)")
            found[block] = count
        self._counts.update(found)
        while len(self._counts) > CHAIN_STATISTICS_BLOCKS_MAX:
            self._counts.popitem(last=False)
        return found


class StatisticsMethods:
    """getchaintxstats with its memory."""

    def __init__(self) -> None:
        self._counts = TransactionCounts()

    async def get_chain_tx_stats(self, call: Call) -> Json:
        final = await _final_block(call)
        height = final.height
        if call.has("nblocks"):
            blocks = call.integer("nblocks")
            if blocks < 0 or (blocks > 0 and blocks >= height):
                problem = "Invalid block count: should be between 0 and the block's height - 1"
                raise RpcError(INVALID_PARAMETER, problem)
        else:
            blocks = max(0, min(_MONTH_S // call.port.network.spacing_s, height - 1))
        if blocks > CHAIN_STATISTICS_BLOCKS_MAX:
            raise RpcError(
                INVALID_PARAMETER, f"at most {CHAIN_STATISTICS_BLOCKS_MAX} blocks are counted; ask for fewer"
            )
        shape: JsonObject = {"time": final.header.time}
        window = await self._counts.sum(call, height - blocks + 1, height)
        # Counting means reading: a chain of hundreds of thousands of blocks is not counted whole.
        if height <= CHAIN_STATISTICS_BLOCKS_MAX:
            shape["txcount"] = window + await self._counts.sum(call, 0, height - blocks)
        shape |= {
            "window_final_block_hash": hash_to_hex(final.hash),
            "window_final_block_height": height,
            "window_block_count": blocks,
        }
        if blocks:
            (first,) = await read_headers(call.port, height - blocks, 1)
            interval = final.median_time - first.median_time
            shape |= {"window_interval": interval, "window_tx_count": window}
            if interval > 0:
                shape["txrate"] = window / interval
        return shape


async def _final_block(call: Call) -> HeaderView:
    if not call.has("blockhash"):
        return (await call.port.query(lambda node: node.chain.view())).tip
    block = BlockHash(call.hash("blockhash"))
    view = require(await call.port.query(lambda node: node.chain.header(block)), UNKNOWN_BLOCK)
    if view.confirmations < 1:
        raise RpcError(INVALID_PARAMETER, "Block is not in main chain")
    return view


def statistics_methods() -> tuple[Method, ...]:
    """The row, around one memory."""
    owner = StatisticsMethods()
    return (
        Method(
            "getchaintxstats",
            Category.CHAIN,
            f"Transactions over all and per second, of at most {CHAIN_STATISTICS_BLOCKS_MAX} blocks.",
            "An object: time, txcount (left out for a chain too long to be counted), window_final_block_hash, "
            "window_final_block_height, window_block_count, window_interval (seconds), window_tx_count, txrate.",
            owner.get_chain_tx_stats,
            (
                optional("nblocks", Kind.INTEGER, None, "Blocks of the window; those of a month by default."),
                optional("blockhash", Kind.HASH, None, "The last block of the window; the tip by default."),
            ),
        ),
    )
