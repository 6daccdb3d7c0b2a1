"""Blockchain methods that read block files and coins, in the chain worker."""

from collections.abc import Sequence
from dataclasses import dataclass

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.transaction import Transaction, Txid, TxOut, make_outpoint, output_size
from minicoin.core.primitives.verdicts import Coin
from minicoin.core.queries.chain import HeaderView
from minicoin.core.script.standard import is_unspendable
from minicoin.rpc.errors import INVALID_ADDRESS, INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import (
    UNKNOWN_BLOCK,
    Argument,
    Call,
    Category,
    Kind,
    Method,
    optional,
    parse_hash,
    require,
)
from minicoin.rpc.port import ChainReads
from minicoin.rpc.shapes import JsonObject, block_json, script_json

NOT_STORED = RpcError(MISC_ERROR, "Block not available (not fully downloaded)")
_COIN_SETS = ("hash_serialized_3", "muhash", "none")
# What Bitcoin Core counts a coin as, beside its output: outpoint, height with the mark of a coinbase.
_COIN_OVERHEAD = 40
_PERCENTILES = (10, 25, 50, 75, 90)


async def read_stored_block(call: Call, block: BlockHash) -> tuple[HeaderView, RawBlock]:
    """A block and its place, or the refusal that says what is missing."""
    view = require(await call.port.query(lambda node: node.chain.header(block)), UNKNOWN_BLOCK)
    if not view.is_stored:
        raise RpcError(NOT_STORED.code, NOT_STORED.message)
    return view, require(await call.port.read_chain(lambda chain: chain.read_block(block)), NOT_STORED)


async def get_block(call: Call) -> Json:
    block_hash = BlockHash(call.hash("blockhash"))
    verbosity = call.integer("verbosity")
    view, raw = await read_stored_block(call, block_hash)
    if verbosity <= 0:
        return raw.raw.hex()
    spent = await call.port.read_chain(lambda chain: chain.spent_coins(block_hash)) if verbosity >= 2 else None
    block = Block.parse(raw.raw)
    return block_json(view, block, len(raw.raw), call.port.network.address_format, spent, verbosity)


async def get_block_stats(call: Call) -> Json:
    chosen = call.value("hash_or_height")
    if isinstance(chosen, str):
        block_hash = BlockHash(parse_hash(chosen, "hash_or_height"))
    elif isinstance(chosen, int) and not isinstance(chosen, bool):
        height = chosen
        if height < 0:
            raise RpcError(INVALID_PARAMETER, f"Target block height {height} is negative")
        top = await call.port.query(lambda node: node.chain.height())
        found = await call.port.query(lambda node: node.chain.hash_at(height))
        problem = f"Target block height {height} after current tip {top}"
        block_hash = require(found, RpcError(INVALID_PARAMETER, problem))
    else:
        raise RpcError(INVALID_PARAMETER, "hash_or_height must be a hash or a height")
    view, raw = await read_stored_block(call, block_hash)
    spent = await call.port.read_chain(lambda chain: chain.spent_coins(block_hash))
    if spent is None and view.height > 0:
        raise RpcError(MISC_ERROR, "Can't read undo data from disk")
    stats = block_stats(view, Block.parse(raw.raw), spent or [], call.port.network.subsidy(view.height))
    if not call.has("stats") or not call.array("stats"):
        return stats
    chosen_names = [str(name) for name in call.array("stats")]
    unknown = next((name for name in chosen_names if name not in stats), None)
    if unknown is not None:
        raise RpcError(INVALID_PARAMETER, f"Invalid selected statistic '{unknown}'")
    return {name: stats[name] for name in chosen_names}


