"""The operator's say in what is mined: fees counted as higher or lower than they are."""

from decimal import Decimal

from minicoin.core.commands import PrioritiseTransaction
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.transaction import Txid
from minicoin.rpc.arguments import type_name
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, TYPE_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject


async def prioritise_transaction(call: Call) -> Json:
    if not call.has("fee_delta"):
        raise RpcError(MISC_ERROR, 'prioritisetransaction "txid" ( dummy ) fee_delta: the fee_delta is missing')
    txid = Txid(call.hash("txid"))
    dummy = call.value("dummy")
    if dummy is not None and (isinstance(dummy, bool) or not isinstance(dummy, int | Decimal)):
        raise RpcError(TYPE_ERROR, f"dummy: JSON value of type {type_name(dummy)} is not of expected type number")
    if dummy:
        problem = "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."
        raise RpcError(INVALID_PARAMETER, problem)
    await call.port.command(PrioritiseTransaction(txid, call.integer("fee_delta")))
    return True


async def get_prioritised_transactions(call: Call) -> Json:
    rows: dict[str, Json] = {}
    for one in await call.port.query(lambda node: node.mempool.prioritised()):
        row: JsonObject = {"fee_delta": one.delta_sat, "in_mempool": one.modified_fee_sat is not None}
        if one.modified_fee_sat is not None:
            row["modified_fee"] = one.modified_fee_sat
        rows[hash_to_hex(one.txid)] = row
    return rows


METHODS = (
    Method(
        "prioritisetransaction",
        Category.MINING,
        "Count a transaction as paying more (or less) than it does, when blocks are put together and when the mempool "
        "takes, replaces and evicts. Adds to what was said before; is kept over a restart (with persistmempool), until "
        "a block confirms it.",
        "true",
        prioritise_transaction,
        (
            Argument("txid", Kind.HASH, "The transaction, whether it is here yet or not."),
            optional("dummy", Kind.ANY, None, "Nothing or 0: from the time when there were priorities."),
            optional("fee_delta", Kind.INTEGER, None, "Satoshi to add, or to take away where negative; required."),
        ),
    ),
    Method(
        "getprioritisedtransactions",
        Category.MINING,
        "What prioritisetransaction was told.",
        "An object by txid: fee_delta, in_mempool, modified_fee (satoshi, where it is in the mempool).",
        get_prioritised_transactions,
    ),
)
