"""Bitcoin Core's JSON shapes of scripts, transactions, headers and blocks. Pure: values in, JSON out."""

from collections.abc import Sequence

from minicoin.core.descriptors.infer import KnownScript, infer_descriptor
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.target import bits_to_target
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, Witness, outpoint_index, outpoint_txid
from minicoin.core.primitives.verdicts import Coin
from minicoin.core.queries.chain import HeaderView
from minicoin.core.script.asm import script_asm
from minicoin.core.script.standard import classify, script_address
from minicoin.rpc.json_text import Amount, Json

JsonObject = dict[str, Json]
# Difficulty 1 on every network, as Bitcoin Core reckons it.
_DIFFICULTY_ONE_MANTISSA = 0xFFFF
_DIFFICULTY_ONE_EXPONENT = 29


def difficulty(bits: int) -> float:
    """How many times harder than Bitcoin's easiest target."""
    exponent, mantissa = bits >> 24, bits & 0xFFFFFF
    if mantissa == 0:
        return 0.0
    return _DIFFICULTY_ONE_MANTISSA / mantissa * 256.0 ** (_DIFFICULTY_ONE_EXPONENT - exponent)


def target_hex(bits: int) -> str:
    """The target as 64 hex digits."""
    return f"{bits_to_target(bits) or 0:064x}"


def script_json(
    script: bytes, form: AddressFormat, known: KnownScript | None = None, *, with_hex: bool = True
) -> JsonObject:
    """scriptPubKey as everywhere in Bitcoin Core's answers."""
    address = script_address(script, form)
    shape: JsonObject = {"asm": script_asm(script), "desc": str(infer_descriptor(script, form, known))}
    if with_hex:
        shape["hex"] = script.hex()
    if address is not None:
        shape["address"] = address
    shape["type"] = str(classify(script))
    return shape


def output_json(output: TxOut, index: int, form: AddressFormat) -> JsonObject:
    """A member of vout."""
    return {"value": Amount(output.value), "n": index, "scriptPubKey": script_json(output.script_pubkey, form)}


def transaction_json(
    transaction: Transaction,
    form: AddressFormat,
    spent: Sequence[Coin] | None = None,
    *,
    with_hex: bool = True,
    with_prevouts: bool = True,
) -> JsonObject:
    """A decoded transaction. With the coins it spends, its fee and on demand each prevout too."""
    is_coinbase = transaction.is_coinbase
    stacks = transaction.witnesses or ((),) * len(transaction.inputs)
    inputs: list[Json] = []
    for position, (spend, stack) in enumerate(zip(transaction.inputs, stacks, strict=True)):
        coin = spent[position] if spent is not None and with_prevouts and not is_coinbase else None
        inputs.append(_input_json(spend, stack, form, coin, is_coinbase=is_coinbase))
    shape: JsonObject = {
        "txid": hash_to_hex(transaction.txid),
        "hash": hash_to_hex(transaction.wtxid),
        "version": transaction.version & 0xFFFF_FFFF,
        "size": transaction.size,
        "vsize": transaction.vsize,
        "weight": transaction.weight,
        "locktime": transaction.lock_time,
        "vin": inputs,
        "vout": [output_json(output, index, form) for index, output in enumerate(transaction.outputs)],
    }
    if spent is not None and not is_coinbase:
        paid = sum(output.value for output in transaction.outputs)
        shape["fee"] = Amount(sum(coin.output.value for coin in spent) - paid)
    if with_hex:
        shape["hex"] = transaction.raw.hex()
    return shape


def _input_json(
    spend: TxIn, stack: Witness, form: AddressFormat, coin: Coin | None, *, is_coinbase: bool
) -> JsonObject:
    shape: JsonObject = {}
    if is_coinbase:
        shape["coinbase"] = spend.script_sig.hex()
    else:
        shape["txid"] = hash_to_hex(outpoint_txid(spend.outpoint))
        shape["vout"] = outpoint_index(spend.outpoint)
        shape["scriptSig"] = {
            "asm": script_asm(spend.script_sig, names_sighash=True),
            "hex": spend.script_sig.hex(),
        }
    if stack:
        shape["txinwitness"] = [item.hex() for item in stack]
    if coin is not None:
        shape["prevout"] = {
            "generated": coin.is_coinbase,
            "height": coin.height,
            "value": Amount(coin.output.value),
            "scriptPubKey": script_json(coin.output.script_pubkey, form),
        }
    shape["sequence"] = spend.sequence
    return shape


def header_json(view: HeaderView, transaction_count: int) -> JsonObject:
    """A block header; `transaction_count` 0 where the block is not here."""
    header = view.header
    shape: JsonObject = {
        "hash": hash_to_hex(header.hash),
        "confirmations": view.confirmations,
        "height": view.height,
        "version": header.version,
        "versionHex": f"{header.version & 0xFFFF_FFFF:08x}",
        "merkleroot": hash_to_hex(header.merkle_root),
        "time": header.time,
        "mediantime": view.median_time,
        "nonce": header.nonce,
        "bits": f"{header.bits:08x}",
        "target": target_hex(header.bits),
        "difficulty": difficulty(header.bits),
        "chainwork": f"{view.chainwork:064x}",
        "nTx": transaction_count,
    }
    if view.height > 0:
        shape["previousblockhash"] = hash_to_hex(header.previous)
    if view.next is not None:
        shape["nextblockhash"] = hash_to_hex(view.next)
    return shape


def block_json(
    view: HeaderView,
    block: Block,
    size: int,
    form: AddressFormat,
    spent: Sequence[Coin] | None,
    verbosity: int,
) -> JsonObject:
    """A block with its txids (verbosity 1), its transactions decoded (2), and with the outputs they spend (3)."""
    head = header_json(view, len(block.transactions))
    previous, following = head.pop("previousblockhash", None), head.pop("nextblockhash", None)
    transactions: list[Json] = [hash_to_hex(transaction.txid) for transaction in block.transactions]
    if verbosity >= 2:
        transactions = []
        at = 0
        for transaction in block.transactions:
            coins: Sequence[Coin] | None = None
            if spent is not None and not transaction.is_coinbase:
                coins = spent[at : at + len(transaction.inputs)]
                at += len(transaction.inputs)
            transactions.append(transaction_json(transaction, form, coins, with_prevouts=verbosity >= 3))
    shape: JsonObject = {
        **head,
        "strippedsize": len(block.stripped),
        "size": size,
        "weight": block.weight,
        "coinbase_tx": _coinbase_json(block.transactions[0]),
        "tx": transactions,
    }
    if previous is not None:
        shape["previousblockhash"] = previous
    if following is not None:
        shape["nextblockhash"] = following
    return shape


def _coinbase_json(coinbase: Transaction) -> JsonObject:
    spend = coinbase.inputs[0]
    shape: JsonObject = {
        "version": coinbase.version & 0xFFFF_FFFF,
        "locktime": coinbase.lock_time,
        "sequence": spend.sequence,
        "coinbase": spend.script_sig.hex(),
    }
    if coinbase.has_witness and coinbase.witnesses[0]:
        shape["witness"] = coinbase.witnesses[0][0].hex()
    return shape
