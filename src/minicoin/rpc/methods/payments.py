"""Wallet methods that spend: payments, and signatures for transactions made elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from minicoin.core.commands import AbandonTransaction, Pay, SignTransaction
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.transaction import (
    Transaction,
    Txid,
    TxOut,
    make_outpoint,
    outpoint_index,
    outpoint_txid,
)
from minicoin.core.script.asm import script_asm
from minicoin.core.script.pushes import witness_program
from minicoin.rpc.errors import INVALID_PARAMETER, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import (
    Argument,
    Call,
    Category,
    Kind,
    Method,
    optional,
    parse_amount,
    parse_hash,
    parse_hex,
    parse_vbyte_feerate,
)
from minicoin.rpc.methods.transactions import parse_address, parse_outputs, parse_transaction_hex
from minicoin.rpc.methods.wallet import require_wallet
from minicoin.rpc.port import ChainReads
from minicoin.rpc.shapes import JsonObject


async def send_to_address(call: Call) -> Json:
    await require_wallet(call)
    output = TxOut(call.amount_sat("amount"), parse_address(call, call.text("address")))
    subtracted = (0,) if call.flag("subtractfeefromamount") else ()
    return await _pay(call, (output,), subtracted)


async def send_many(call: Call) -> Json:
    await require_wallet(call)
    amounts = call.mapping("amounts")
    outputs = parse_outputs(call, amounts)
    names = list(amounts)
    subtracted: list[int] = []
    for name in call.array("subtractfeefrom"):
        if name not in names:
            raise RpcError(INVALID_PARAMETER, f"Invalid parameter, address {name!r} is not among the amounts")
        subtracted.append(names.index(str(name)))
    return await _pay(call, outputs, tuple(subtracted))


async def _pay(call: Call, outputs: tuple[TxOut, ...], subtracted: tuple[int, ...]) -> Json:
    if not outputs:
        raise RpcError(INVALID_PARAMETER, "Transaction must have at least one recipient")
    txid = hash_to_hex((await call.port.command(Pay(outputs, _feerate(call), subtracted))).txid)
    return {"txid": txid} if call.flag("verbose") else txid


async def send_all(call: Call) -> Json:
    await require_wallet(call)
    recipients = call.array("recipients")
    if len(recipients) != 1 or not isinstance(recipients[0], str):
        raise RpcError(INVALID_PARAMETER, "recipients must be an array of one address")
    outputs = (TxOut(0, parse_address(call, recipients[0])),)
    sent = await call.port.command(Pay(outputs, _feerate(call), empties=True))
    return {"txid": hash_to_hex(sent.txid), "complete": True}


def _feerate(call: Call) -> int:
    if not call.has("fee_rate"):
        return 0
    feerate = parse_vbyte_feerate(call.value("fee_rate"), "fee_rate")
    if feerate < 1:
        raise RpcError(INVALID_PARAMETER, "fee_rate must be at least 0.001 sat/vB")
    return feerate


async def abandon_transaction(call: Call) -> Json:
    await require_wallet(call)
    await call.port.command(AbandonTransaction(Txid(call.hash("txid"))))
    return None


async def sign_raw_transaction(call: Call) -> Json:
    await require_wallet(call)
    transaction = parse_transaction_hex(call.text("hexstring"), "hexstring")
    spent = await read_spent_outputs(call, transaction)
    made = await call.port.command(SignTransaction(transaction, spent))
    signed = made.transaction
    shape: JsonObject = {"hex": signed.raw.hex(), "complete": made.is_complete}
    if not made.is_complete:
        stacks = signed.witnesses or ((),) * len(signed.inputs)
        places = [at for at, spend in enumerate(signed.inputs) if not (spend.script_sig or stacks[at])]
        shape["errors"] = unsigned_inputs(signed, spent, places, "Unable to sign input: not of this wallet")
    return shape


async def read_spent_outputs(call: Call, transaction: Transaction) -> tuple[TxOut | None, ...]:
    """What its inputs spend: given in `prevtxs`, unconfirmed, or in the chain; None where none of these."""
    return await look_up_spent(call, transaction, call.array("prevtxs"))


async def look_up_spent(call: Call, transaction: Transaction, prevtxs: Iterable[Json] = ()) -> tuple[TxOut | None, ...]:
    """As read_spent_outputs does, for methods that take no `prevtxs`."""
    given = dict(map(_parse_prevout, prevtxs))
    parents = dict(await call.port.query(lambda node: node.mempool.unconfirmed_parents(transaction)))

    def read(chain: ChainReads) -> tuple[TxOut | None, ...]:
        coins = [chain.coin(spend.outpoint) for spend in transaction.inputs]
        return tuple(None if coin is None else coin.output for coin in coins)

    found = await call.port.read_chain(read)
    names = [spend.outpoint for spend in transaction.inputs]
    known = {name: parents.get(name) or output for name, output in zip(names, found, strict=True)}
    return tuple(_spent_output(given.get(name), known[name]) for name in names)


def _spent_output(given: "_Given | None", known: TxOut | None) -> TxOut | None:
    if given is None:
        return known
    if given.value_sat is not None:
        return TxOut(given.value_sat, given.script)
    if known is not None and known.script_pubkey == given.script:
        return known
    if witness_program(given.script) is not None:
        raise RpcError(INVALID_PARAMETER, "Missing amount: the signature of an input with a witness covers it")
    return TxOut(0, given.script)


def unsigned_inputs(
    signed: Transaction, spent: Sequence[TxOut | None], places: Iterable[int], otherwise: str
) -> list[Json]:
    """Bitcoin Core's shape of what could not be signed; `otherwise` is why, where the output is known."""
    stacks = signed.witnesses or ((),) * len(signed.inputs)
    problems: list[Json] = []
    for place in places:
        spend, stack, output = signed.inputs[place], stacks[place], spent[place]
        reason = "Input not found or already spent" if output is None else otherwise
        problems.append(
            {
                "txid": hash_to_hex(outpoint_txid(spend.outpoint)),
                "vout": outpoint_index(spend.outpoint),
                "witness": [item.hex() for item in stack],
                "scriptSig": script_asm(spend.script_sig),
                "sequence": spend.sequence,
                "error": reason,
            }
        )
    return problems


