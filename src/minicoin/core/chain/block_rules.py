"""Consensus rules of a block that need no coins: its shape by itself, and its shape at its place in the chain.

Reasons and their order follow Bitcoin Core's CheckBlock and ContextualCheckBlock. Whether coins exist and scripts
succeed is decided in connect.py; headers are the header tree's.
"""

from typing import Final

from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.tx_rules import check_transaction, is_final
from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import compact_length
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.limits import BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX
from minicoin.core.primitives.block import HEADER_SIZE, Block
from minicoin.core.primitives.merkle import block_merkle_root, witness_merkle_root
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, TxReason, TxRejected
from minicoin.core.script.pushes import encode_number, push
from minicoin.core.script.sigops import WITNESS_SCALE, legacy_sigops

COMMITMENT_PREFIX: Final = bytes.fromhex("6a24aa21a9ed")
COMMITMENT_SIZE: Final = 38
_WITNESS_NONCE_SIZE: Final = 32


def check_block(block: Block) -> int:
    """What can be said without context; the number of legacy signature operations. Raises BlockRejected."""
    transactions = block.transactions
    root, is_mutated = block_merkle_root(transactions)
    if root != block.header.merkle_root:
        raise _mutated(BlockReason.BAD_MERKLE_ROOT, f"computed {hash_to_hex(root)}")
    if is_mutated:
        raise _mutated(BlockReason.MUTATED, "two equal neighbours in the merkle tree (CVE-2012-2459)")
    stripped_size = HEADER_SIZE + compact_length(len(transactions)) + sum(len(tx.stripped) for tx in transactions)
    if not transactions or max(len(transactions), stripped_size) * WITNESS_SCALE > BLOCK_WEIGHT_MAX:
        raise BlockRejected(BlockReason.BAD_LENGTH, f"{len(transactions)} transactions, {stripped_size} bytes")
    if not transactions[0].is_coinbase:
        raise BlockRejected(BlockReason.COINBASE_MISSING)
    if any(tx.is_coinbase for tx in transactions[1:]):
        raise BlockRejected(BlockReason.COINBASE_MULTIPLE)
    sigops = 0
    for transaction in transactions:
        try:
            check_transaction(transaction)
        except TxRejected as refusal:
            raise reject_transaction(transaction, refusal) from refusal
        sigops += legacy_sigops(transaction)
    if sigops * WITNESS_SCALE > BLOCK_SIGOP_COST_MAX:
        raise BlockRejected(BlockReason.BAD_SIGOPS, f"{sigops} legacy signature operations")
    return sigops


def is_whole(raw: bytes) -> bool:
    """Whether stored bytes are a block with all that its header commits to, witnesses included; what a write that a
    power cut ended is not."""
    try:
        block = Block.parse(raw)
        check_block(block)
        if any(transaction.has_witness for transaction in block.transactions):
            _check_witnesses(block, is_segwit=True)
    except (DecodeError, BlockRejected):
        return False
    return True


def check_block_in_chain(block: Block, rules: RuleSet) -> None:
    """What the block's place in the chain demands. Raises BlockRejected."""
    time = rules.median_time_past if rules.csv else block.header.time
    for transaction in block.transactions:
        if transaction.lock_time and not is_final(transaction, rules.height, time):
            raise BlockRejected(BlockReason.NON_FINAL, f"lock time {transaction.lock_time} of {transaction!r}")
    if rules.bip34:
        expected = push(encode_number(rules.height))
        if not block.transactions[0].inputs[0].script_sig.startswith(expected):
            raise BlockRejected(BlockReason.COINBASE_HEIGHT, f"expected {rules.height}")
    _check_witnesses(block, rules.segwit)
    weight = block.weight
    if weight > BLOCK_WEIGHT_MAX:
        raise BlockRejected(BlockReason.BAD_WEIGHT, f"{weight} of {BLOCK_WEIGHT_MAX}")


def commitment_index(coinbase: Transaction) -> int | None:
    """The output that carries the witness commitment: the last of its form (BIP141)."""
    for index in range(len(coinbase.outputs) - 1, -1, -1):
        script = coinbase.outputs[index].script_pubkey
        if len(script) >= COMMITMENT_SIZE and script.startswith(COMMITMENT_PREFIX):
            return index
    return None


def with_reserved_value(block: Block) -> Block:
    """The block with the witness that its commitment asks of the coinbase, where it was left out (BIP141): what miners
    that know the stripped form only hand in."""
    coinbase = next(iter(block.transactions), None)
    if coinbase is None or coinbase.has_witness or len(coinbase.inputs) != 1 or commitment_index(coinbase) is None:
        return block
    reserved = ((bytes(_WITNESS_NONCE_SIZE),),)
    filled = Transaction(coinbase.version, coinbase.inputs, coinbase.outputs, coinbase.lock_time, reserved)
    return Block(block.header, (filled, *block.transactions[1:]))


def witness_commitment(root: bytes, nonce: bytes) -> bytes:
    """The 32 bytes that a coinbase commits to."""
    return sha256d(root + nonce)


def reject_transaction(transaction: Transaction, refusal: TxRejected) -> BlockRejected:
    """The refusal of a block for one of its transactions."""
    reason = _BLOCK_REASONS.get(refusal.reason, BlockReason.TRANSACTION)
    detail = f"{hash_to_hex(transaction.txid)}{': ' + refusal.detail if refusal.detail else ''}"
    return BlockRejected(reason, detail, refusal.reason)


# Faults of a transaction that have a name of their own where a block commits them.
_BLOCK_REASONS = {
    TxReason.COINBASE_LENGTH: BlockReason.COINBASE_LENGTH,
    TxReason.NON_BIP68_FINAL: BlockReason.NON_FINAL,
    TxReason.SCRIPT_FAILED: BlockReason.SCRIPT_FAILED,
}


def _check_witnesses(block: Block, is_segwit: bool) -> None:
    coinbase = block.transactions[0]
    index = commitment_index(coinbase) if is_segwit else None
    if index is None:
        if any(tx.has_witness for tx in block.transactions):
            raise _mutated(BlockReason.WITNESS_UNEXPECTED, "witness data without a commitment")
        return
    stack = coinbase.witnesses[0] if coinbase.witnesses else ()
    if len(stack) != 1 or len(stack[0]) != _WITNESS_NONCE_SIZE:
        raise _mutated(BlockReason.WITNESS_NONCE, "the coinbase's witness is not one item of 32 bytes")
    commitment = coinbase.outputs[index].script_pubkey[len(COMMITMENT_PREFIX) : COMMITMENT_SIZE]
    if witness_commitment(witness_merkle_root(block.transactions), stack[0]) != commitment:
        raise _mutated(BlockReason.WITNESS_MERKLE, "the witnesses are not those that the coinbase commits to")


def _mutated(reason: BlockReason, detail: str) -> BlockRejected:
    """A fault of these bytes that says nothing about the hash: a good body for it may exist."""
    return BlockRejected(reason, detail, is_permanent=False)
