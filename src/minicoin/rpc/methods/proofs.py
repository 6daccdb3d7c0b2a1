"""Proofs that a block holds a transaction: made from a stored block, verified against the best chain (BIP37's form)."""

from collections.abc import Sequence
from typing import Final

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.limits import TRANSACTIONS_PER_BLOCK_MAX
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.partial_merkle import prove_leaves, proved_leaves
from minicoin.core.primitives.transaction import Txid, make_outpoint
from minicoin.core.wire.codec_filters import decode_merkle_block, encode_merkle_block
from minicoin.core.wire.messages import MerkleBlock
from minicoin.rpc.errors import DESERIALIZATION_ERROR, INVALID_ADDRESS, INVALID_PARAMETER, TYPE_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, parse_hash, require
from minicoin.rpc.methods.blocks import NOT_STORED, read_stored_block
from minicoin.rpc.port import ChainReads

_NOT_IN_BLOCK: Final = RpcError(INVALID_ADDRESS, "Transaction not yet in block")
_NOT_IN_CHAIN: Final = RpcError(INVALID_ADDRESS, "Block not found in chain")
# Outputs of a transaction that are looked for among the coins, at one visit of the worker.
_OUTPUTS_TRIED: Final = 1_000


async def get_tx_out_proof(call: Call) -> Json:
    wanted: dict[Txid, None] = {}
    for value in call.array("txids"):
        if not isinstance(value, str):
            raise RpcError(TYPE_ERROR, "txid must be a string of 64 hex digits")
        txid = Txid(parse_hash(value, "txid"))
        if txid in wanted:
            raise RpcError(INVALID_PARAMETER, f"Invalid parameter, duplicated txid: {value}")
        wanted[txid] = None
    if not wanted:
        raise RpcError(INVALID_PARAMETER, "Parameter 'txids' cannot be empty")
    if len(wanted) > TRANSACTIONS_PER_BLOCK_MAX:
        raise RpcError(INVALID_PARAMETER, f"no block holds more than {TRANSACTIONS_PER_BLOCK_MAX} transactions")
    block_hash = BlockHash(call.hash("blockhash")) if call.has("blockhash") else await _find_block(call, list(wanted))
    _, raw = await read_stored_block(call, block_hash)
    txids = [transaction.txid for transaction in Block.parse(raw.raw).transactions]
    if sum(txid in wanted for txid in txids) != len(wanted):
        raise RpcError(INVALID_ADDRESS, "Not all transactions found in specified or retrieved block")
    hashes, flags = prove_leaves(txids, [txid in wanted for txid in txids])
    return encode_merkle_block(MerkleBlock(raw.header, len(txids), hashes, flags)).hex()


async def _find_block(call: Call, txids: Sequence[Txid]) -> BlockHash:
    """The block of whichever transaction has an unspent output, or is the wallet's."""
    for txid in txids:
        block = await find_block_of(call, txid)
        if block is not None:
            return block
    raise RpcError(_NOT_IN_BLOCK.code, _NOT_IN_BLOCK.message)


async def find_block_of(call: Call, txid: Txid) -> BlockHash | None:
    """The block that holds a transaction, where that has an unspent output or is the wallet's; None else."""
    height = await _height_of_coin(call, txid)
    return await _block_of_own(call, txid) if height is None else await _block_at(call, height)


async def _height_of_coin(call: Call, txid: Txid) -> int | None:
    def read(chain: ChainReads) -> int | None:
        coins = (chain.coin(make_outpoint(txid, index)) for index in range(_OUTPUTS_TRIED))
        return next((coin.height for coin in coins if coin is not None), None)

    return await call.port.read_chain(read)


async def _block_of_own(call: Call, txid: Txid) -> BlockHash | None:
    record = await call.port.query(lambda node: node.wallet.record(txid))
    return None if record is None or record.place is None else record.place.hash


async def _block_at(call: Call, height: int) -> BlockHash | None:
    return await call.port.query(lambda node: node.chain.hash_at(height))


async def verify_tx_out_proof(call: Call) -> Json:
    try:
        proof = decode_merkle_block(call.octets("proof"))
    except DecodeError as error:
        raise RpcError(DESERIALIZATION_ERROR, f"Proof decode failed: {error}") from error
    try:
        root, found = proved_leaves(proof.total_transactions, proof.hashes, proof.flags)
    except DecodeError:
        return []
    if root != proof.header.merkle_root:
        return []
    block_hash = proof.header.hash
    view = await call.port.query(lambda node: node.chain.header(block_hash))
    if view is None or view.confirmations < 1 or not view.is_stored:
        raise RpcError(_NOT_IN_CHAIN.code, _NOT_IN_CHAIN.message)
    # An inner node passes for a leaf where the count of transactions is not looked at.
    count = require(await call.port.read_chain(lambda chain: chain.transaction_count(block_hash)), NOT_STORED)
    return [hash_to_hex(txid) for txid in found] if count == proof.total_transactions else []


METHODS = (
    Method(
        "gettxoutproof",
        Category.CHAIN,
        "A proof that a block holds transactions. Without the block's hash, one of them must have an unspent output or "
        "be the wallet's: there is no index of confirmed transactions.",
        "The proof, as hex.",
        get_tx_out_proof,
        (
            Argument("txids", Kind.ARRAY, "The transactions' ids; all of one block."),
            optional("blockhash", Kind.HASH, None, "The block that holds them."),
        ),
    ),
    Method(
        "verifytxoutproof",
        Category.CHAIN,
        "What a proof of gettxoutproof proves. Refused where the block is not part of the best chain.",
        "An array of the txids; empty where the proof does not hold.",
        verify_tx_out_proof,
        (Argument("proof", Kind.HEX, "The proof."),),
    ),
)
