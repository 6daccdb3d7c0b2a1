"""Raw transactions: decode, build, find, send. Signing by the wallet stands with the wallet."""

from collections.abc import Mapping, Sequence

from minicoin.core.commands import SubmitTransaction
from minicoin.core.crypto.hashing import hash160
from minicoin.core.descriptors.infer import KnownScript
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import (
    SEQUENCE_FINAL,
    Transaction,
    Txid,
    TxIn,
    TxOut,
    make_outpoint,
)
from minicoin.core.script.policy import STANDARD_VERSION_MAX
from minicoin.core.script.standard import address_script, data_output, is_unspendable, p2sh_script, script_address
from minicoin.core.script.wrapping import may_be_wrapped, segwit_form
from minicoin.rpc.errors import ALREADY_IN_CHAIN, INVALID_ADDRESS, INVALID_PARAMETER, TYPE_ERROR, VERIFY_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import (
    UNDECODABLE,
    Argument,
    Call,
    Category,
    Kind,
    Method,
    optional,
    parse_amount,
    parse_feerate,
    parse_hash,
    parse_hex,
)
from minicoin.rpc.methods.blocks import find_in_block
from minicoin.rpc.shapes import JsonObject, script_json, transaction_json

_DATA_KEY = "data"
# Final, yet lock_time counts: what Bitcoin Core gives inputs of a transaction with a lock time.
_SEQUENCE_NON_FINAL = SEQUENCE_FINAL - 1
_SEQUENCE_REPLACEABLE = SEQUENCE_FINAL - 2
# What Bitcoin Core refuses as absurd unless told otherwise, in coins per 1,000 virtual bytes.
MAX_FEERATE = "0.10"

MAX_BURN = optional("maxburnamount", Kind.AMOUNT, "0", "Refuse to send more coins where nobody can spend them.")


def parse_transaction_hex(value: Json, name: str) -> Transaction:
    """A transaction from outside."""
    if not isinstance(value, str):
        raise RpcError(TYPE_ERROR, f"{name}: a transaction is a string of hex digits")
    try:
        transaction = Transaction.parse(parse_hex(value, name))
    except (DecodeError, RpcError):
        raise RpcError(UNDECODABLE.code, UNDECODABLE.message) from None
    if not transaction.inputs:
        raise RpcError(UNDECODABLE.code, UNDECODABLE.message)
    return transaction


def parse_address(call: Call, text: str) -> bytes:
    """The script of an address of this network."""
    try:
        return address_script(text, call.port.network.address_format)
    except DecodeError as error:
        raise RpcError(INVALID_ADDRESS, f"Invalid address: {error}") from error


def parse_outputs(call: Call, value: Json) -> tuple[TxOut, ...]:
    """{address: amount, ...} or an array of such; `data` carries bytes in an OP_RETURN output."""
    members: list[tuple[str, Json]] = []
    for group in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
        if not isinstance(group, Mapping):
            raise RpcError(INVALID_PARAMETER, "Invalid parameter, each output must be an object")
        members += group.items()
    outputs: list[TxOut] = []
    seen: dict[bytes, None] = {}
    for key, amount in members:
        if key == _DATA_KEY:
            if not isinstance(amount, str):
                raise RpcError(TYPE_ERROR, "Data must be a string of hex digits")
            outputs.append(data_output(parse_hex(amount, "Data")))
            continue
        script = parse_address(call, key)
        if script in seen:
            raise RpcError(INVALID_PARAMETER, f"Invalid parameter, duplicated address: {key}")
        seen[script] = None
        outputs.append(TxOut(parse_amount(amount, key), script))
    return tuple(outputs)