@dataclass(frozen=True, slots=True)
class _Given:
    """What a call says of an output."""

    script: bytes
    value_sat: int | None


def _parse_prevout(value: Json) -> tuple[bytes, _Given]:
    if not isinstance(value, Mapping):
        raise RpcError(INVALID_PARAMETER, "each member of prevtxs must be an object")
    txid, index, script, amount = (value.get(key) for key in ("txid", "vout", "scriptPubKey", "amount"))
    if not isinstance(txid, str) or not isinstance(script, str) or not isinstance(index, int):
        raise RpcError(INVALID_PARAMETER, "each member of prevtxs needs txid, vout and scriptPubKey")
    outpoint = make_outpoint(Txid(parse_hash(txid, "txid")), index)
    value_sat = None if amount is None else parse_amount(amount, "amount")
    return outpoint, _Given(parse_hex(script, "scriptPubKey"), value_sat)


_FEE_RATE = optional("fee_rate", Kind.AMOUNT, None, "Satoshi per virtual byte; the node's estimate by default.")
_VERBOSE = optional("verbose", Kind.FLAG, False, "Answer an object.")
_COMMENT = "Accepted for compatibility; not kept."

METHODS = (
    Method(
        "sendtoaddress",
        Category.WALLET,
        "Pay an amount to an address. Answered, and told to peers, once the mempool took it and it is on disk.",
        "The txid, as hex.",
        send_to_address,
        (
            Argument("address", Kind.TEXT, "Who is paid."),
            Argument("amount", Kind.AMOUNT, "How much."),
            optional("comment", Kind.TEXT, "", _COMMENT),
            optional("comment_to", Kind.TEXT, "", _COMMENT),
            optional("subtractfeefromamount", Kind.FLAG, False, "Whether the receiver pays the fee."),
            optional("replaceable", Kind.FLAG, True, "Accepted for compatibility; every payment may be replaced."),
            optional("conf_target", Kind.INTEGER, None, "Accepted for compatibility."),
            optional("estimate_mode", Kind.TEXT, "unset", "Accepted for compatibility."),
            optional("avoid_reuse", Kind.FLAG, False, "Accepted for compatibility."),
            _FEE_RATE,
            _VERBOSE,
        ),
    ),
    Method(
        "sendmany",
        Category.WALLET,
        "Pay several addresses in one transaction.",
        "The txid, as hex.",
        send_many,
        (
            optional("dummy", Kind.TEXT, "", "Accepted for compatibility."),
            optional("amounts", Kind.OBJECT, {}, "Amounts by address."),
            optional("minconf", Kind.INTEGER, None, "Accepted for compatibility."),
            optional("comment", Kind.TEXT, "", _COMMENT),
            optional("subtractfeefrom", Kind.ARRAY, [], "Addresses that pay the fee in equal parts."),
            optional("replaceable", Kind.FLAG, True, "Accepted for compatibility; every payment may be replaced."),
            optional("conf_target", Kind.INTEGER, None, "Accepted for compatibility."),
            optional("estimate_mode", Kind.TEXT, "unset", "Accepted for compatibility."),
            _FEE_RATE,
            _VERBOSE,
        ),
    ),
    Method(
        "sendall",
        Category.WALLET,
        "Pay everything that can be spent, less the fee, to one address. Coins worth less than their own fee stay.",
        "An object: txid, complete.",
        send_all,
        (
            Argument("recipients", Kind.ARRAY, "The one address, in an array."),
            optional("conf_target", Kind.INTEGER, None, "Accepted for compatibility."),
            optional("estimate_mode", Kind.TEXT, "unset", "Accepted for compatibility."),
            _FEE_RATE,
        ),
    ),
    Method(
        "abandontransaction",
        Category.WALLET,
        "Give up a payment that stands in no block and not in the mempool, and what spends it: its coins are free "
        "again. Nothing else gives a payment up. Somebody who has a copy of it can still have it mined.",
        "Null, once that is on disk.",
        abandon_transaction,
        (Argument("txid", Kind.HASH, "The payment's id."),),
    ),
    Method(
        "signrawtransactionwithwallet",
        Category.WALLET,
        "Sign the inputs of a transaction that spend the wallet's coins.",
        "An object: hex, complete, errors.",
        sign_raw_transaction,
        (
            Argument("hexstring", Kind.HEX, "The serialised transaction."),
            optional("prevtxs", Kind.ARRAY, [], "Outputs it spends that no block holds yet."),
            optional("sighashtype", Kind.TEXT, "ALL", "ALL only."),
        ),
    ),
)
