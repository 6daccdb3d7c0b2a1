"""Wallet methods that read: balances, coins, history."""

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import QUERY_PAGE_HISTORY_MAX
from minicoin.core.primitives.transaction import (
    Txid,
    outpoint_index,
    outpoint_txid,
)
from minicoin.core.queries.wallet import HistoryEntry, TransactionStatus
from minicoin.core.script.standard import script_address
from minicoin.core.units import SECOND_US
from minicoin.rpc.errors import INVALID_ADDRESS, RpcError
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.methods.transactions import parse_address
from minicoin.rpc.methods.wallet import require_wallet
from minicoin.rpc.pages import read_history
from minicoin.rpc.shapes import JsonObject, transaction_json

_CONFIRMATIONS_MAX = 9_999_999


async def get_balance(call: Call) -> Json:
    wallet = await require_wallet(call)
    least = call.integer("minconf")
    if least <= 0:
        return Amount(wallet.balance.spendable_sat)
    coins = await call.port.query(lambda node: node.wallet.coins())
    return Amount(sum(coin.output.value for coin in coins if coin.is_spendable and coin.confirmations >= least))


async def get_balances(call: Call) -> Json:
    wallet = await require_wallet(call)
    balance = wallet.balance
    return {
        "mine": {
            # As Bitcoin Core tells it: coins that only payments outside the mempool spend are still among the trusted,
            # and taken off again under a name of their own.
            "trusted": Amount(balance.spendable_sat + balance.held_sat),
            "untrusted_pending": Amount(balance.untrusted_pending_sat),
            "immature": Amount(balance.immature_sat),
            "nonmempool": Amount(-balance.held_sat),
        },
        "lastprocessedblock": {"hash": hash_to_hex(wallet.tip.hash), "height": wallet.tip.height},
    }


async def list_unspent(call: Call) -> Json:
    await require_wallet(call)
    low, high = call.integer("minconf"), call.integer("maxconf")
    wanted = {parse_address(call, str(text)): None for text in call.array("addresses")}
    include_unsafe = call.flag("include_unsafe")
    form = call.port.network.address_format
    coins = await call.port.query(lambda node: node.wallet.coins())
    entries = await call.port.query(lambda node: node.wallet.addresses())
    labels = {entry.script_pubkey: entry.label for entry in entries}
    answer: list[Json] = []
    for coin in coins:
        script = coin.output.script_pubkey
        is_safe = coin.confirmations > 0 or coin.is_spendable
        is_listed = low <= coin.confirmations <= high and (not wanted or script in wanted)
        if (
            not is_listed
            or coin.is_reserved
            or coin.state in ("immature", "waiting")
            or not (is_safe or include_unsafe)
        ):
            continue
        answer.append(
            {
                "txid": hash_to_hex(outpoint_txid(coin.outpoint)),
                "vout": outpoint_index(coin.outpoint),
                "address": script_address(script, form),
                "label": labels.get(script, ""),
                "scriptPubKey": script.hex(),
                "amount": Amount(coin.output.value),
                "confirmations": coin.confirmations,
                "spendable": coin.is_spendable,
                "solvable": True,
                "safe": is_safe,
            }
        )
    return answer


async def list_transactions(call: Call) -> Json:
    await require_wallet(call)
    label = call.text("label")
    count = call.positive("count", 0, 10 * QUERY_PAGE_HISTORY_MAX)
    skip = call.positive("skip", 0, _CONFIRMATIONS_MAX)
    entries: list[HistoryEntry] = []
    async for entry in read_history(call.port):
        if len(entries) == skip + count:
            break
        if label in ("*", entry.label):
            entries.append(entry)
    # Bitcoin Core tells the oldest of the newest first.
    return [_history_json(entry) for entry in reversed(entries[skip:])]


def _history_json(entry: HistoryEntry) -> JsonObject:
    shape: JsonObject = {}
    if entry.address is not None:
        shape["address"] = entry.address
    shape |= {
        "category": str(entry.category),
        "amount": Amount(entry.amount_sat),
        "label": entry.label,
        "vout": entry.output_index,
        "abandoned": entry.state == "abandoned",
    }
    if entry.fee_sat is not None:
        shape["fee"] = Amount(entry.fee_sat)
    if entry.category in ("generate", "immature", "orphan"):
        shape["generated"] = True
    return shape | _status_json(entry)


def _status_json(status: TransactionStatus) -> JsonObject:
    shape: JsonObject = {"confirmations": status.confirmations}
    if status.confirmations > 0 and status.place is not None:
        shape |= {
            "blockhash": hash_to_hex(status.place.hash),
            "blockheight": status.place.height,
            "blockindex": status.place.position,
            "blocktime": status.place.time,
        }
    else:
        shape["trusted"] = status.is_trusted
    received = status.received_us // SECOND_US
    return shape | {
        "txid": hash_to_hex(status.txid),
        "walletconflicts": [hash_to_hex(txid) for txid in status.conflicts],
        "time": received,
        "timereceived": received,
        # Whatever it signals, this node lets every transaction that waits be replaced.
        "bip125-replaceable": "no" if status.confirmations > 0 else "yes",
    }