def block_stats(view: HeaderView, block: Block, spent: Sequence[Coin], subsidy_sat: int) -> JsonObject:
    """getblockstats, amounts in satoshi as Bitcoin Core gives them there."""
    payments = block.transactions[1:]
    fees: list[int] = []
    feerates: list[tuple[int, int]] = []
    at = 0
    for transaction in payments:
        coins = spent[at : at + len(transaction.inputs)]
        at += len(transaction.inputs)
        fee = sum(coin.output.value for coin in coins) - sum(output.value for output in transaction.outputs)
        fees.append(fee)
        feerates.append((4 * fee // transaction.weight, transaction.weight))
    sizes = [transaction.size for transaction in payments]
    segwit = [transaction for transaction in payments if transaction.has_witness]
    outputs = [output for transaction in block.transactions for output in transaction.outputs]
    kept = [output for output in outputs if not is_unspendable(output.script_pubkey)]
    rates = sorted(rate for rate, _ in feerates)
    weight = sum(transaction.weight for transaction in payments)
    given_back = sum(_coin_size(coin.output) for coin in spent)
    return {
        "avgfee": sum(fees) // len(fees) if fees else 0,
        "avgfeerate": 4 * sum(fees) // weight if weight else 0,
        "avgtxsize": sum(sizes) // len(sizes) if sizes else 0,
        "blockhash": hash_to_hex(view.hash),
        "feerate_percentiles": _percentiles(feerates),
        "height": view.height,
        "ins": len(spent),
        "maxfee": max(fees, default=0),
        "maxfeerate": rates[-1] if rates else 0,
        "maxtxsize": max(sizes, default=0),
        "medianfee": _median(fees),
        "mediantime": view.median_time,
        "mediantxsize": _median(sizes),
        "minfee": min(fees, default=0),
        "minfeerate": rates[0] if rates else 0,
        "mintxsize": min(sizes, default=0),
        "outs": len(outputs),
        "subsidy": subsidy_sat,
        "swtotal_size": sum(transaction.size for transaction in segwit),
        "swtotal_weight": sum(transaction.weight for transaction in segwit),
        "swtxs": len(segwit),
        "time": view.header.time,
        "total_out": sum(output.value for transaction in payments for output in transaction.outputs),
        "total_size": sum(sizes),
        "total_weight": weight,
        "totalfee": sum(fees),
        "txs": len(block.transactions),
        "utxo_increase": len(outputs) - len(spent),
        "utxo_increase_actual": (len(kept) if view.height else 0) - len(spent),
        "utxo_size_inc": sum(map(_coin_size, outputs)) - given_back,
        "utxo_size_inc_actual": (sum(map(_coin_size, kept)) if view.height else 0) - given_back,
    }


def _coin_size(output: TxOut) -> int:
    return output_size(output) + _COIN_OVERHEAD


def _median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    half = len(ordered) // 2
    if not ordered:
        return 0
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2


def _percentiles(feerates: Sequence[tuple[int, int]]) -> list[Json]:
    """Feerates by weight: what the transaction at each share of the block paid."""
    if not feerates:
        return [0] * len(_PERCENTILES)
    ordered = sorted(feerates)
    total = sum(weight for _, weight in ordered)
    found: list[Json] = []
    cumulative, at = 0, 0
    for percent in _PERCENTILES:
        while at < len(ordered) - 1 and 100 * (cumulative + ordered[at][1]) < percent * total:
            cumulative += ordered[at][1]
            at += 1
        found.append(ordered[at][0])
    return found


async def get_tx_out(call: Call) -> Json:
    txid, index = Txid(call.hash("txid")), call.positive("n", 0, 0xFFFF_FFFF)
    outpoint = make_outpoint(txid, index)
    with_mempool = call.flag("include_mempool")
    if with_mempool:
        if await call.port.query(lambda node: node.mempool.spender(outpoint)) is not None:
            return None
        output = await call.port.query(lambda node: node.mempool.output(outpoint))
        if output is not None:
            best = await call.port.query(lambda node: node.chain.best_hash())
            return _tx_out_json(call, best, Coin(output, 0, False), confirmations=0)

    def read(chain: ChainReads) -> tuple[BlockHash, int, Coin | None]:
        return chain.tip, chain.height, chain.coin(outpoint)

    best, height, coin = await call.port.read_chain(read)
    return None if coin is None else _tx_out_json(call, best, coin, confirmations=height - coin.height + 1)


def _tx_out_json(call: Call, best: BlockHash, coin: Coin, *, confirmations: int) -> JsonObject:
    return {
        "bestblock": hash_to_hex(best),
        "confirmations": confirmations,
        "value": Amount(coin.output.value),
        "scriptPubKey": script_json(coin.output.script_pubkey, call.port.network.address_format),
        "coinbase": coin.is_coinbase,
    }


async def get_tx_out_set_info(call: Call) -> Json:
    kind = call.text("hash_type")
    if kind not in _COIN_SETS:
        raise RpcError(INVALID_PARAMETER, f"'{kind}' is not a valid hash_type")
    if call.has("hash_or_height"):
        raise RpcError(INVALID_PARAMETER, "Querying specific block heights requires coinstatsindex")
    reading = await call.port.read_chain_slowly(lambda chain: chain.read_coin_set(kind))
    totals = reading.totals
    shape: JsonObject = {
        "height": reading.height,
        "bestblock": hash_to_hex(reading.tip),
        "txouts": totals.coins,
        "bogosize": totals.bogosize,
    }
    if kind != "none":
        shape[kind] = hash_to_hex(totals.digest)
    return shape | {
        "total_amount": Amount(totals.total_sat),
        "transactions": totals.transactions,
        "disk_size": _index_size(call),
    }


def _index_size(call: Call) -> int:
    """Of the store that has the coins; headers and the places of blocks are a small part of it."""
    return sum(path.stat().st_blocks * 512 for path in (call.port.datadir / "index").glob("*"))


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    """A transaction of a stored block. `spent` are the coins of its inputs; None for a coinbase and where unknown."""

    view: HeaderView
    transaction: Transaction
    spent: Sequence[Coin] | None


async def find_in_block(call: Call, block: BlockHash, txid: Txid) -> FoundTransaction | None:
    """A transaction of a stored block, or None where the block does not hold it."""
    view = await call.port.query(lambda node: node.chain.header(block))
    if view is None:
        raise RpcError(INVALID_ADDRESS, "Block hash not found")
    if not view.is_stored:
        raise RpcError(MISC_ERROR, "Block not available")
    _, raw = await read_stored_block(call, block)
    spent = await call.port.read_chain(lambda chain: chain.spent_coins(block))
    try:
        transactions = Block.parse(raw.raw).transactions
    except DecodeError as error:
        raise RpcError(MISC_ERROR, f"the stored block is damaged: {error}") from error
    at = 0
    for transaction in transactions:
        inputs = 0 if transaction.is_coinbase else len(transaction.inputs)
        if transaction.txid == txid:
            return FoundTransaction(view, transaction, spent[at : at + inputs] if spent and inputs else None)
        at += inputs
    return None


METHODS = (
    Method(
        "getblock",
        Category.CHAIN,
        "A block: as hex, with its txids, or with its transactions decoded.",
        "Verbosity 0: hex. 1: an object with the header's fields, size, weight and tx (txids). 2: tx holds decoded "
        "transactions with their fees. 3: and the outputs they spend.",
        get_block,
        (
            Argument("blockhash", Kind.HASH, "The block's hash."),
            optional("verbosity", Kind.LEVEL, 1, "How much to tell: 0 to 3.", aliases=("verbose",)),
        ),
    ),
    Method(
        "getblockstats",
        Category.CHAIN,
        "Figures of one block; amounts in satoshi, feerates in satoshi per virtual byte.",
        "An object: fees, feerates, sizes, inputs, outputs, subsidy.",
        get_block_stats,
        (
            Argument("hash_or_height", Kind.TEXT_OR_NUMBER, "The block's hash, or its height on the best chain."),
            optional("stats", Kind.ARRAY, None, "Names of the figures wanted; all by default.", in_usage="stats"),
        ),
    ),
    Method(
        "gettxout",
        Category.CHAIN,
        "An unspent output.",
        "An object: bestblock, confirmations, value, scriptPubKey, coinbase; null where it is spent or unknown.",
        get_tx_out,
        (
            Argument("txid", Kind.HASH, "The transaction's id."),
            Argument("n", Kind.INTEGER, "The output's position."),
            optional("include_mempool", Kind.FLAG, True, "Whether unconfirmed transactions count."),
        ),
    ),
    Method(
        "gettxoutsetinfo",
        Category.CHAIN,
        "Count, sum and hash of all unspent outputs. Reads the whole set, while blocks go on.",
        "An object: height, bestblock, txouts, bogosize, hash_serialized_3 or muhash, total_amount, transactions, "
        "disk_size.",
        get_tx_out_set_info,
        (
            optional("hash_type", Kind.TEXT, "hash_serialized_3", "hash_serialized_3, muhash or none."),
            optional("hash_or_height", Kind.TEXT_OR_NUMBER, None, "Refused: there is no index of earlier sets."),
            optional("use_index", Kind.FLAG, True, "Accepted for compatibility."),
        ),
    ),
)