async def get_raw_transaction(call: Call) -> Json:
    txid = Txid(call.hash("txid"))
    if txid == call.port.network.genesis.header.merkle_root:
        problem = "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved"
        raise RpcError(INVALID_ADDRESS, problem)
    verbosity = call.integer("verbosity")
    if call.has("blockhash"):
        return await _raw_in_block(call, txid, BlockHash(call.hash("blockhash")), verbosity)
    form = call.port.network.address_format
    entry = await call.port.query(lambda node: node.mempool.entry(txid))
    if entry is not None:
        return entry.transaction.raw.hex() if verbosity <= 0 else transaction_json(entry.transaction, form)
    # The wallet knows the block of its own transactions; of others there is no index.
    record, status = await call.port.query(lambda node: (node.wallet.record(txid), node.wallet.status(txid)))
    if record is None or status is None:
        raise RpcError(
            INVALID_ADDRESS,
            "No such mempool transaction. Use blockhash to say which block holds it: this node keeps no index of "
            "confirmed transactions. Use gettransaction for wallet transactions.",
        )
    if record.place is None or status.confirmations <= 0:
        return record.transaction.raw.hex() if verbosity <= 0 else transaction_json(record.transaction, form)
    shape = await _raw_in_block(call, txid, record.place.hash, verbosity)
    if isinstance(shape, dict):
        # Told only to who names the block himself.
        shape.pop("in_active_chain")
    return shape


async def _raw_in_block(call: Call, txid: Txid, block: BlockHash, verbosity: int) -> JsonObject | str:
    found = await find_in_block(call, block, txid)
    if found is None:
        raise RpcError(
            INVALID_ADDRESS,
            "No such transaction found in the provided block. Use gettransaction for wallet transactions.",
        )
    if verbosity <= 0:
        return found.transaction.raw.hex()
    view, spent = found.view, found.spent
    shape: JsonObject = {"in_active_chain": view.confirmations > 0}
    shape |= transaction_json(found.transaction, call.port.network.address_format, spent if verbosity >= 2 else None)
    shape["blockhash"] = hash_to_hex(view.hash)
    if view.confirmations > 0:
        shape |= {"confirmations": view.confirmations, "time": view.header.time, "blocktime": view.header.time}
    else:
        shape["confirmations"] = 0
    return shape


async def decode_raw_transaction(call: Call) -> Json:
    transaction = parse_transaction_hex(call.text("hexstring"), "hexstring")
    return transaction_json(transaction, call.port.network.address_format, with_hex=False)


async def decode_script(call: Call) -> Json:
    script = call.octets("hexstring")
    form = call.port.network.address_format
    shape = script_json(script, form, with_hex=False)
    if not may_be_wrapped(script):
        return shape
    shape["p2sh"] = script_address(p2sh_script(hash160(script)), form)
    wrapped = segwit_form(script)
    if wrapped is not None:
        segwit = script_json(wrapped, form, KnownScript(script))
        segwit["p2sh-segwit"] = script_address(p2sh_script(hash160(wrapped)), form)
        shape["segwit"] = segwit
    return shape


def refuse_burning(transaction: Transaction, max_sat: int) -> None:
    """Coins sent where nobody can spend them, beyond what the caller allows."""
    if any(output.value > max_sat and is_unspendable(output.script_pubkey) for output in transaction.outputs):
        problem = "Unspendable output exceeds maximum configured by user (maxburnamount)"
        raise RpcError(VERIFY_ERROR, problem)


async def send_raw_transaction(call: Call) -> Json:
    transaction = parse_transaction_hex(call.text("hexstring"), "hexstring")
    refuse_burning(transaction, parse_amount(call.value("maxburnamount"), "maxburnamount"))
    max_feerate = parse_feerate(call.value("maxfeerate"), "maxfeerate")
    known = await call.port.query(lambda node: node.mempool.entry(transaction.txid))
    # One that is known is told once more to those who lack it; what it pays was judged before.
    if max_feerate and known is None:
        await _refuse_absurd_fee(call, transaction, max_feerate)
    sent = await call.port.command(SubmitTransaction(transaction))
    return hash_to_hex(sent.txid)


