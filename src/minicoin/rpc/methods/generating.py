"""Blocks made on demand: to a descriptor, or of chosen transactions."""

from minicoin.core.commands import Generate, GenerateBlock, SubmitHeader
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.limits import BLOCK_WEIGHT_MAX, GENERATE_BLOCKS_MAX, TRANSACTIONS_PER_BLOCK_MAX
from minicoin.core.primitives.block import HEADER_SIZE, BlockHeader
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.rpc.errors import (
    DESERIALIZATION_ERROR,
    INVALID_ADDRESS,
    INVALID_PARAMETER,
    MISC_ERROR,
    TYPE_ERROR,
    VERIFY_ERROR,
    RpcError,
)
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, parse_hex
from minicoin.rpc.methods.descriptors import read_descriptors, script_of_output, script_to_mine_to
from minicoin.rpc.port import ChainReads
from minicoin.rpc.shapes import JsonObject


async def generate_to_descriptor(call: Call) -> Json:
    count, text = call.positive("num_blocks", 0, GENERATE_BLOCKS_MAX), call.text("descriptor")
    read_descriptors(call, text)
    script = script_to_mine_to(call, text)
    assert script is not None
    mined = await call.port.command(Generate(count, script))
    return [hash_to_hex(block) for block in mined.blocks]


async def generate_block(call: Call) -> Json:
    script = script_of_output(call, call.text("output"))
    texts = call.array("transactions")
    if len(texts) > TRANSACTIONS_PER_BLOCK_MAX:
        raise RpcError(INVALID_PARAMETER, f"no block holds more than {TRANSACTIONS_PER_BLOCK_MAX} transactions")
    transactions = tuple([await _find_transaction(call, text) for text in texts])
    if sum(transaction.weight for transaction in transactions) > BLOCK_WEIGHT_MAX:
        raise RpcError(VERIFY_ERROR, "TestBlockValidity failed: bad-blk-weight")
    await _check(call, script, transactions)
    submits = call.flag("submit")
    mined = await call.port.command(GenerateBlock(script, transactions, submits))
    if not mined.blocks:
        raise RpcError(MISC_ERROR, "Failed to make block: the search was ended.")
    shape: JsonObject = {"hash": hash_to_hex(mined.blocks[0])}
    return shape if mined.unsubmitted is None else shape | {"hex": mined.unsubmitted.raw.hex()}


async def _find_transaction(call: Call, value: Json) -> Transaction:
    """Of the mempool by its id, or as given."""
    if not isinstance(value, str):
        raise RpcError(TYPE_ERROR, "transactions: each is a string, an id or a serialised transaction")
    try:
        octets = parse_hex(value, "transactions")
        if len(octets) != 32:
            return Transaction.parse(octets)
    except (RpcError, DecodeError) as error:
        problem = f"Transaction decode failed for {value[:200]}. Make sure the tx has at least one input."
        raise RpcError(DESERIALIZATION_ERROR, problem) from error
    txid = Txid(octets[::-1])
    entry = await call.port.query(lambda node: node.mempool.entry(txid))
    if entry is None:
        raise RpcError(INVALID_ADDRESS, f"Transaction {value} not in mempool.")
    return entry.transaction


async def _check(call: Call, script: bytes, transactions: tuple[Transaction, ...]) -> None:
    """Before it is mined: the work would be for nothing."""
    block = await call.port.query(lambda node: node.mempool.unsolved_block(script, transactions))
    refusal = await call.port.query(lambda node: node.chain.header_refusal(block.header))

    def read(chain: ChainReads) -> str | None:
        # A tip that moved meanwhile is no fault of the transactions: the miner takes the new one.
        return chain.test_block(block, refusal) if chain.tip == block.header.previous else None

    problem = await call.port.read_chain(read)
    if problem:
        raise RpcError(VERIFY_ERROR, f"TestBlockValidity failed: {problem}")


async def submit_header(call: Call) -> Json:
    try:
        header = BlockHeader.parse(parse_hex(call.text("hexdata"), "hexdata")[:HEADER_SIZE])
    except (DecodeError, RpcError) as error:
        raise RpcError(DESERIALIZATION_ERROR, "Block header decode failed") from error
    await call.port.command(SubmitHeader(header))
    return None


METHODS = (
    Method(
        "generatetodescriptor",
        Category.MINING,
        "Mine blocks now, paying to a descriptor's script; answered when all are found.",
        "An array of block hashes.",
        generate_to_descriptor,
        (
            Argument("num_blocks", Kind.INTEGER, f"How many: 0 to {GENERATE_BLOCKS_MAX}."),
            Argument("descriptor", Kind.TEXT, "Who is paid; of combo() the segwit script."),
            optional("maxtries", Kind.INTEGER, None, "Accepted for compatibility; the search goes on until found."),
        ),
        is_for_miners=True,
    ),
    Method(
        "generateblock",
        Category.MINING,
        "Mine one block of just these transactions in this order. It claims the subsidy and no fees.",
        "An object: hash, and hex where the block is not submitted.",
        generate_block,
        (
            Argument("output", Kind.TEXT, "Who is paid: an address or a descriptor."),
            Argument("transactions", Kind.ARRAY, "Ids of transactions in the mempool, or serialised transactions."),
            optional("submit", Kind.FLAG, True, "Whether it joins the chain; else it is only handed back."),
        ),
        is_for_miners=True,
    ),
    Method(
        "submitheader",
        Category.MINING,
        "Offer a block's header to the node; its block is fetched from the peers. Refused where it breaks a rule.",
        "null",
        submit_header,
        (Argument("hexdata", Kind.HEX, "The header; what follows it is left alone."),),
        is_for_miners=True,
    ),
)
