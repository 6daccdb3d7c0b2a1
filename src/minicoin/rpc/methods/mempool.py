"""Mempool methods."""

from collections.abc import Sequence

from minicoin.core.answers import CommandRefused, Reason
from minicoin.core.commands import SaveMempool
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.transaction import Txid
from minicoin.core.queries.mempool import EntryView
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, TYPE_ERROR, RpcError
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import NOT_IN_MEMPOOL, Argument, Call, Category, Kind, Method, optional, require
from minicoin.rpc.pages import read_entries
from minicoin.rpc.port import NodePort
from minicoin.rpc.shapes import JsonObject


async def get_mempool_info(call: Call) -> Json:
    totals = await call.port.query(lambda node: node.mempool.snapshot())
    standardness = await call.port.query(lambda node: node.mempool.policy().standardness)
    return {
        "loaded": await call.port.query(lambda node: node.mempool.is_restored()),
        "size": totals.count,
        "bytes": totals.vbytes,
        "usage": totals.usage_bytes,
        "total_fee": Amount(totals.fees_sat),
        "maxmempool": totals.bytes_max,
        "mempoolminfee": Amount(totals.min_feerate),
        "minrelaytxfee": Amount(totals.min_relay_feerate),
        "incrementalrelayfee": Amount(totals.incremental_feerate),
        "unbroadcastcount": totals.unbroadcast_count,
        "fullrbf": True,
        "permitbaremultisig": standardness.permits_bare_multisig,
        "maxdatacarriersize": standardness.datacarrier_bytes_max,
        "orphans": totals.orphan_count,
        "verifying": totals.verifying_count,
    }


async def get_raw_mempool(call: Call) -> Json:
    if call.flag("verbose"):
        return {hash_to_hex(entry.txid): entry_json(entry) for entry in await read_entries(call.port)}
    after = -1
    names: list[Json] = []
    while found := await _txids_behind(call.port, after):
        after = found[-1][0]
        names += [hash_to_hex(txid) for _, txid in found]
    if call.flag("mempool_sequence"):
        return {"txids": names, "mempool_sequence": after + 1}
    return names


async def _txids_behind(port: NodePort, after: int) -> Sequence[tuple[int, Txid]]:
    return await port.query(lambda node: node.mempool.txids(after))


async def get_mempool_entry(call: Call) -> Json:
    txid = Txid(call.hash("txid"))
    return entry_json(require(await call.port.query(lambda node: node.mempool.entry(txid)), NOT_IN_MEMPOOL))


async def get_mempool_ancestors(call: Call) -> Json:
    txid = Txid(call.hash("txid"))
    found = require(await call.port.query(lambda node: node.mempool.ancestors(txid)), NOT_IN_MEMPOOL)
    return _relatives(found, is_verbose=call.flag("verbose"))


async def get_mempool_descendants(call: Call) -> Json:
    txid = Txid(call.hash("txid"))
    found = require(await call.port.query(lambda node: node.mempool.descendants(txid)), NOT_IN_MEMPOOL)
    return _relatives(found, is_verbose=call.flag("verbose"))


def _relatives(entries: Sequence[EntryView], *, is_verbose: bool) -> Json:
    if not is_verbose:
        return [hash_to_hex(entry.txid) for entry in entries]
    return {hash_to_hex(entry.txid): entry_json(entry) for entry in entries}


def entry_json(entry: EntryView) -> JsonObject:
    """Bitcoin Core's shape of a mempool entry."""
    return {
        "vsize": entry.vsize,
        "weight": entry.transaction.weight,
        "time": entry.time,
        "height": entry.height,
        "descendantcount": entry.descendant_count,
        "descendantsize": entry.descendant_vsize,
        "ancestorcount": entry.ancestor_count,
        "ancestorsize": entry.ancestor_vsize,
        "wtxid": hash_to_hex(entry.transaction.wtxid),
        "fees": {
            "base": Amount(entry.fee_sat),
            "modified": Amount(entry.modified_fee_sat),
            "ancestor": Amount(entry.ancestor_fees_sat),
            "descendant": Amount(entry.descendant_fees_sat),
        },
        "depends": [hash_to_hex(txid) for txid in entry.parents],
        "spentby": [hash_to_hex(txid) for txid in entry.children],
        "bip125-replaceable": True,
        "unbroadcast": entry.is_unbroadcast,
    }


