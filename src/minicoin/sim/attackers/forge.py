"""Makes blocks and headers with work: good ones for miners, and ones that break a chosen rule.

Works on networks of trivial work only. What is made broken is broken for every real engine; where the world's script
verifier only plays one, it is told which transaction has the bad witness.
"""

from collections.abc import Sequence
from dataclasses import replace

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.chain.verifier import ScriptedVerifier, ScriptVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.mining.search import search
from minicoin.core.mining.template import Candidate, build_template, make_job
from minicoin.core.primitives.block import Block, BlockHeader, RawBlock
from minicoin.core.primitives.merkle import block_merkle_root
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.primitives.transaction import Transaction, TxOut
from minicoin.core.units import Micros
from minicoin.world.padding import pad_job

_TRIES = 1 << 20
_WRONG_WITNESS_SCRIPT = b"\x00"


def mine(
    tree: HeaderReader,
    parent: HeaderNode,
    script_pubkey: bytes,
    now: Micros,
    *,
    extra_nonce: int,
    block_bytes: int = 0,
    transactions: Sequence[Transaction] = (),
) -> RawBlock:
    """A block on `parent`, padded to `block_bytes`; its transactions pay no fee and are taken as they come."""
    candidates = [Candidate(transaction, 0, 0) for transaction in transactions]
    job = make_job(build_template(tree, parent, candidates, script_pubkey, now), 1)
    found = search(pad_job(job, block_bytes) if block_bytes else job, extra_nonce, _TRIES)
    if found is None:
        raise MisuseError("attackers mine on networks of trivial work only")
    return found


def overpaid(block: RawBlock) -> RawBlock:
    """The block with a coinbase that takes one satoshi too many."""
    parsed = Block.parse(block.raw)
    good = parsed.transactions[0]
    first = good.outputs[0]
    outputs = (TxOut(first.value + 1, first.script_pubkey), *good.outputs[1:])
    coinbase = Transaction(good.version, good.inputs, outputs, good.lock_time, good.witnesses)
    body = (coinbase, *parsed.transactions[1:])
    root, _ = block_merkle_root(body)
    header = solve(replace(parsed.header, merkle_root=root))
    return RawBlock(header, Block(header, body).raw)


def misrooted(block: RawBlock, root: bytes) -> RawBlock:
    """The block under a header that commits to something else."""
    header = solve(replace(block.header, merkle_root=root))
    return RawBlock(header, header.raw + block.raw[len(header.raw) :])


def missigned(transaction: Transaction, verifier: ScriptVerifier) -> Transaction:
    """The payment with a witness that its coins' scripts refuse."""
    witnesses = ((_WRONG_WITNESS_SCRIPT,),) * len(transaction.inputs)
    broken = Transaction(transaction.version, transaction.inputs, transaction.outputs, transaction.lock_time, witnesses)
    if isinstance(verifier, ScriptedVerifier):
        verifier.bad |= {broken.wtxid}
    return broken


def solve(header: BlockHeader, *, meets: bool = True) -> BlockHeader:
    """The header with a nonce that meets its target; with `meets` false, with one that misses it."""
    target = bits_to_target(header.bits)
    if target is None:
        raise MisuseError(f"no hash can meet the bits {header.bits:#010x}")
    nonce = header.nonce
    while meets_target(header.hash, target) is not meets:
        nonce = (nonce + 1) & 0xFFFF_FFFF
        header = replace(header, nonce=nonce)
    return header
