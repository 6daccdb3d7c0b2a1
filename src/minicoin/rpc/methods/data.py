"""Small data in OP_RETURN outputs: put there by the wallet, listed while pending and from recent blocks.

Minicoin's own methods.
"""

from collections import OrderedDict
from dataclasses import dataclass

from minicoin.core.commands import Pay
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import DATA_BLOCKS_PER_CALL_MAX, DATA_BLOCKS_REMEMBERED_MAX, DATA_PAYLOAD_BYTES_MAX
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Transaction, Txid, TxOut
from minicoin.core.script.standard import data_output, data_pushes
from minicoin.rpc.errors import INVALID_PARAMETER, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.methods.wallet import require_wallet
from minicoin.rpc.pages import read_entries, read_headers
from minicoin.rpc.port import ChainReads
from minicoin.rpc.shapes import JsonObject

# Blocks read at one visit of the chain worker, so that it is not held up.
_BLOCKS_PER_READ = 20


@dataclass(frozen=True, slots=True)
class DataItem:
    """One output that carries data."""

    txid: Txid
    output_index: int
    payload: bytes


def find_data(transaction: Transaction) -> list[DataItem]:
    """The data outputs of a payment. A coinbase's are commitments, not data."""
    if transaction.is_coinbase:
        return []
    items: list[DataItem] = []
    for index, output in enumerate(transaction.outputs):
        pushes = data_pushes(output.script_pubkey)
        if pushes:
            items.append(DataItem(transaction.txid, index, b"".join(pushes)))
    return items


class DataMemory:
    """What blocks were found to carry; a block never changes, so nothing is ever read twice while remembered."""

    def __init__(self) -> None:
        self._found: OrderedDict[BlockHash, tuple[DataItem, ...]] = OrderedDict()

    def get(self, block: BlockHash) -> tuple[DataItem, ...] | None:
        return self._found.get(block)

    def remember(self, block: BlockHash, items: tuple[DataItem, ...]) -> None:
        self._found[block] = items
        while len(self._found) > DATA_BLOCKS_REMEMBERED_MAX:
            self._found.popitem(last=False)

    def missing(self, blocks: list[BlockHash]) -> list[BlockHash]:
        """Those not looked through yet."""
        return [block for block in blocks if block not in self._found]


class DataMethods:
    """The two methods with the memory they share."""

    def __init__(self) -> None:
        self._memory = DataMemory()

    async def put_data(self, call: Call) -> Json:
        await require_wallet(call)
        payload = call.octets("data") if call.flag("is_hex") else call.text("data").encode()
        if not 1 <= len(payload) <= DATA_PAYLOAD_BYTES_MAX:
            problem = f"data must have 1 to {DATA_PAYLOAD_BYTES_MAX} bytes, not {len(payload)}"
            raise RpcError(INVALID_PARAMETER, problem)
        outputs: tuple[TxOut, ...] = (data_output(payload),)
        sent = await call.port.command(Pay(outputs))
        return {"txid": hash_to_hex(sent.txid), "bytes": len(payload)}

    async def list_data(self, call: Call) -> Json:
        count = call.positive("count", 1, DATA_BLOCKS_PER_CALL_MAX)
        skip = call.positive("skip", 0, 10_000_000)
        top = await call.port.query(lambda node: node.chain.height())
        start = call.integer("start_height") if call.has("start_height") else top - DATA_BLOCKS_PER_CALL_MAX + 1
        start = max(start, 1)
        end = min(start + DATA_BLOCKS_PER_CALL_MAX - 1, top)
        pending = await self._pending(call)
        confirmed = await self._confirmed(call, start, end, top)
        # Newest first: what waits, then down from the tip.
        rows = [*reversed(pending), *reversed(confirmed)]
        return {
            "height": top,
            "start_height": start,
            "end_height": end,
            "total": len(rows),
            "items": rows[skip : skip + count],
        }

    async def _pending(self, call: Call) -> list[Json]:
        rows: list[Json] = []
        for entry in await read_entries(call.port):
            rows += [
                _item_json(item) | {"status": "pending", "time": entry.time, "confirmations": 0}
                for item in find_data(entry.transaction)
            ]
        return rows

    async def _confirmed(self, call: Call, start: int, end: int, top: int) -> list[Json]:
        rows: list[Json] = []
        at = start
        while at <= end:
            page = await read_headers(call.port, at, min(_BLOCKS_PER_READ, end - at + 1))
            if not page:
                break
            await self._look_through(call, [view.hash for view in page])
            for view in page:
                rows += [
                    _item_json(item)
                    | {
                        "status": "confirmed",
                        "time": view.header.time,
                        "confirmations": top - view.height + 1,
                        "blockhash": hash_to_hex(view.hash),
                        "height": view.height,
                    }
                    for item in self._memory.get(view.hash) or ()
                ]
            at += len(page)
        return rows

    async def _look_through(self, call: Call, blocks: list[BlockHash]) -> None:
        missing = self._memory.missing(blocks)
        if not missing:
            return

        def read(chain: ChainReads) -> list[bytes | None]:
            found = (chain.read_block(block) for block in missing)
            return [None if raw is None else raw.raw for raw in found]

        for block, raw in zip(missing, await call.port.read_chain(read), strict=True):
            if raw is not None:
                items = [item for transaction in Block.parse(raw).transactions for item in find_data(transaction)]
                self._memory.remember(block, tuple(items))


def _item_json(item: DataItem) -> JsonObject:
    shape: JsonObject = {"txid": hash_to_hex(item.txid), "vout": item.output_index, "hex": item.payload.hex()}
    try:
        text = item.payload.decode()
    except UnicodeDecodeError:
        return shape
    # Control characters are no text: a terminal would obey them.
    return shape | {"text": text} if text.isprintable() else shape


def data_methods() -> tuple[Method, ...]:
    """The rows, around one memory."""
    owner = DataMethods()
    return (
        Method(
            "putdata",
            Category.DATA,
            "Put a small payload into an OP_RETURN output of a payment that costs its fee only.",
            "An object: txid, bytes.",
            owner.put_data,
            (
                Argument("data", Kind.TEXT, f"The payload: 1 to {DATA_PAYLOAD_BYTES_MAX} bytes."),
                optional("is_hex", Kind.FLAG, False, "Whether the payload is given as hex."),
            ),
        ),
        Method(
            "listdata",
            Category.DATA,
            f"Payloads of the mempool (pending) and of up to {DATA_BLOCKS_PER_CALL_MAX} blocks, newest first.",
            "An object: height, start_height, end_height, total, items (txid, vout, hex, text, status, confirmations, "
            "time, blockhash, height).",
            owner.list_data,
            (
                optional("count", Kind.INTEGER, 100, "How many items at most."),
                optional("skip", Kind.INTEGER, 0, "How many of the newest to leave out."),
                optional("start_height", Kind.INTEGER, None, "The first block to look at; the latest by default."),
            ),
        ),
    )