async def get_orphan_txs(call: Call) -> Json:
    if isinstance(call.value("verbosity"), bool):
        raise RpcError(TYPE_ERROR, "Verbosity was boolean but only integer allowed")
    verbosity = call.integer("verbosity")
    if not 0 <= verbosity <= 2:
        raise RpcError(INVALID_PARAMETER, f"Invalid verbosity value {verbosity}")
    orphans = await call.port.query(lambda node: node.mempool.orphans())
    if verbosity == 0:
        return [hash_to_hex(orphan.transaction.txid) for orphan in orphans]
    rows: list[Json] = []
    for orphan in orphans:
        row: JsonObject = {
            "txid": hash_to_hex(orphan.transaction.txid),
            "wtxid": hash_to_hex(orphan.transaction.wtxid),
            "bytes": orphan.transaction.size,
            "vsize": orphan.transaction.vsize,
            "weight": orphan.transaction.weight,
            "from": list(orphan.conns),
        }
        rows.append(row | {"hex": orphan.transaction.raw.hex()} if verbosity == 2 else row)
    return rows


async def save_mempool(call: Call) -> Json:
    try:
        await call.port.command(SaveMempool())
    except CommandRefused as refused:
        if refused.reason is not Reason.NOT_SAVED:
            raise
        raise RpcError(MISC_ERROR, f"Unable to dump mempool to disk ({refused.text})") from refused
    return {"filename": str(call.port.datadir / "state" / "mempool")}


async def estimate_smart_fee(call: Call) -> Json:
    target = call.positive("conf_target", 1, 1_008)
    feerate = await call.port.query(lambda node: node.mempool.estimate_feerate(target))
    return {"feerate": Amount(feerate), "blocks": target}


_TXID = Argument("txid", Kind.HASH, "A transaction of the mempool.")
_VERBOSE = optional("verbose", Kind.FLAG, False, "True for objects by txid, false for an array of txids.")

METHODS = (
    Method(
        "getmempoolinfo",
        Category.CHAIN,
        "The mempool's totals.",
        "An object: size, bytes, usage, total_fee, maxmempool, mempoolminfee, minrelaytxfee, orphans and more.",
        get_mempool_info,
    ),
    Method(
        "getrawmempool",
        Category.CHAIN,
        "All transactions of the mempool, in the order they came.",
        "An array of txids, or an object of entries by txid.",
        get_raw_mempool,
        (_VERBOSE, optional("mempool_sequence", Kind.FLAG, False, "Answer an object with txids and a sequence.")),
    ),
    Method(
        "getmempoolentry",
        Category.CHAIN,
        "One transaction of the mempool.",
        "An object: vsize, weight, time, height, fees, counts of ancestors and descendants, depends, spentby.",
        get_mempool_entry,
        (_TXID,),
    ),
    Method(
        "getmempoolancestors",
        Category.CHAIN,
        "The unconfirmed transactions that one needs.",
        "An array of txids, or an object of entries.",
        get_mempool_ancestors,
        (_TXID, _VERBOSE),
    ),
    Method(
        "getmempooldescendants",
        Category.CHAIN,
        "The unconfirmed transactions that need one.",
        "An array of txids, or an object of entries.",
        get_mempool_descendants,
        (_TXID, _VERBOSE),
    ),
    Method(
        "getorphantxs",
        Category.CHAIN,
        "Transactions that wait for parents nobody has sent yet.",
        "An array of txids; of objects: txid, wtxid, bytes, vsize, weight, from (the peer that sent it), hex (at 2).",
        get_orphan_txs,
        (optional("verbosity", Kind.LEVEL, 0, "0 for txids, 1 for objects, 2 with the transactions."),),
        is_hidden=True,
    ),
    Method(
        "savemempool",
        Category.CHAIN,
        "Write the mempool to disk now, as an orderly stop does; answered once it is there.",
        "An object: filename.",
        save_mempool,
    ),
    Method(
        "estimatesmartfee",
        Category.UTIL,
        "A feerate likely to be mined within some blocks, should nothing better paid arrive.",
        "An object: feerate (coins per 1,000 vB), blocks.",
        estimate_smart_fee,
        (
            Argument("conf_target", Kind.INTEGER, "Blocks to wait: 1 to 1008."),
            optional("estimate_mode", Kind.TEXT, "economical", "Accepted for compatibility; changes nothing."),
        ),
    ),
)