async def get_transaction(call: Call) -> Json:
    wallet = await require_wallet(call)
    txid = Txid(call.hash("txid"))
    record, status, entries = await call.port.query(
        lambda node: (node.wallet.record(txid), node.wallet.status(txid), node.wallet.history_of(txid))
    )
    if record is None or status is None:
        raise RpcError(INVALID_ADDRESS, "Invalid or non-wallet transaction id")
    fee = next((entry.fee_sat for entry in entries if entry.fee_sat is not None), None)
    shape: JsonObject = {"amount": Amount(sum(entry.amount_sat for entry in entries))}
    if fee is not None:
        shape["fee"] = Amount(fee)
    if record.transaction.is_coinbase:
        shape["generated"] = True
    shape |= _status_json(status) | {
        "wtxid": hash_to_hex(record.transaction.wtxid),
        "details": [_detail_json(entry) for entry in entries],
        "hex": record.transaction.raw.hex(),
        "lastprocessedblock": {"hash": hash_to_hex(wallet.tip.hash), "height": wallet.tip.height},
    }
    if call.flag("verbose"):
        shape["decoded"] = transaction_json(record.transaction, call.port.network.address_format, with_hex=False)
    return shape


def _detail_json(entry: HistoryEntry) -> JsonObject:
    kept = ("address", "category", "amount", "label", "vout", "fee", "abandoned")
    return {key: value for key, value in _history_json(entry).items() if key in kept}


async def list_received_by_address(call: Call) -> Json:
    await require_wallet(call)
    least, with_empty = call.integer("minconf"), call.flag("include_empty")
    entries = await call.port.query(lambda node: node.wallet.addresses())
    received: dict[bytes, list[HistoryEntry]] = {entry.script_pubkey: [] for entry in entries}
    async for line in read_history(call.port):
        if line.category != "send" and line.confirmations >= least and line.script_pubkey in received:
            received[line.script_pubkey].append(line)
    wanted = call.text("address_filter")
    answer: list[Json] = []
    for entry in entries:
        lines = received[entry.script_pubkey]
        if (lines or with_empty) and wanted in ("", entry.address):
            answer.append(
                {
                    "address": entry.address,
                    "amount": Amount(sum(line.amount_sat for line in lines)),
                    "confirmations": min((line.confirmations for line in lines), default=0),
                    "label": entry.label,
                    "txids": list(dict.fromkeys(hash_to_hex(line.txid) for line in lines)),
                }
            )
    return answer


_MINCONF = optional("minconf", Kind.INTEGER, 0, "Least number of confirmations.")

METHODS = (
    Method(
        "getbalance",
        Category.WALLET,
        "What the wallet can spend.",
        "An amount.",
        get_balance,
        (
            optional("dummy", Kind.TEXT, "*", "Accepted for compatibility."),
            _MINCONF,
            optional("include_watchonly", Kind.FLAG, False, "Accepted for compatibility."),
            optional("avoid_reuse", Kind.FLAG, False, "Accepted for compatibility."),
        ),
    ),
    Method(
        "getbalances",
        Category.WALLET,
        "What the wallet holds, by state.",
        "An object: mine (trusted, untrusted_pending, immature, nonmempool), lastprocessedblock.",
        get_balances,
    ),
    Method(
        "listunspent",
        Category.WALLET,
        "The wallet's unspent outputs.",
        "An array of objects: txid, vout, address, label, scriptPubKey, amount, confirmations, spendable, safe.",
        list_unspent,
        (
            optional("minconf", Kind.INTEGER, 1, "Least number of confirmations."),
            optional("maxconf", Kind.INTEGER, _CONFIRMATIONS_MAX, "Greatest number of confirmations."),
            optional("addresses", Kind.ARRAY, [], "Only these addresses."),
            optional("include_unsafe", Kind.FLAG, True, "Whether to tell unconfirmed ones from outside."),
            optional("query_options", Kind.OBJECT, {}, "Accepted for compatibility."),
        ),
    ),
    Method(
        "listtransactions",
        Category.WALLET,
        "The latest lines of the wallet's history, oldest of them first.",
        "An array of objects: address, category (send, receive, generate, immature, orphan), amount, fee, "
        "confirmations, block, txid, time.",
        list_transactions,
        (
            optional("label", Kind.TEXT, "*", "Only lines with this label; * for all."),
            optional("count", Kind.INTEGER, 10, "How many."),
            optional("skip", Kind.INTEGER, 0, "How many of the newest to leave out."),
            optional("include_watchonly", Kind.FLAG, False, "Accepted for compatibility."),
        ),
    ),
    Method(
        "gettransaction",
        Category.WALLET,
        "One transaction of the wallet.",
        "An object: amount (without fee), fee, confirmations, block, txid, time, details, hex.",
        get_transaction,
        (
            Argument("txid", Kind.HASH, "The transaction's id."),
            optional("include_watchonly", Kind.FLAG, False, "Accepted for compatibility."),
            optional("verbose", Kind.FLAG, False, "Whether to decode it."),
        ),
    ),
    Method(
        "listreceivedbyaddress",
        Category.WALLET,
        "What each address of the wallet received.",
        "An array of objects: address, amount, confirmations, label, txids.",
        list_received_by_address,
        (
            optional("minconf", Kind.INTEGER, 1, "Least number of confirmations."),
            optional("include_empty", Kind.FLAG, False, "Whether to tell addresses that received nothing."),
            optional("include_watchonly", Kind.FLAG, False, "Accepted for compatibility."),
            optional("address_filter", Kind.TEXT, "", "Only this address."),
        ),
    ),
)
