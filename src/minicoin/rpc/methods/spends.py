"""Who spends an output: looked up in the mempool, since there is no index of confirmed spends."""

from collections.abc import Mapping
from typing import Final

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import SPENT_OUTPUTS_PER_CALL_MAX
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, make_outpoint
from minicoin.core.queries.node import NodeQueries
from minicoin.rpc.arguments import type_name
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, TYPE_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, parse_hash
from minicoin.rpc.shapes import JsonObject

_OPTIONS: Final = ("mempool_only", "return_spending_tx")
_FIELDS: Final = (("txid", str, "string"), ("vout", int, "number"))


async def get_tx_spending_prevout(call: Call) -> Json:
    outputs = call.array("outputs")
    if not outputs:
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, outputs are missing")
    if len(outputs) > SPENT_OUTPUTS_PER_CALL_MAX:
        problem = f"at most {SPENT_OUTPUTS_PER_CALL_MAX} outputs at once, not {len(outputs)}"
        raise RpcError(INVALID_PARAMETER, problem)
    mempool_only, with_transaction = _read_options(call)
    outpoints = [_read_outpoint(value) for value in outputs]

    def read(node: NodeQueries) -> list[Transaction | None]:
        return [node.mempool.spending_transaction(outpoint) for outpoint in outpoints]

    spenders = await call.port.query(read)
    if not mempool_only and None in spenders:
        problem = "Mempool lacks a relevant spend, and txospenderindex is unavailable."
        raise RpcError(MISC_ERROR, problem)
    rows: list[Json] = []
    for value, spender in zip(outputs, spenders, strict=True):
        assert isinstance(value, Mapping)
        row: JsonObject = {"txid": value["txid"], "vout": value["vout"]}
        if spender is not None:
            row["spendingtxid"] = hash_to_hex(spender.txid)
            if with_transaction:
                row["spendingtx"] = spender.raw.hex()
        rows.append(row)
    return rows


def _read_options(call: Call) -> tuple[bool, bool]:
    chosen: dict[str, Json] = dict(call.mapping("options"))
    unknown = next((name for name in chosen if name not in _OPTIONS), None)
    if unknown is not None:
        raise RpcError(TYPE_ERROR, f"Unexpected key {unknown}")
    for name in _OPTIONS:
        if call.has(name):
            if name in chosen:
                raise RpcError(INVALID_PARAMETER, f"Parameter {name} specified twice")
            chosen[name] = call.flag(name)
        value = chosen.get(name)
        if value is not None and not isinstance(value, bool):
            problem = f"JSON value of type {type_name(value)} for field {name} is not of expected type bool"
            raise RpcError(TYPE_ERROR, problem)
    return chosen.get("mempool_only") is not False, chosen.get("return_spending_tx") is True


def _read_outpoint(value: Json) -> Outpoint:
    if not isinstance(value, Mapping):
        raise RpcError(TYPE_ERROR, "JSON value is not an object as expected: each output has a txid and a vout")
    for name, kind, expected in _FIELDS:
        found = value.get(name)
        if name not in value:
            raise RpcError(TYPE_ERROR, f"Missing {name}")
        if not isinstance(found, kind) or isinstance(found, bool):
            problem = f"JSON value of type {type_name(found)} for field {name} is not of expected type {expected}"
            raise RpcError(TYPE_ERROR, problem)
    unknown = next((name for name in value if name not in ("txid", "vout")), None)
    if unknown is not None:
        raise RpcError(TYPE_ERROR, f"Unexpected key {unknown}")
    txid, index = value["txid"], value["vout"]
    assert isinstance(txid, str) and isinstance(index, int)
    if index < 0:
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, vout cannot be negative")
    if index > 0xFFFF_FFFF:
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, vout is out of range")
    return make_outpoint(Txid(parse_hash(txid, "txid")), index)


METHODS = (
    Method(
        "gettxspendingprevout",
        Category.CHAIN,
        "Which transactions of the mempool spend outputs. Confirmed spends are not indexed.",
        "An array of objects: txid, vout, spendingtxid and spendingtx (where the output is spent).",
        get_tx_spending_prevout,
        (
            Argument("outputs", Kind.ARRAY, "Objects: txid and vout."),
            optional("options", Kind.OBJECT, {}, "The two below, as members of an object."),
            optional("mempool_only", Kind.FLAG, None, "True, or left out: false asks for an index that is not kept."),
            optional("return_spending_tx", Kind.FLAG, None, "Whether to add the spending transaction as hex."),
        ),
    ),
)
