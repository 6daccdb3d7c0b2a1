"""Mempool methods."""

from collections.abc import Sequence

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.node.commands import INVALID_PARAMETER, CommandError
from minicoin.core.node.query_pool import Admission, EntryView
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.primitives.verdicts import TxVerdict
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import NOT_IN_MEMPOOL, Argument, Call, Category, Kind, Method, optional, parse_amount, require
from minicoin.rpc.methods.transactions import MAX_FEERATE, parse_transaction_hex
from minicoin.rpc.pages import read_entries
from minicoin.rpc.port import NodePort
from minicoin.rpc.shapes import JsonObject

_TEST_TRANSACTIONS_MAX = 25


async def get_mempool_info(call: Call) -> Json:
    totals = await call.port.query(lambda node: node.mempool.snapshot())
    return {
        "loaded": True,
        "size": totals.count,
        "bytes": totals.vbytes,
        "usage": totals.usage_bytes,
        "total_fee": Amount(totals.fees_sat),
        "maxmempool": totals.bytes_max,
        "mempoolminfee": Amount(totals.min_feerate),
        "minrelaytxfee": Amount(totals.min_relay_feerate),
        "incrementalrelayfee": Amount(totals.incremental_feerate),
        "unbroadcastcount": totals.own_count,
        "fullrbf": True,
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
            "modified": Amount(entry.fee_sat),
            "ancestor": Amount(entry.ancestor_fees_sat),
            "descendant": Amount(entry.descendant_fees_sat),
        },
        "depends": [hash_to_hex(txid) for txid in entry.parents],
        "spentby": [hash_to_hex(txid) for txid in entry.children],
        "bip125-replaceable": True,
        "unbroadcast": entry.is_own,
    }


async def try_transaction(call: Call, transaction: Transaction) -> tuple[Admission, TxVerdict | None]:
    """What the mempool would say, and the verdict where it came to one."""
    admission = await call.port.query(lambda node: node.mempool.check(transaction))
    if admission.reason:
        return admission, None
    parents = await call.port.query(lambda node: node.mempool.unconfirmed_parents(transaction))
    verdict = await call.port.read_chain(lambda chain: chain.verify_transaction(transaction, parents))
    return await call.port.query(lambda node: node.mempool.judge(verdict)), verdict


async def test_mempool_accept(call: Call) -> Json:
    texts = call.array("rawtxs")
    if not 1 <= len(texts) <= _TEST_TRANSACTIONS_MAX:
        problem = f"Array must contain between 1 and {_TEST_TRANSACTIONS_MAX} transactions."
        raise CommandError(INVALID_PARAMETER, problem)
    transactions = [parse_transaction_hex(text, "rawtxs") for text in texts]
    max_feerate = parse_amount(call.value("maxfeerate"), "maxfeerate")
    answers: list[Json] = []
    for transaction in transactions:
        admission, verdict = await try_transaction(call, transaction)
        row: JsonObject = {"txid": hash_to_hex(transaction.txid), "wtxid": hash_to_hex(transaction.wtxid)}
        if admission.reason or verdict is None:
            row |= {"allowed": False, "reject-reason": admission.reason}
            if admission.detail:
                row["reject-details"] = f"{admission.reason}, {admission.detail}"
        elif max_feerate and verdict.fee_sat * 1_000 > max_feerate * admission.vsize:
            row |= {"allowed": False, "reject-reason": "max-fee-exceeded"}
        else:
            feerate = verdict.fee_sat * 1_000 // admission.vsize
            row |= {
                "allowed": True,
                "vsize": admission.vsize,
                "fees": {
                    "base": Amount(verdict.fee_sat),
                    "effective-feerate": Amount(feerate),
                    "effective-includes": [hash_to_hex(transaction.wtxid)],
                },
            }
        answers.append(row)
    return answers


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
        "testmempoolaccept",
        Category.RAW,
        "Whether the mempool would take transactions, each on its own, without taking them.",
        "An array of objects: txid, wtxid, allowed, vsize, fees, reject-reason.",
        test_mempool_accept,
        (
            Argument("rawtxs", Kind.ARRAY, "Transactions as hex."),
            optional("maxfeerate", Kind.AMOUNT, MAX_FEERATE, "Refuse a higher feerate (coins per 1,000 vB); 0: any."),
        ),
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