async def _refuse_absurd_fee(call: Call, transaction: Transaction, max_feerate: int) -> None:
    parents = await call.port.query(lambda node: node.mempool.unconfirmed_parents(transaction))
    verdict = await call.port.read_chain(lambda chain: chain.verify_transaction(transaction, parents))
    if verdict.fee_sat * 1_000 > max_feerate * transaction.vsize:
        raise RpcError(VERIFY_ERROR, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
    if verdict.missing:
        coins = [make_outpoint(transaction.txid, index) for index in range(len(transaction.outputs))]
        if await call.port.read_chain(lambda chain: any(chain.coin(coin) for coin in coins)):
            raise RpcError(ALREADY_IN_CHAIN, "Transaction outputs already in utxo set")


async def create_raw_transaction(call: Call) -> Json:
    lock_time = call.positive("locktime", 0, 0xFFFF_FFFF)
    is_replaceable = call.flag("replaceable")
    default = _SEQUENCE_REPLACEABLE if is_replaceable else _SEQUENCE_NON_FINAL if lock_time else SEQUENCE_FINAL
    inputs = tuple(_parse_input(spend, default) for spend in call.array("inputs"))
    outputs = parse_outputs(call, call.value("outputs"))
    version = call.integer("version")
    if not 1 <= version <= STANDARD_VERSION_MAX:
        raise RpcError(INVALID_PARAMETER, f"Invalid parameter, version out of range(1~{STANDARD_VERSION_MAX})")
    return Transaction(version, inputs, outputs, lock_time).raw.hex()


def _parse_input(value: Json, default_sequence: int) -> TxIn:
    if not isinstance(value, Mapping):
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, each input must be an object")
    txid, index, sequence = value.get("txid"), value.get("vout"), value.get("sequence", default_sequence)
    if not isinstance(txid, str):
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, missing txid key")
    if not isinstance(index, int) or isinstance(index, bool):
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, missing vout key")
    if not 0 <= index <= 0xFFFF_FFFF:
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, vout cannot be negative")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 0 <= sequence <= SEQUENCE_FINAL:
        raise RpcError(INVALID_PARAMETER, "Invalid parameter, sequence number is out of range")
    return TxIn(make_outpoint(Txid(parse_hash(txid, "txid")), index), b"", sequence)


_TX = Argument("hexstring", Kind.HEX, "The serialised transaction.")

METHODS = (
    Method(
        "getrawtransaction",
        Category.RAW,
        "A transaction of the mempool, of the wallet, or of a given block.",
        "Verbosity 0: hex. 1: an object: the decoded transaction, and its block where it has one. 2: with its fee and "
        "the outputs it spends, where it stands in a block.",
        get_raw_transaction,
        (
            Argument("txid", Kind.HASH, "The transaction's id."),
            optional(
                "verbosity",
                Kind.LEVEL,
                0,
                "0 for hex, 1 for an object, 2 for fee and prevouts too.",
                aliases=("verbose",),
            ),
            optional("blockhash", Kind.HASH, None, "The block that holds it."),
        ),
    ),
    Method(
        "decoderawtransaction",
        Category.RAW,
        "A serialised transaction as an object.",
        "An object: txid, hash, version, size, vsize, weight, locktime, vin, vout.",
        decode_raw_transaction,
        (_TX, optional("iswitness", Kind.FLAG, None, "Accepted for compatibility; the form is recognised.")),
    ),
    Method(
        "decodescript",
        Category.RAW,
        "An output script as an object.",
        "An object: asm, desc, type, address, p2sh, segwit (the same as a witness output: asm, desc, hex, type, "
        "address, p2sh-segwit).",
        decode_script,
        (Argument("hexstring", Kind.HEX, "The script."),),
    ),
    Method(
        "sendrawtransaction",
        Category.RAW,
        "Verify a transaction, keep it in the mempool and send it to the peers.",
        "The txid, as hex.",
        send_raw_transaction,
        (
            _TX,
            optional("maxfeerate", Kind.AMOUNT, MAX_FEERATE, "Refuse a higher feerate (coins per 1,000 vB); 0: any."),
            MAX_BURN,
        ),
    ),
    Method(
        "createrawtransaction",
        Category.RAW,
        "An unsigned transaction.",
        "The serialised transaction, as hex.",
        create_raw_transaction,
        (
            Argument("inputs", Kind.ARRAY, "Objects: txid, vout, and optionally sequence."),
            Argument("outputs", Kind.OUTPUTS, "Amounts by address; the key data takes hex for an OP_RETURN output."),
            optional("locktime", Kind.INTEGER, 0, "The lock time: a height, or Unix seconds."),
            optional("replaceable", Kind.FLAG, True, "Whether to signal that it may be replaced (BIP125)."),
            optional("version", Kind.INTEGER, 2, "The version: 3 for a small topology (BIP431)."),
        ),
    ),
)
